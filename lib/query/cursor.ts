import { createHmac, timingSafeEqual } from 'node:crypto';
import { SealtrailError } from '../log/error.ts';

/** Where a query goes on. */
export interface Position {
  /**
   * Newest first: records from here on have been looked at. Oldest first: the next record to look at.
   */
  readonly seq: number;
  /** The trail's size that the first page saw. */
  readonly asOf: number;
}

const VERSION = 1;
const MAC_BYTES = 16;
const POSITION_BYTES = 16;

/**
 * Cursors: a position in each trail that is asked, and a code that binds them to the trails and to a question, so that
 * nobody can make one up or carry one over to records that they may not ask for.
 *
 *     version 1, for each trail seq and asOf as big-endian uint64, the first 16 bytes of
 *     HMAC-SHA-256(secret, "sealtrail cursor" 0x00, for each trail its name 0x00, the bytes before, then the question)
 *
 * in base64url without padding (RFC 4648 section 5). No name begins with the byte 1, so where names end is told by that.
 */
export class Cursors {
  readonly #secret: Uint8Array;

  /** @param secret at least 16 bytes, the same in every process that answers queries */
  constructor(secret: Uint8Array) {
    if (secret.length < 16) throw new RangeError(`a cursor secret has at least 16 bytes, not ${secret.length}`);
    this.#secret = secret;
  }

  /** @param question everything that the answer depends on besides the position, as text */
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
   * @throws `invalid_cursor` for anything that `seal` did not give for these trails and this question
   */
  open(trails: readonly string[], question: string, cursor: string): readonly Position[] {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(0, 1 + POSITION_BYTES * trails.length);
    const mac = bytes.subarray(payload.length);
    const isOurs =
      mac.length === MAC_BYTES &&
      bytes.toString('base64url') === cursor &&
      timingSafeEqual(mac, this.#mac(trails, question, payload));
    if (!isOurs || payload[0] !== VERSION) {
      const message = 'the cursor is not one of this query: begin again without it';
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
