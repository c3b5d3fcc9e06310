import type { IncomingMessage } from 'node:http';
import { bodyTooLarge, decodeContent } from '../api/core/content-encoding.ts';
import { MAX_BODY_BYTES } from '../event/intake.ts';
import { SealtrailError } from '../log/error.ts';

/** A request's body: the bytes as sent, which are what is signed, and what they stand for. */
export interface Body {
  readonly sent: Uint8Array;
  /** Undoes `Content-Encoding: gzip`, within the same bound. To be called when the signature has been checked. */
  decoded(): Promise<Uint8Array>;
}

/** Bytes of bodies that may be in memory at once, over all requests: strangers must not fill it. */
export class BodyBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** @throws `rate_limited` when too much is in memory already */
  take(bytes: number): void {
    if (bytes > this.#left) {
      throw new SealtrailError('rate_limited', 'too many requests at once: try again', { retryAfter: 1 });
    }
    this.#left -= bytes;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/**
 * Reads a request's body, at most 5,000,000 bytes. What was taken from the budget for it is the caller's to give back,
 * unless this throws.
 *
 * @param goOn tells a sender that waits for it that the body may come, once nothing is known against it
 *
 * @throws `batch_too_large` as soon as that is known, `rate_limited`; `unavailable` when the sender went away
 */
export async function readBody(incoming: IncomingMessage, budget: BodyBudget, goOn?: () => void): Promise<Body> {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw bodyTooLarge();
  goOn?.();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // Not destroyed on the way out: whoever sent too much must still get the answer that says so.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      budget.take(chunk.length);
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) throw bodyTooLarge();
      chunks.push(chunk);
    }
  } catch (cause) {
    budget.give(bytes);
    if (cause instanceof SealtrailError) throw cause;
    throw new SealtrailError('unavailable', 'the request ended before its body did', { cause });
  }
  const sent = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  return { sent, decoded: () => decodeContent(sent, incoming.headers['content-encoding']) };
}
