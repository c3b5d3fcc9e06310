import { hash, randomFillSync } from 'node:crypto';
import { V7Generator } from 'uuidv7';

/** Random numbers drawn at once: the library's own source asks the system for every second id. */
const POOL = new Uint32Array(1024);
let next = POOL.length;

const GENERATOR = new V7Generator({
  nextUint32(): number {
    if (next >= POOL.length) {
      randomFillSync(POOL);
      next = 0;
    }
    const number = POOL[next] ?? 0; // always there: next is within the pool
    // What was given out must not be found in memory again.
    POOL[next] = 0;
    next++;
    return number;
  },
});

/** A new event id: a UUIDv7 (RFC 9562 section 5.7), greater than the one before within this process. */
export function newEventId(): string {
  return GENERATOR.generate().toString();
}

/** The meaning of an idempotency key: the same in each repetition of a request. */
export interface RepeatableRequest {
  readonly trail: string;
  /** The stable part of the submitter. */
  readonly identity: string;
  readonly key: string;
  /** Of the request's body, in hex. */
  readonly bodyHash: string;
}

/**
 * The ids of events that are sent without one under an idempotency key: a repetition makes the same, so that it is known even where the
 * key is not any more, as in a log that was rebuilt from its archive.
 *
 * @returns the id of the event at an index: a UUIDv8 by SHA-256 (RFC 9562 sections 5.8 and 6.5)
 */
export const eventIdsOf =
  ({ trail, identity, key, bodyHash }: RepeatableRequest) =>
  (index: number): string => {
    const bytes = hash('sha256', JSON.stringify([trail, identity, key, bodyHash, index]), 'buffer').subarray(0, 16);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80; // version 8
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80; // variant, RFC 9562 section 4.1
    const hex = bytes.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  };
