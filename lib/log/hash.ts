import { hash } from 'node:crypto';

/** A SHA-256 hash: 32 bytes. Treated as immutable by everything here. */
export type Hash = Uint8Array;

/** Bytes in a {@link Hash}. */
export const HASH_BYTES = 32;

/** The longest leaf that the shared buffer takes: C2SP tlog-tiles gives an entry's length in 16 bits. */
const LONGEST_LEAF = 65_535;

// Reused for every hash: one prefix byte and then the input. Nothing here awaits, so no two hashes overlap.
const leafInput = Buffer.alloc(1 + LONGEST_LEAF);
leafInput[0] = 0x00; // RFC 6962 section 2.1: the prefix of a leaf
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES);
nodeInput[0] = 0x01; // RFC 6962 section 2.1: the prefix of a node

/** SHA-256 of bytes or of a string's UTF-8. As one-byte text and back, since that is twice as fast as a Buffer. */
export function sha256(input: Uint8Array | string): Hash {
  return Buffer.from(hash('sha256', input, 'binary'), 'latin1');
}

/**
 * The Merkle leaf hash of a record line: `SHA-256(0x00 || line)`.
 *
 * @param line the bytes of the leaf, or a string that stands for its UTF-8. A string must be well-formed: a lone
 *   surrogate would hash as U+FFFD (what `recordLine` returns is well-formed).
 * @see RFC 6962 section 2.1
 */
export function leafHash(line: Uint8Array | string): Hash {
  if (typeof line === 'string') return sha256(`\0${line}`); // RFC 6962 section 2.1: SHA-256(0x00 || leaf)
  if (line.length > LONGEST_LEAF) return sha256(Buffer.concat([leafInput.subarray(0, 1), line]));
  leafInput.set(line, 1);
  return sha256(leafInput.subarray(0, 1 + line.length)); // RFC 6962 section 2.1: SHA-256(0x00 || leaf)
}

/**
 * The hash of an inner node: `SHA-256(0x01 || left || right)`.
 *
 * Errors: `RangeError` when either is not 32 bytes.
 *
 * @see RFC 6962 section 2.1
 */
export function nodeHash(left: Hash, right: Hash): Hash {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError('a hash has 32 bytes');
  nodeInput.set(left, 1);
  nodeInput.set(right, 1 + HASH_BYTES);
  return sha256(nodeInput); // RFC 6962 section 2.1: SHA-256(0x01 || left || right)
}

/** Whether two byte strings are the same. Not in constant time: nothing that is compared here is secret. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Whether a value is 32 bytes; for what comes from outside, where types are only a promise. */
export function isHash(value: unknown): value is Hash {
  return value instanceof Uint8Array && value.length === HASH_BYTES;
}

/** The root of the empty tree: SHA-256 of nothing (RFC 6962 section 2.1). */
export const EMPTY_ROOT: Hash = sha256('');

/** 32 zero bytes: what the first record of a trail names as the record before it. */
export const ZERO_HASH: Hash = new Uint8Array(HASH_BYTES);
