import { hash } from 'node:crypto';

/** Bytes of a {@link TermKey}. */
export const KEY_BYTES = 12;

/**
 * What a term is filed under: the first 96 bits of SHA-256 over its dimension, a zero byte and its value, as two halves of 48
 * bits. Keys of one size that say nothing of their neighbours keep runs small, and proofs free of other people's values. Two
 * terms that share a key share their records, so a reader checks the records themselves; no term ever lacks one of its own.
 */
export interface TermKey {
  readonly high: number;
  readonly low: number;
}

/** The key of a dimension and a value in it. */
export function keyOf(dimension: string, value: string): TermKey {
  const digest = hash('sha256', `${dimension}\0${value}`, 'hex');
  return { high: Number.parseInt(digest.slice(0, 12), 16), low: Number.parseInt(digest.slice(12, 24), 16) };
}

/** Negative if `a` comes first, 0 if they are equal. */
export const compareKeys = (a: TermKey, b: TermKey): number => a.high - b.high || a.low - b.low;

/** Writes a key as 12 bytes, big-endian. */
export function writeKey(bytes: Buffer, at: number, { high, low }: TermKey): void {
  bytes.writeUIntBE(high, at, 6);
  bytes.writeUIntBE(low, at + 6, 6);
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
