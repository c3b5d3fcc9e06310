import { type ErrorCode, SealtrailError } from './error.ts';

const HEX = /^(?:[0-9a-f]{2})*$/;
const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A Buffer over the same bytes, without a copy. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Lower-case hexadecimal (RFC 4648 section 8, in lower case). */
export function toHex(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('hex');
}

/**
 * Reads lower-case hexadecimal: an even number of `0-9a-f` and nothing else.
 *
 * @param code the error's code; @param what the subject of the message: "the key ID"
 */
export function fromHex(text: string, code: ErrorCode = 'invalid_parameter', what = 'the text'): Uint8Array {
  if (!HEX.test(text)) throw new SealtrailError(code, `${what} is not lower-case hexadecimal`);
  return Buffer.from(text, 'hex');
}

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64');
}

/**
 * Reads standard base64 with padding (RFC 4648 section 4), in its one canonical form: no line breaks, no missing
 * padding, unused bits zero (section 3.5).
 *
 * @param code the error's code; @param what the subject of the message: "the root hash"
 */
export function fromBase64(text: string, code: ErrorCode = 'invalid_parameter', what = 'the text'): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  // Node's decoder skips unknown characters; only canonical text survives the round trip.
  if (bytes.toString('base64') !== text) throw new SealtrailError(code, `${what} is not canonical base64`);
  return bytes;
}

/** Decodes bytes as strict UTF-8 (RFC 3629). A byte order mark is kept as a character. */
export function fromUtf8(bytes: Uint8Array, code: ErrorCode, what: string): string {
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new SealtrailError(code, `${what} is not valid UTF-8`, { cause });
  }
}

/** The UTF-8 bytes of a string. */
export function toUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** Parses a decimal number from 0 to 2^53 - 1, in ASCII digits without sign or leading zeros. */
export function fromDecimal(text: string, code: ErrorCode, what: string): number {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new SealtrailError(code, `${what} is not a decimal number from 0 to 2^53 - 1`);
  }
  return value;
}
