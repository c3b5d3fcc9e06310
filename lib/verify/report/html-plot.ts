import { DAY_MS } from '../../contract/time.ts';
import { type Markup, markup } from './markup.ts';
import type { Timeline } from './report.ts';

/** In the units of the drawing, which scales to the page. */
const WIDTH = 960;
const LEFT = 56;
const RIGHT = 8;
const RECORDS = { top: 18, height: 130 };
const CHECKPOINTS = { top: 176, height: 44 };
const AXIS = 236;
const HEIGHT = 256;

const UNITS: readonly (readonly [number, string])[] = [
  [DAY_MS, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
];

/** Records and checkpoints over time, one above the other, each on a scale of its own. */
export function plotTimeline(timeline: Timeline): Markup {
  const { binMs, start, records, checkpoints } = timeline;
  const end = start + binMs * records.length;
  const label = `Records and checkpoints from ${utc(start)} to ${utc(end)}, each bar ${duration(binMs)}`;
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
${strip(timeline, records, RECORDS, 'records', 'Records')}
${strip(timeline, checkpoints, CHECKPOINTS, 'checkpoints', 'Checkpoints')}
${timeAxis(start, end)}
</svg>
<p class="note">Each bar is ${duration(binMs)}. Times are when the server received a record, in UTC; a checkpoint stands at the time of its last record.</p>`;
}

function strip(
  { binMs, start }: Timeline,
  counts: readonly number[],
  { top, height }: { readonly top: number; readonly height: number },
  name: string,
  title: string,
): Markup {
  const most = Math.max(1, ...counts);
  const step = (WIDTH - LEFT - RIGHT) / counts.length;
  const gap = step > 4 ? 1 : 0;
  const bars = counts.map((count, at) => {
    if (count === 0) return undefined;
    // Something that is there must be seen, however little it is beside the rest.
    const tall = Math.max(1.5, (count / most) * height);
    const from = utc(start + at * binMs);
    return markup`<rect class="${name}" x="${tidy(LEFT + at * step)}" y="${tidy(top + height - tall)}" width="${tidy(step - gap)}" height="${tidy(tall)}"><title>${from}: ${grouped(count)} ${name}</title></rect>`;
  });
  const middle =
    most > 3
      ? markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${tidy(top + height / 2)}" y2="${tidy(top + height / 2)}"/>`
      : undefined;
  return markup`<text class="title" x="${LEFT}" y="${top - 6}">${title}</text>
<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top}" y2="${top}"/>${middle}
<text class="tick" x="${LEFT - 6}" y="${top + 4}" text-anchor="end">${short(most)}</text>
<text class="tick" x="${LEFT - 6}" y="${top + height}" text-anchor="end">0</text>
${bars}
<line class="base" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${top + height}" y2="${top + height}"/>`;
}

/** At most five times along the axis, as precise as they have to be: none stands there twice. */
function timeAxis(start: number, end: number): Markup {
  const timeAt = (share: number): string => axisTime(start + share * (end - start), end - start);
  const shares = [0, 0.25, 0.5, 0.75, 1].filter((share) => share === 0 || timeAt(share) !== timeAt(share - 0.25));
  const ticks = shares.map((share) => {
    const x = LEFT + share * (WIDTH - LEFT - RIGHT);
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    return markup`<line class="base" x1="${tidy(x)}" x2="${tidy(x)}" y1="${CHECKPOINTS.top + CHECKPOINTS.height}" y2="${CHECKPOINTS.top + CHECKPOINTS.height + 4}"/>
<text class="tick" x="${tidy(x)}" y="${AXIS}" text-anchor="${anchor}">${timeAt(share)}</text>`;
  });
  return markup`${ticks}`;
}

function axisTime(at: number, range: number): string {
  const text = utc(at);
  if (range > 20 * DAY_MS) return text.slice(0, 10);
  return range > DAY_MS ? text.slice(5, 16) : text.slice(11, 19);
}

/** `2026-11-21 09:00:00`. Times beyond what a date can hold are given in milliseconds. */
export function utc(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? `${milliseconds} ms` : date.toISOString().slice(0, 19).replace('T', ' ');
}

function duration(milliseconds: number): string {
  const [size, name] = UNITS.find(([unit]) => milliseconds >= unit) ?? [1000, 'second'];
  const count = Math.round((milliseconds / size) * 10) / 10;
  return count === 1 ? `1 ${name}` : `${count} ${name}s`;
}

/** `1,234,567`. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function short(count: number): string {
  if (count < 10_000) return grouped(count);
  return count < 1e6 ? `${tidy(count / 1e3)} k` : `${tidy(count / 1e6)} M`;
}

const tidy = (value: number): number => Math.round(value * 100) / 100;
