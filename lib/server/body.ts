import type { IncomingMessage } from 'node:http';
import { bodyTooLarge, decodeContent } from '../api/core/content-encoding.ts';
import { MAX_BODY_BYTES } from '../contract/event.ts';
import { SealtrailError } from '../log/error.ts';
import type { BodyShare } from './body-budget.ts';

/** A request's body: the bytes as sent, which are what is signed, and what they stand for. */
export interface Body {
  readonly sent: Uint8Array;
  /** Undoes `Content-Encoding: gzip`, within the same bound. To be called when the signature has been checked. */
  decoded(): Promise<Uint8Array>;
}

/**
 * Reads a request's body, at most 5,000,000 bytes. What it takes of the memory for bodies is the caller's to give
 * back, unless this throws.
 *
 * @param onContinue tells a sender that waits for it that the body may come, once nothing is known against it
 *
 * @throws `batch_too_large` as soon as that is known, `rate_limited`; `unavailable` when the sender went away
 */
export async function readBody(incoming: IncomingMessage, share: BodyShare, onContinue?: () => void): Promise<Body> {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw bodyTooLarge();
  onContinue?.();
  const chunks: Buffer[] = [];
  try {
    // Not destroyed on the way out: the sender of too much must still get the answer that says so.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      share.take(chunk.length);
      if (share.bytes > MAX_BODY_BYTES) throw bodyTooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    share.give();
    if (cause instanceof SealtrailError) throw cause;
    throw new SealtrailError('unavailable', 'the request ended before its body did', { cause });
  }
  const sent = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  return { sent, decoded: () => decodeContent(sent, incoming.headers['content-encoding']) };
}
