import { createHmac, timingSafeEqual } from 'node:crypto';
import { SealtrailError } from '../log/error.ts';

/** Where a query continues. */
export interface Position {
  /**
   * Newest first: records from here on have been searched. Oldest first: the next record to search.
   */
  readonly seq: number;
  /** The size of the trail at the first page. */
  readonly asOf: number;
}

const VERSION = 1;
const MAC_BYTES = 16;
const POSITION_BYTES = 16;

/**
 * Seals and opens cursors: a position in each queried trail, with a MAC that binds them to the trails and the query, so that
 * no one can forge a cursor or use one to reach other records.
 *
 *     version 1, for each trail seq and asOf as big-endian uint64, the first 16 bytes of
 *     HMAC-SHA-256(secret, "sealtrail cursor" 0x00, for each trail its name 0x00, the bytes before, then the question)
 *
 * in base64url without padding (RFC 4648 section 5). No name begins with the byte 1, which therefore marks the end of the names.
 */
export class Cursors {
  readonly #secret: Uint8Array;

  /** @param secret at least 16 bytes, the same in every process that answers queries */
  constructor(secret: Uint8Array) {
    if (secret.length < 16) throw new RangeError(`a cursor secret has at least 16 bytes, not ${secret.length}`);
    this.#secret = secret;
  }

  /** @param question everything besides the position that the answer depends on, as text */
  seal(trails: readonly string[], question: string, positions: readonly Position[]): string {
    const payload = Buffer.alloc(1 + POSITION_BYTES * trails.length);
    payload[0] = VERSION;
    for (const [i, { seq, asOf }] of positions.entries()) {
      payload.writeBigUInt64BE(BigInt(seq), 1 + POSITION_BYTES * i);
      payload.writeBigUInt64BE(BigInt(asOf), 9 + POSITION_BYTES * i);
    }
    return Buffer.concat([payload, this.#mac(trails, question, payload)]).toString('base64url');
  }

  /**
   * @returns a position for each of the trails
   * @throws `invalid_cursor` for anything but a cursor that `seal` made for these trails and this question
   */
  open(trails: readonly string[], question: string, cursor: string): readonly Position[] {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(0, 1 + POSITION_BYTES * trails.length);
    const mac = bytes.subarray(payload.length);
    const hasValidMac =
      mac.length === MAC_BYTES &&
      bytes.toString('base64url') === cursor &&
      timingSafeEqual(mac, this.#mac(trails, question, payload));
    if (!hasValidMac || payload[0] !== VERSION) {
      const message = 'the cursor does not belong to this query: start again without it';
      throw new SealtrailError('invalid_cursor', message, { field: 'cursor' });
    }
    const number = (at: number): number => Number(payload.readBigUInt64BE(at));
    return trails.map((_, i) => ({ seq: number(1 + POSITION_BYTES * i), asOf: number(9 + POSITION_BYTES * i) }));
  }

  #mac(trails: readonly string[], question: string, payload: Uint8Array): Buffer {
    const hmac = createHmac('sha256', this.#secret);
    hmac.update('sealtrail cursor\0');
    for (const trail of trails) hmac.update(`${trail}\0`);
    hmac.update(payload).update(question);
    return hmac.digest().subarray(0, MAC_BYTES);
  }
}
