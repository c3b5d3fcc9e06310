import { SealtrailError } from '../../log/error.ts';
import type { Item, Write } from '../../store/ports.ts';
import { attributesOf, withFormat } from './format.ts';
import { type Landing, landingAttributes, landingOf } from './landing.ts';
import { idempotencyKey } from './layout.ts';

/**
 * How long an idempotency key is remembered: 48 hours in the store's own time, so that the promised 24 hold whatever
 * the clocks say. A key that is still there later still answers with its first receipt, which does no harm.
 */
export const REMEMBERED_SECONDS = 48 * 3600;

/** The key that makes an append repeatable. */
export interface Idempotency {
  /** The caller's key, unique for each trail and each identity of submitters. */
  readonly key: string;
  /** A digest of the request's body, by which a key used for something else is noticed. */
  readonly bodyHash: string;
}

/** Where the append that used a key first has landed. */
export interface IdempotencyRecord {
  readonly bodyHash: string;
  readonly first: number;
  readonly count: number;
  /** Which submission it was, where it waited in line. */
  readonly waited?: Landing;
}

/** The write that remembers a key, in the same transaction as the block; it fails where the key is taken. */
export function rememberKey(
  trail: string,
  submitter: string,
  idempotency: Idempotency,
  landed: {
    readonly first: number;
    readonly count: number;
    readonly receivedAt: number;
    readonly waited?: Landing | undefined;
  },
): Write {
  const { first, count, receivedAt, waited } = landed;
  return {
    put: {
      ...idempotencyKey(trail, submitter, idempotency.key),
      attributes: withFormat('idempotency key', {
        bodyHash: idempotency.bodyHash,
        first,
        count,
        ...(waited === undefined ? {} : landingAttributes(waited)),
      }),
      expiresAt: Math.ceil(receivedAt / 1000) + REMEMBERED_SECONDS,
    },
    when: { is: 'absent' },
  };
}

/** Reads what a taken key stands for. @throws `store_corrupt` where the item is not one that {@link rememberKey} makes */
export function readIdempotencyRecord(trail: string, item: Item): IdempotencyRecord {
  const { bodyHash, first, count } = attributesOf('idempotency key', item);
  if (typeof bodyHash !== 'string' || typeof first !== 'number' || typeof count !== 'number') {
    throw new SealtrailError('store_corrupt', `an idempotency item of trail ${trail} is not readable`);
  }
  const waited = landingOf(item);
  return { bodyHash, first, count, ...(waited === undefined ? {} : { waited }) };
}
