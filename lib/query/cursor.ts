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
const PAYLOAD_BYTES = 17;

/**
 * Cursors: a position, and a code that binds it to a trail and to a question, so that nobody can make one up or carry
 * one over to records that they may not ask for.
 *
 *     version 1, seq and asOf as big-endian uint64, the first 16 bytes of
 *     HMAC-SHA-256(secret, "sealtrail cursor" 0x00 trail 0x00 the bytes before, then the question)
 *
 * in base64url without padding (RFC 4648 section 5).
 */
export class Cursors {
  readonly #secret: Uint8Array;

  /** @param secret at least 16 bytes, the same in every process that answers queries */
  constructor(secret: Uint8Array) {
    if (secret.length < 16) throw new RangeError(`a cursor secret has at least 16 bytes, not ${secret.length}`);
    this.#secret = secret;
  }

  /** @param question everything that the answer depends on besides the position, as text */
  seal(trail: string, question: string, { seq, asOf }: Position): string {
    const payload = Buffer.alloc(PAYLOAD_BYTES);
    payload[0] = VERSION;
    payload.writeBigUInt64BE(BigInt(seq), 1);
    payload.writeBigUInt64BE(BigInt(asOf), 9);
    return Buffer.concat([payload, this.#mac(trail, question, payload)]).toString('base64url');
  }

  /** @throws `invalid_cursor` for anything that `seal` did not give for this trail and question */
  open(trail: string, question: string, cursor: string): Position {
    const bytes = Buffer.from(cursor, 'base64url');
    const payload = bytes.subarray(0, PAYLOAD_BYTES);
    const mac = bytes.subarray(PAYLOAD_BYTES);
    const isOurs =
      mac.length === MAC_BYTES &&
      bytes.toString('base64url') === cursor &&
      timingSafeEqual(mac, this.#mac(trail, question, payload));
    if (!isOurs || payload[0] !== VERSION) {
      const message = 'the cursor is not one of this query: begin again without it';
      throw new SealtrailError('invalid_cursor', message, { field: 'cursor' });
    }
    return { seq: Number(payload.readBigUInt64BE(1)), asOf: Number(payload.readBigUInt64BE(9)) };
  }

  #mac(trail: string, question: string, payload: Uint8Array): Buffer {
    const hmac = createHmac('sha256', this.#secret);
    hmac.update(`sealtrail cursor\0${trail}\0`).update(payload).update(question);
    return hmac.digest().subarray(0, MAC_BYTES);
  }
}
