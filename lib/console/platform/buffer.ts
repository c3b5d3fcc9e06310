/**
 * As much of Node's Buffer as the verification of a log uses, for browsers: esbuild puts it where the code says `Buffer`. The whole
 * of Node's in a package would be a tenth of the console. A test holds every method to Node's own.
 */
class Bytes extends Uint8Array {
  static alloc(size: number): Bytes {
    return new Bytes(size);
  }

  static allocUnsafe(size: number): Bytes {
    return new Bytes(size);
  }

  /** Text in an encoding, a copy of bytes, or a view of a part of a buffer. */
  static override from(value: unknown, second?: unknown, length?: unknown): Bytes {
    if (typeof value === 'string') return view(decoded(value, String(second ?? 'utf8')));
    if (value instanceof ArrayBuffer) return new Bytes(value, Number(second ?? 0), length as number | undefined);
    // A list of numbers, or bytes: both are copied.
    return view(Uint8Array.from(value as ArrayLike<number>));
  }

  static concat(parts: readonly Uint8Array[]): Bytes {
    const all = new Bytes(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  static compare(a: Uint8Array, b: Uint8Array): -1 | 0 | 1 {
    const shared = Math.min(a.length, b.length);
    for (let at = 0; at < shared; at++) {
      const [left = 0, right = 0] = [a[at], b[at]];
      if (left !== right) return left < right ? -1 : 1;
    }
    return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
  }

  static byteLength(value: string | Uint8Array): number {
    return typeof value === 'string' ? utf8.encode(value).length : value.length;
  }

  equals(other: Uint8Array): boolean {
    return Bytes.compare(this, other) === 0;
  }

  /** Compares a part of this with a part of another; `to` is exclusive. */
  compare(other: Uint8Array, otherFrom = 0, otherTo = other.length, from = 0, to = this.length): -1 | 0 | 1 {
    return Bytes.compare(this.subarray(from, to), other.subarray(otherFrom, otherTo));
  }

  /** @returns how many bytes were copied */
  copy(target: Uint8Array, at = 0, from = 0, to = this.length): number {
    const part = this.subarray(from, Math.min(to, from + target.length - at));
    target.set(part, at);
    return part.length;
  }

  /** Writes one-byte text, which hashes come as. */
  write(text: string, at: number, _encoding: 'latin1'): number {
    for (let i = 0; i < text.length; i++) this[at + i] = text.charCodeAt(i);
    return text.length;
  }

  override indexOf(given: number | string | Uint8Array, from = 0): number {
    if (typeof given === 'number') return super.indexOf(given, from);
    const wanted = typeof given === 'string' ? utf8.encode(given) : given;
    const [first] = wanted;
    if (first === undefined) return Math.min(from, this.length);
    for (let at = super.indexOf(first, from); at >= 0; at = super.indexOf(first, at + 1)) {
      if (this.#holds(wanted, at)) return at;
    }
    return -1;
  }

  override includes(wanted: number | string | Uint8Array, from = 0): boolean {
    return this.indexOf(wanted, from) >= 0;
  }

  #holds(wanted: Uint8Array, at: number): boolean {
    if (at + wanted.length > this.length) return false;
    for (let i = 1; i < wanted.length; i++) if (this[at + i] !== wanted[i]) return false;
    return true;
  }

  /** @param from inclusive, and `to` exclusive, in bytes */
  override toString(encoding = 'utf8', from = 0, to = this.length): string {
    const bytes = this.subarray(from, to);
    switch (encoding) {
      case 'utf8':
        return fromUtf8.decode(bytes);
      case 'hex':
        return Array.from(bytes, (byte) => HEX[byte]).join('');
      case 'latin1':
        return oneByteText(bytes);
      case 'base64':
        return btoa(oneByteText(bytes));
      default:
        throw new RangeError(`no such encoding here: ${encoding}`);
    }
  }

  readUInt16BE(at = 0): number {
    return this.#view().getUint16(at);
  }

  writeUInt16BE(value: number, at = 0): number {
    this.#view().setUint16(at, value);
    return at + 2;
  }

  readUInt32BE(at = 0): number {
    return this.#view().getUint32(at);
  }

  writeUInt32BE(value: number, at = 0): number {
    this.#view().setUint32(at, value);
    return at + 4;
  }

  writeUInt32LE(value: number, at = 0): number {
    this.#view().setUint32(at, value, true);
    return at + 4;
  }

  readBigUInt64BE(at = 0): bigint {
    return this.#view().getBigUint64(at);
  }

  writeBigUInt64BE(value: bigint, at = 0): number {
    this.#view().setBigUint64(at, value);
    return at + 8;
  }

  /** Six bytes, the most that a number holds. */
  readUIntBE(at: number, _bytes: 6): number {
    return this.readUInt16BE(at) * 2 ** 32 + this.readUInt32BE(at + 2);
  }

  writeUIntBE(value: number, at: number, _bytes: 6): number {
    this.writeUInt16BE(Math.floor(value / 2 ** 32), at);
    return this.writeUInt32BE(value % 2 ** 32, at + 2);
  }

  #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** More arguments than that overflow the stack of some engines. */
const ARGUMENTS = 8192;

const view = ({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): Bytes => new Bytes(buffer, byteOffset, length);

function oneByteText(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += ARGUMENTS) {
    text += String.fromCharCode(...bytes.subarray(at, at + ARGUMENTS));
  }
  return text;
}

function decoded(text: string, encoding: string): Uint8Array<ArrayBuffer> {
  switch (encoding) {
    case 'utf8':
      return utf8.encode(text);
    case 'hex':
      return Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (byte) => Number.parseInt(byte, 16));
    case 'latin1':
      return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
    case 'base64':
      return fromBase64(text);
    default:
      throw new RangeError(`no such encoding here: ${encoding}`);
  }
}

/** Empty where it is no base64: callers compare what they got with what they gave. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  } catch {
    return new Uint8Array(0);
  }
}

export { Bytes as Buffer };
