import * as z from 'zod';
import { isErrorCode } from '../lib/api/core/problem.ts';
import type { Archiver } from '../lib/followers/archive/archiver.ts';
import { type ErrorCode, SealtrailError } from '../lib/log/error.ts';
import { isSystemTrailName, isTrailName } from '../lib/log/trail-name.ts';
import type { LambdaFunction } from '../lib/store/lambda/function.ts';

/** What the function `seal` asks of `follow`, and what that answers: JSON, which each side checks as it comes in. */

/** To seal the trail of this name. */
export interface SealRequest {
  readonly seal: string;
}

const request = z.strictObject({ seal: z.string().refine((name) => isTrailName(name) || isSystemTrailName(name)) });

/** The trail that an order is about; undefined when it names none that could be. */
export const requestedTrail = (event: unknown): string | undefined => request.safeParse(event).data?.seal;

const answer = z.union([
  z.object({
    /** The checkpoint that covers the archive; null for a trail without a record. */
    sealed: z.object({ size: z.int().positive(), note: z.string().min(1) }).nullable(),
  }),
  z.object({
    failed: z.object({
      code: z.custom<ErrorCode>((code) => typeof code === 'string' && isErrorCode(code)),
      message: z.string(),
    }),
  }),
]);

/** What became of an order. That it failed is an answer as well: as an exception it would lose its code. */
export type SealAnswer = z.infer<typeof answer>;

/** An error as an answer. What was not foreseen is in the log of who answers, and nowhere else. */
export function failure(error: unknown): SealAnswer {
  const { code, message } =
    error instanceof SealtrailError
      ? error
      : new SealtrailError('internal', 'see the log of the function that follows');
  return { failed: { code, message } };
}

/**
 * @returns the checkpoint; undefined for a trail without a record
 * @throws the error that was answered; `unavailable` when it is no answer, as from a version that knows no orders yet
 */
export function sealedOf(answered: unknown): { readonly size: number; readonly note: string } | undefined {
  const parsed = answer.safeParse(answered);
  if (!parsed.success) {
    throw new SealtrailError('unavailable', 'a request to seal was not answered', { cause: parsed.error });
  }
  if ('failed' in parsed.data) throw new SealtrailError(parsed.data.failed.code, parsed.data.failed.message);
  return parsed.data.sealed ?? undefined;
}

/**
 * The archiver of a function that may not write the archive: it has the function `follow` seal, and waits for it as long as an
 * answer of the API may take. A seal that takes longer goes on there; asked for again, it is found done.
 */
export class InvokedArchiver implements Pick<Archiver, 'seal'> {
  readonly #follower: Pick<LambdaFunction, 'ask'>;

  constructor(follower: Pick<LambdaFunction, 'ask'>) {
    this.#follower = follower;
  }

  /** @throws as {@link Archiver.seal}, and as {@link LambdaFunction.ask} */
  async seal(trail: string): ReturnType<Archiver['seal']> {
    const request: SealRequest = { seal: trail };
    return sealedOf(await this.#follower.ask(request));
  }
}
