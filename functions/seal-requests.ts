import * as z from 'zod';
import { isErrorCode } from '../lib/api/core/problem.ts';
import type { Archiver } from '../lib/followers/archive/archiver.ts';
import { fromBase64 } from '../lib/log/encoding.ts';
import { type ErrorCode, SealtrailError } from '../lib/log/error.ts';
import { isSystemTrailName, isTrailName } from '../lib/log/trail-name.ts';
import type { LambdaFunction } from '../lib/store/lambda/function.ts';

/** The requests of the function `seal` to `follow`, and the responses: JSON, which each side validates. */

/** A request to seal a trail. */
export interface SealRequest {
  readonly seal: string;
}

const request = z.strictObject({ seal: z.string().refine((name) => isTrailName(name) || isSystemTrailName(name)) });

/** The trail of a request; undefined if it names no valid trail. */
export const requestedTrail = (event: unknown): string | undefined => request.safeParse(event).data?.seal;

/** A failure, as both sides know it. */
const failedSchema = z.object({
  failed: z.object({
    code: z.custom<ErrorCode>((code) => typeof code === 'string' && isErrorCode(code)),
    message: z.string(),
  }),
});

const answer = z.union([
  z.object({
    /** The checkpoint that covers the archive; null for a trail without records. */
    sealed: z.object({ size: z.int().positive(), note: z.string().min(1) }).nullable(),
  }),
  failedSchema,
]);

/** The outcome of a request. A failure is a response as well: as an exception it would lose its code. */
export type SealAnswer = z.infer<typeof answer>;

/** Converts an error to a response. Unexpected errors are detailed only in the log of `follow`. */
export function failure(error: unknown): z.infer<typeof failedSchema> {
  const { code, message } =
    error instanceof SealtrailError
      ? error
      : new SealtrailError('internal', 'see the log of the function that follows');
  return { failed: { code, message } };
}

/**
 * @returns the checkpoint; undefined for a trail without records
 * @throws the error in the response; `unavailable` if it is not a response, as from an older version
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
 * The archiver of a function that may not write the archive. It invokes `follow` to seal, and waits for as long as an API
 * response may take. A seal that takes longer continues there; a repeated request finds it done.
 */
export class InvokedArchiver implements Pick<Archiver, 'seal'> {
  readonly #follower: Pick<LambdaFunction, 'ask'>;

  constructor(follower: Pick<LambdaFunction, 'ask'>) {
    this.#follower = follower;
  }

  /** @throws the errors of {@link Archiver.seal} and {@link LambdaFunction.ask} */
  async seal(trail: string): ReturnType<Archiver['seal']> {
    const request: SealRequest = { seal: trail };
    return sealedOf(await this.#follower.ask(request));
  }
}

/** A request for a receipt. */
export interface ReceiptRequest {
  readonly receipt: { readonly trail: string; readonly seq: number };
}

const receiptRequest = z.strictObject({
  receipt: z.strictObject({
    trail: z.string().refine((name) => isTrailName(name) || isSystemTrailName(name)),
    seq: z.int().nonnegative(),
  }),
});

/** The record of a request; undefined if it names none. */
export const requestedReceipt = (event: unknown): ReceiptRequest['receipt'] | undefined =>
  receiptRequest.safeParse(event).data?.receipt;

const receiptAnswer = z.union([z.object({ signed: z.base64() }), failedSchema]);
export type ReceiptAnswer = z.infer<typeof receiptAnswer>;

/**
 * Has `follow` sign a receipt, which alone of the functions that read the archive may sign.
 *
 * @throws the error in the response; `unavailable` if it is not a response, as from an older version; those of
 *   {@link LambdaFunction.ask}
 */
export async function askReceipt(
  follower: Pick<LambdaFunction, 'ask'>,
  trail: string,
  seq: number,
): Promise<Uint8Array> {
  const asked: ReceiptRequest = { receipt: { trail, seq } };
  const parsed = receiptAnswer.safeParse(await follower.ask(asked));
  if (!parsed.success) {
    throw new SealtrailError('unavailable', 'a request for a receipt was not answered', { cause: parsed.error });
  }
  if ('failed' in parsed.data) throw new SealtrailError(parsed.data.failed.code, parsed.data.failed.message);
  return fromBase64(parsed.data.signed, 'malformed_proof', 'the receipt');
}
