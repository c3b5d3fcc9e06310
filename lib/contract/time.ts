/** Milliseconds of a UTC day. Unix time has no leap seconds. */
export const DAY_MS = 86_400_000;

/** The longest time taken: far more digits of a second than any clock has. */
const MAX_TIME_LENGTH = 64;

/** RFC 3339 section 5.6 `date-time`; its letters may be lower case. */
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/**
 * The instant that an RFC 3339 `date-time` names, in Unix milliseconds (rounded down), or undefined where the text is
 * none: a calendar day that does not exist, an hour 24, an offset beyond 23:59, no offset at all. A leap second (`:60`)
 * is taken where RFC 3339 section 5.7 has it, in the last minute of a UTC month, and counts as the second after it.
 *
 * @example
 * timeMillis('1985-04-12T23:20:50.52Z');        // 482196050520
 * timeMillis('1990-12-31T15:59:60-08:00');      // 662688000000
 * timeMillis('2026-02-30T00:00:00Z');           // undefined
 */
export function timeMillis(text: string): number | undefined {
  if (text.length > MAX_TIME_LENGTH) return undefined;
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  // The groups are digits in every match.
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6]);
  const offsetHour = Number(match[9] ?? 0);
  const offsetMinute = Number(match[10] ?? 0);
  if (day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 60) return undefined;
  if (offsetHour > 23 || offsetMinute > 59) return undefined;

  const offset = (offsetHour * 60 + offsetMinute) * 60_000 * (match[8] === '-' ? -1 : 1);
  const millis = startOfDay(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000 - offset;
  // Second 60 must end a month of UTC: the instant it stands for is then the first of the next one.
  if (second === 60 && (millis % DAY_MS !== 0 || new Date(millis).getUTCDate() !== 1)) return undefined;
  return millis + Number((match[7] ?? '').slice(1, 4).padEnd(3, '0'));
}

/** `Date.UTC` takes the years 0 to 99 for those of the 20th century; the Gregorian calendar repeats after 400 years. */
function startOfDay(year: number, month: number, day: number): number {
  return Date.UTC(year + 400, month - 1, day) - DAYS_IN_400_YEARS * DAY_MS;
}

const DAYS_IN_400_YEARS = 146_097;

/** The days of a month of 1 to 12; 0 for any other, which no day fits. */
function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return (DAYS[month - 1] ?? 0) + (leap ? 1 : 0);
}
