import { hash } from 'node:crypto';

/** Bytes of a {@link TermKey}. */
export const KEY_BYTES = 12;

/**
 * The key of a term: the first 96 bits of SHA-256 over its dimension, a zero byte and its value, as two halves of 48
 * bits. Keys of one size that say nothing of their neighbours keep runs small, and proofs free of other people's values. Two
 * terms that share a key share their records, so a reader checks the records themselves; no term ever lacks one of its own.
 */
export interface TermKey {
  readonly high: number;
  readonly low: number;
}

/** The key of a dimension and a value in it. */
export function keyOf(dimension: string, value: string): TermKey {
  // One byte a character, which takes half the time of any other form.
  const digest = hash('sha256', `${dimension}\0${value}`, 'binary');
  return { high: halfOf(digest, 0), low: halfOf(digest, 6) };
}

/** Six bytes as a number, big-endian. */
function halfOf(digest: string, at: number): number {
  const high = digest.charCodeAt(at) * 256 + digest.charCodeAt(at + 1);
  const middle = digest.charCodeAt(at + 2) * 256 + digest.charCodeAt(at + 3);
  return (high * 65_536 + middle) * 65_536 + digest.charCodeAt(at + 4) * 256 + digest.charCodeAt(at + 5);
}

/** Negative if `a` comes first, 0 if they are equal. */
export const compareKeys = (a: TermKey, b: TermKey): number => a.high - b.high || a.low - b.low;

/** Writes a key as 12 bytes, big-endian. */
export function writeKey(bytes: Uint8Array, at: number, { high, low }: TermKey): void {
  writeHalf(bytes, at, high);
  writeHalf(bytes, at + 6, low);
}

function writeHalf(bytes: Uint8Array, at: number, half: number): void {
  const top = Math.floor(half / 2 ** 32);
  const rest = half | 0; // modulo 2^32
  bytes[at] = top >>> 8;
  bytes[at + 1] = top;
  bytes[at + 2] = rest >>> 24;
  bytes[at + 3] = rest >>> 16;
  bytes[at + 4] = rest >>> 8;
  bytes[at + 5] = rest;
}

/** Reads the output of {@link writeKey}. */
export const readKey = (bytes: Buffer, at: number): TermKey => ({
  high: bytes.readUIntBE(at, 6),
  low: bytes.readUIntBE(at + 6, 6),
});

/**
 * The groups under which a type is filed besides itself, for queries such as `auth.*` or `auth.mfa.*`. No type contains a
 * `*`.
 */
export function typeGroups(type: string): string[] {
  const groups: string[] = [];
  for (let dot = type.indexOf('.'); dot >= 0; dot = type.indexOf('.', dot + 1)) groups.push(`${type.slice(0, dot)}.*`);
  return groups;
}
