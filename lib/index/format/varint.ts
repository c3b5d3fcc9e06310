import { SealtrailError } from '../../log/error.ts';

/** Writes numbers from 0 to 2^53 - 1 into a growing buffer, seven bits a byte, lowest first (LEB128). */
export class VarintWriter {
  #bytes = Buffer.allocUnsafe(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  put(value: number): void {
    if (this.#length + 8 > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(this.#bytes.length * 2);
      this.#bytes.copy(wider, 0, 0, this.#length);
      this.#bytes = wider;
    }
    let rest = value;
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.#bytes[this.#length++] = (rest % 128) | 128;
    for (; rest > 127; rest >>>= 7) this.#bytes[this.#length++] = (rest & 127) | 128;
    this.#bytes[this.#length++] = rest;
  }

  /** Writes bytes as they are. */
  putBytes(bytes: Uint8Array): void {
    const end = this.#length + bytes.length;
    if (end > this.#bytes.length) {
      const wider = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(wider, 0, 0, this.#length);
      this.#bytes = wider;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = end;
  }

  /** A copy of the bytes written so far. */
  bytes(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, 0, this.#length);
  }
}

/** Writes a number at a place of a buffer that has room for it. @returns where it ends */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let [end, rest] = [at, value];
  for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[end++] = (rest % 128) | 128;
  for (; rest > 127; rest >>>= 7) bytes[end++] = (rest & 127) | 128;
  bytes[end++] = rest;
  return end;
}

/** The bytes that a number takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Reads the output of a {@link VarintWriter}. */
export class VarintReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param at where it begins */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Where the next number begins. */
  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Checks that the bytes can hold `count` more numbers, before memory is allocated for them. @throws `store_corrupt` */
  expect(count: number): void {
    if (count > this.#bytes.length - this.#at) throw corrupt();
  }

  /** @throws `store_corrupt` if the bytes end within a number, or it exceeds 2^53 - 1. */
  next(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++];
    if (byte === undefined) throw corrupt();
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let factor = 128; ; factor *= 128) {
      byte = bytes[this.#at++];
      if (byte === undefined || factor > 2 ** 49) throw corrupt();
      value += (byte & 127) * factor;
      if (byte < 128) break;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw corrupt();
    return value;
  }

  /** Bytes as they are. @throws `store_corrupt` if there are fewer. */
  take(length: number): Uint8Array {
    this.expect(length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Skips numbers without decoding them. @throws `store_corrupt` if there are fewer. */
  skip(count: number): void {
    const bytes = this.#bytes;
    for (let left = count; left > 0; left--) {
      let byte: number | undefined;
      do byte = bytes[this.#at++];
      while (byte !== undefined && byte > 127);
      if (byte === undefined) throw corrupt();
    }
  }
}

const corrupt = (): SealtrailError =>
  new SealtrailError('store_corrupt', 'an item of the query index ends within a number');
