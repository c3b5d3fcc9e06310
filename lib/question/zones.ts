import type { Unit } from '../contract/summary.ts';
import { DAY_MS } from '../contract/time.ts';

/** The time zone of times that name none. */
export const UTC = 'UTC';

const MINUTE_MS = 60_000;
/** Clocks are set at such moments only. */
const STEP_MS = 15 * MINUTE_MS;
/** Offsets that are remembered of a zone, at most. */
const MAX_KNOWN = 10_000;

interface Zone {
  readonly format: Intl.DateTimeFormat;
  /** Offsets by the quarter of an hour. */
  readonly known: Map<number, number>;
}

const zones = new Map<string, Zone>();

/** True if there is a time zone of the name: IANA's such as `Europe/Berlin`, or an offset such as `+02:00`. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** How far a zone's clocks are ahead of UTC at a moment, in milliseconds. Both in Unix milliseconds. */
export function offsetAt(zone: string, millis: number): number {
  if (zone === UTC) return 0;
  const { format, known } = zoneOf(zone);
  const step = Math.floor(millis / STEP_MS);
  let offset = known.get(step);
  if (offset === undefined) {
    const second = Math.floor(millis / 1000) * 1000;
    const parts = Object.fromEntries(format.formatToParts(second).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = parts;
    offset = Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(step, offset);
  }
  return offset;
}

function zoneOf(name: string): Zone {
  const found = zones.get(name);
  if (found !== undefined) return found;
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  const zone = { format, known: new Map<number, number>() };
  zones.set(name, zone);
  return zone;
}

/**
 * The moment at which a zone's clocks show a time. Where they show it twice it is the first; where they jump over it, the moment as
 * if they had not jumped.
 *
 * @param local the time as if it were of UTC, in milliseconds
 */
export function momentOf(zone: string, local: number): number {
  // A day away from any change there may be, on both sides of it.
  const before = local - offsetAt(zone, local - DAY_MS);
  if (before + offsetAt(zone, before) === local) return before;
  const after = local - offsetAt(zone, local + DAY_MS);
  return after + offsetAt(zone, after) === local ? after : before;
}

/** The local time of a zone at a moment, as if it were of UTC, in milliseconds. */
export const localTime = (zone: string, millis: number): number => millis + offsetAt(zone, millis);

/** The first moment of the minute, hour, day, week (from Monday) or month of a zone that a moment is in. */
export function startOf(unit: Unit, zone: string, millis: number): number {
  const local = localTime(zone, millis);
  if (unit === 'minute' || unit === 'hour') return millis - (((local % UNIT_MS[unit]) + UNIT_MS[unit]) % UNIT_MS[unit]);
  const date = new Date(local);
  const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), unit === 'month' ? 1 : date.getUTCDate());
  return momentOf(zone, unit === 'week' ? day - ((date.getUTCDay() + 6) % 7) * UNIT_MS.day : day);
}

/** Milliseconds of the units that have always as many. */
const UNIT_MS = { minute: MINUTE_MS, hour: 3_600_000, day: DAY_MS } as const;

/** `2026-11-21 04:31:09`, as a zone's clocks show it; of a unit only as much as it takes to name it. */
export function shownTime(zone: string, millis: number, unit?: Unit): string {
  const text = new Date(localTime(zone, millis)).toISOString().slice(0, 19).replace('T', ' ');
  if (unit === undefined) return text;
  return text.slice(0, unit === 'month' ? 7 : unit === 'day' || unit === 'week' ? 10 : 16);
}
