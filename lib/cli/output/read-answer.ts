import type * as z from 'zod';
import { SealtrailError } from '../../log/error.ts';

/**
 * Reads a server's answer by its schema.
 *
 * @param what names what was wanted: `a seal`
 * @throws `unavailable` if it is something else
 *
 * @example
 * readAnswer(sealSchema, answer.json(), 'a seal'); // or "the server did not answer with a seal"
 */
export function readAnswer<T>(schema: z.ZodType<T>, answer: unknown, what: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new SealtrailError('unavailable', `the server did not answer with ${what}`, { cause: parsed.error });
}
