import * as z from 'zod';
import { defined } from '../../base/defined.ts';
import { FILTER_HELP } from '../../contract/query.ts';
import type { Period } from '../../query/query.ts';
import { type Clock, momentIn, TIME_RULE } from '../../question/moments.ts';
import { isTimeZone } from '../../question/zones.ts';
import { invalidParameter } from '../core/parameters.ts';

/** Schemas of parameters that several resources share. */

/** A non-negative whole number. */
export const wholeNumber = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number')
  .transform(Number)
  .refine(Number.isSafeInteger, 'must be a whole number');

export function wholeNumberBetween(least: number, most: number) {
  return wholeNumber.refine((count) => count >= least && count <= most, `must be from ${least} to ${most}`);
}

export function oneOf<const Words extends readonly string[]>(words: Words): z.ZodType<Words[number], string> {
  return z.enum(words, `must be one of ${words.join(', ')}`);
}

/** The header `Idempotency-Key`. Visible ASCII, since it becomes part of a key of the store and appears in logs. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
  .optional()
  .describe('1 to 255 visible ASCII characters; the same key and body give the same answer for at least 24 hours.');

/** A time in any form of `momentIn`. It stays text: what it means depends on the clock and on the parameter `tz`. */
const time = z.string().refine((text) => momentIn(text, { now: Date.now() }) !== undefined, {
  // In a query `+` means a space (the URL standard, "application/x-www-form-urlencoded parsing").
  error: ({ input }) =>
    / \d\d:?\d\d$/.test(String(input)) ? 'must be a time; the + of an offset is sent as %2B in a query' : TIME_RULE,
});

/** The time zone of times without an offset. */
const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be a time zone such as Europe/Berlin, or an offset such as +02:00')
  .optional()
  .describe(FILTER_HELP.tz);

/** The period from `from` to `to` by the server's clock, as text: {@link periodOf} reads it. */
export const PERIOD = {
  from: time.optional().describe(FILTER_HELP.from),
  to: time.optional().describe(FILTER_HELP.to),
  tz: timeZone,
};

/** The period by the producer's clock. */
export const EVENT_PERIOD = {
  timeFrom: time.optional().describe(FILTER_HELP.timeFrom),
  timeTo: time.optional().describe(FILTER_HELP.timeTo),
};

/** A period as it was asked for. */
export interface AskedPeriod {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Reads a period.
 *
 * @param names of the parameters that it is from
 * @throws `invalid_parameter` if its first moment is after its last
 */
export function periodOf(
  { from, to }: AskedPeriod,
  clock: Clock,
  names: readonly [first: string, last: string] = ['from', 'to'],
): Period {
  const period = defined({
    from: from === undefined ? undefined : momentIn(from, clock),
    to: to === undefined ? undefined : momentIn(to, clock),
  });
  if (period.from !== undefined && period.to !== undefined && period.from > period.to) {
    throw invalidParameter(names[0], `must not be after \`${names[1]}\``);
  }
  return period;
}
