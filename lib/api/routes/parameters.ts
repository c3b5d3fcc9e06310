import * as z from 'zod';
import { FILTER_HELP } from '../../contract/query.ts';
import { timeMillis } from '../../event/time.ts';

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

/** A day of UTC means its first moment. */
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** Unix milliseconds of a moment. */
const time = z.string().transform((text, context) => {
  const millis = /^\d{1,15}$/.test(text) ? Number(text) : timeMillis(DATE.test(text) ? `${text}T00:00:00Z` : text);
  if (millis !== undefined) return millis;
  // In a query `+` means a space (the URL standard, "application/x-www-form-urlencoded parsing").
  const isPlus = / \d\d:?\d\d$/.test(text);
  context.addIssue(
    isPlus
      ? 'must be a time; the + of an offset is sent as %2B in a query'
      : 'must be a time such as 2026-01-31T23:59:59Z, a date such as 2026-01-31, or Unix milliseconds',
  );
  return z.NEVER;
});

/** The period from `from` to `to` by the server's clock. Its schema also needs {@link inOrder}. */
export const PERIOD = {
  from: time.optional().describe(FILTER_HELP.from),
  to: time.optional().describe(FILTER_HELP.to),
};

/** The period by the producer's clock. */
export const EVENT_PERIOD = {
  timeFrom: time.optional().describe(FILTER_HELP.timeFrom),
  timeTo: time.optional().describe(FILTER_HELP.timeTo),
};

type Period<First extends string, Last extends string> = { [Name in First | Last]?: number | undefined };

/** A `.check` that the first of two times is not after the last. */
export function inOrder<First extends string, Last extends string>(first: First, last: Last) {
  return z.refine<Period<First, Last>>(
    ({ [first]: from, [last]: to }) => from === undefined || to === undefined || from <= to,
    { path: [first], error: `must not be after \`${last}\`` },
  );
}
