import { shownTime } from '../../question/zones.ts';
import { type Clock, zoneOf } from '../data/question.ts';

/** `1,204` */
export const count = (value: number): string => value.toLocaleString('en');

/** `1 record`, `1,204 records` */
export const many = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`;

const AGO: readonly (readonly [milliseconds: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** `3 min ago` */
function ago(at: number, now: number): string {
  const past = now - at;
  const [size, unit] = AGO.find(([milliseconds]) => past >= milliseconds) ?? [1_000, 's'];
  return past < 1_000 ? 'now' : `${Math.floor(past / size)} ${unit} ago`;
}

/** A moment as the reader wants times: `2026-11-21 04:31:09`, or how long ago it was. */
export const moment = (at: number, clock: Clock, now = Date.now()): string =>
  clock === 'ago' ? ago(at, now) : shownTime(zoneOf({ clock }), at);

/** A moment in full, whatever the reader wants to see in lists. */
export const exactly = (at: number): string => new Date(at).toISOString();

/** `820 ms`, `3.4 s`, `12 min` */
export function duration(milliseconds: number): string {
  if (milliseconds < 1_000) return `${milliseconds} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  if (milliseconds < 3_600_000) return `${Math.round(milliseconds / 60_000)} min`;
  return `${(milliseconds / 3_600_000).toFixed(1)} h`;
}

/** Text of a value from an event, on one line and of a length that a row can show. */
export const shown = (value: unknown, most = 200): string => {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > most ? `${text.slice(0, most)}…` : text;
};
