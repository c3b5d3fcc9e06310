import { DAY_MS, timeMillis } from '../contract/time.ts';
import { localTime, momentOf, startOf, UTC } from './zones.ts';

/** The clock and zone on which the words of a time depend. */
export interface Clock {
  /** Unix milliseconds. */
  readonly now: number;
  /** The time zone of times without an offset. @default UTC */
  readonly zone?: string | undefined;
}

/** The rule of times, for error messages. */
export const TIME_RULE =
  'must be a time: 2026-01-31T23:59:59Z, 2026-01-31, "2026-01-31 08:00", 08:00, today, yesterday, now, 2h or 7d (that long ago), or Unix milliseconds';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const LOCAL = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?$/;
const TIME_OF_DAY = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/;
const AGO = /^-?((?:\d{1,6}(?:ms|s|m|h|d|w))+)(?: ago)?$/;
const PART = /(\d+)(ms|[smhdw])/g;
const UNIT_MS: Readonly<Record<string, number>> = {
  ...{ ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS },
};

/**
 * The moment that a text names, in Unix milliseconds; undefined where it names none.
 *
 * @example
 * momentIn('2026-01-31', { now });                                   // midnight of UTC
 * momentIn('yesterday', { now, zone: 'Europe/Berlin' });             // midnight in Berlin
 * momentIn('2026-01-31 08:00', { now, zone: 'America/New_York' });   // eight o'clock in New York
 * momentIn('1h30m', { now });                                        // now - 5400000
 */
export function momentIn(text: string, { now, zone = UTC }: Clock): number | undefined {
  if (text.length > 64) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const ago = AGO.exec(text);
  if (ago !== null) return fromAgo(ago[1] ?? '', now);
  const day = (days: number): number => startOf('day', zone, startOf('day', zone, now) + days * DAY_MS + DAY_MS / 2);
  switch (text) {
    case 'now':
      return now;
    case 'today':
      return day(0);
    case 'yesterday':
      return day(-1);
    case 'tomorrow':
      return day(1);
  }
  if (TIME_OF_DAY.test(text)) return timeToday(text, now, zone);
  if (DATE.test(text)) return inZone(`${text}T00:00:00Z`, zone);
  const local = LOCAL.exec(text);
  if (local !== null) return inZone(`${local[1]}T${local[2]}${local[3] ?? ':00'}Z`, zone);
  return timeMillis(text);
}

function fromAgo(text: string, now: number): number | undefined {
  let millis = 0;
  for (const [, count, unit = ''] of text.matchAll(PART)) millis += Number(count) * (UNIT_MS[unit] ?? 0);
  return millis <= now ? now - millis : undefined;
}

function timeToday(text: string, now: number, zone: string): number | undefined {
  const [hour = '', minute = '', second = '00'] = text.split(':');
  const today = new Date(localTime(zone, now)).toISOString().slice(0, 10);
  return inZone(`${today}T${hour.padStart(2, '0')}:${minute}:${second}Z`, zone);
}

function inZone(asUtc: string, zone: string): number | undefined {
  const local = timeMillis(asUtc);
  return local === undefined ? undefined : momentOf(zone, local);
}

/** True if the moment that a text names depends on when it is read. */
export const isRelative = (text: string): boolean =>
  AGO.test(text) || TIME_OF_DAY.test(text) || ['now', 'today', 'yesterday', 'tomorrow'].includes(text);

/** Record numbers: `from` inclusive, `to` exclusive. */
export interface NumberRange {
  readonly from: number;
  readonly to: number;
}

/** The rule of record numbers, for error messages. */
export const NUMBERS_RULE = 'must be a record number such as 7, or a range with both ends such as 10..20, 10.. or ..20';

/** The records that a text names: `7`, `10..20` with both ends, `10..`, `..20`; undefined where it names none. */
export function numbersIn(text: string): NumberRange | undefined {
  const match = /^(\d{1,15})?(\.\.)?(\d{1,15})?$/.exec(text);
  if (match === null) return undefined;
  const [, first, dots, last] = match;
  if (first === undefined && last === undefined) return undefined;
  if (dots === undefined) return first === undefined ? undefined : { from: Number(first), to: Number(first) + 1 };
  const range = { from: Number(first ?? 0), to: last === undefined ? Number.MAX_SAFE_INTEGER : Number(last) + 1 };
  return range.from < range.to ? range : undefined;
}
