import { SealtrailError } from '../../log/error.ts';
import { type Hash, sha256 } from '../../log/hash.ts';
import { pushSpan, type Spans } from './spans.ts';
import { KEY_BYTES, readKey, type TermKey, writeKey } from './term.ts';
import { putVarint, VarintReader, varintBytes } from './varint.ts';

/**
 * A leaf of a run's tree: a term and records that carry it. Its bytes, which the tree hashes, are the key and then for each span
 * of numbers
 *
 *     2 x gap, plus 1 if the span has more than one number
 *     its number of numbers minus 2, if it has more than one
 *
 * as variable-length integers (LEB128). The first gap is counted from the run's first record, every other from the end of the span
 * before, minus 1. A term with more than {@link BODY_BYTES} of this has several leaves, each with as many spans as fit.
 */
export interface Leaf {
  readonly key: TermKey;
  /** The first of its records. */
  readonly first: number;
  /** Its bytes after the key. */
  readonly body: Uint8Array;
}

/** Maximum bytes of a body, so that a proof never carries much more than it needs. */
const BODY_BYTES = 512;
/** A body whose length is beyond doubt: two numbers of at most 8 bytes beyond the limit. */
const MAX_BODY_BYTES = BODY_BYTES + 16;
const scratch = Buffer.alloc(MAX_BODY_BYTES);
/** The bytes under the leaf hash: a zero byte, the key and the body. */
const hashed = Buffer.alloc(1 + KEY_BYTES + MAX_BODY_BYTES);
/** The leading bytes of the two, by their number: there are millions of leaves, and most have few bytes. */
const bodies = Array.from({ length: MAX_BODY_BYTES + 1 }, (_, length) => scratch.subarray(0, length));
const inputs = Array.from({ length: hashed.length + 1 }, (_, length) => hashed.subarray(0, length));
const NO_BYTES = new Uint8Array();

/** Splits a term's records into leaves, and calls a function for each. A leaf's `body` is valid until the function returns. */
export function eachLeaf(key: TermKey, spans: Spans, base: number, visit: (leaf: Leaf) => void): void {
  let length = 0;
  let first = 0;
  let edge = base;
  for (let i = 0; i < spans.length; i += 2) {
    const [from, to] = [spans[i] ?? 0, spans[i + 1] ?? 0];
    const end = putSpan(length, length === 0 ? from - base : from - edge - 1, to - from);
    if (end > BODY_BYTES && length > 0) {
      visit({ key, first, body: bodies[length] ?? NO_BYTES });
      length = putSpan(0, from - base, to - from);
      first = from;
    } else {
      if (length === 0) first = from;
      length = end;
    }
    edge = to;
  }
  if (length > 0) visit({ key, first, body: bodies[length] ?? NO_BYTES });
}

function putSpan(at: number, gap: number, count: number): number {
  const end = putVarint(scratch, at, gap * 2 + (count > 1 ? 1 : 0));
  return count > 1 ? putVarint(scratch, end, count - 2) : end;
}

/** The hash of a leaf (RFC 6962 section 2.1). */
export function hashLeaf({ key, body }: Pick<Leaf, 'key' | 'body'>): Hash {
  const input = inputs[1 + KEY_BYTES + body.length];
  if (input === undefined) throw damaged('has a leaf that is too long');
  writeKey(hashed, 1, key);
  hashed.set(body, 1 + KEY_BYTES);
  return sha256(input); // RFC 6962 section 2.1: SHA-256(0x00 || leaf)
}

/** The records of a leaf of the run `[base, end)`. @throws `store_corrupt` unless it has some, all of them in the run */
export function spansOf(body: Uint8Array, base: number, end: number): number[] {
  const reader = new VarintReader(body);
  const spans: number[] = [];
  let edge = base;
  while (!reader.isAtEnd) {
    const value = reader.next();
    const from = edge + Math.floor(value / 2) + (spans.length === 0 ? 0 : 1);
    const to = from + (value % 2 === 1 ? reader.next() + 2 : 1);
    if (to > end) throw damaged('names a record beyond its end');
    pushSpan(spans, from, to);
    edge = to;
  }
  if (spans.length === 0) throw damaged('has a leaf without records');
  return spans;
}

/** Bytes of a body's length in a group, if it does not fit the first byte. */
const LENGTH_ESCAPE = 7;

/**
 * Writes a leaf behind another one of its group: a byte with the number of leading bytes that it shares with the key before,
 * times 8, plus the length of the body; 7 stands for 7 more than a varint that follows. Then the rest of the key, and the body.
 *
 * @returns where it ends
 */
export function putLeaf(bytes: Buffer, at: number, leaf: Leaf, previous: TermKey | undefined): number {
  const { body, key } = leaf;
  writeKey(hashed, 1, key);
  const shared = previous === undefined ? 0 : sharedBytes(previous, key);
  const isShort = body.length < LENGTH_ESCAPE;
  bytes[at] = shared * 8 + (isShort ? body.length : LENGTH_ESCAPE);
  let end = at + 1;
  if (!isShort) end = putVarint(bytes, end, body.length - LENGTH_ESCAPE);
  for (let n = 1 + shared; n <= KEY_BYTES; n++) bytes[end++] = hashed[n] ?? 0;
  bytes.set(body, end);
  return end + body.length;
}

/** The most bytes that a leaf takes in a group. */
export const MAX_LEAF_BYTES = 1 + 3 + KEY_BYTES + MAX_BODY_BYTES;

/** Reads a group of leaves. @throws `store_corrupt` */
export function readLeaves(bytes: Buffer, base: number): Leaf[] {
  const leaves: Leaf[] = [];
  const key = Buffer.alloc(KEY_BYTES);
  for (let at = 0; at < bytes.length; ) {
    const head = bytes[at] ?? 0;
    at += 1;
    let length = head % 8;
    if (length === LENGTH_ESCAPE) {
      const rest = new VarintReader(bytes.subarray(at)).next();
      at += varintBytes(rest);
      length += rest;
    }
    const shared = head >>> 3;
    const bodyAt = at + KEY_BYTES - shared;
    if (shared > KEY_BYTES || (leaves.length === 0 && shared > 0) || length === 0 || bodyAt + length > bytes.length) {
      throw damaged('has a group of leaves that ends within one');
    }
    bytes.copy(key, shared, at, bodyAt);
    const body = bytes.subarray(bodyAt, bodyAt + length);
    leaves.push({ key: readKey(key, 0), first: base + Math.floor(new VarintReader(body).next() / 2), body });
    at = bodyAt + length;
  }
  return leaves;
}

function sharedBytes(a: TermKey, b: TermKey): number {
  if (a.high !== b.high) return sharedOf(a.high, b.high);
  return a.low === b.low ? KEY_BYTES : 6 + sharedOf(a.low, b.low);
}

/** How many of six leading bytes are the same. */
function sharedOf(a: number, b: number): number {
  let [x, y] = [a, b];
  for (let left = 6; ; left--) {
    if (x === y) return left;
    x = Math.floor(x / 256);
    y = Math.floor(y / 256);
  }
}

/** @param what it has, or does, wrong */
export const damaged = (what: string): SealtrailError =>
  new SealtrailError('store_corrupt', `a file of the query index ${what}`);

/** A leaf as its tree hashes it: the key, then the body. */
export function leafBytes({ key, body }: Pick<Leaf, 'key' | 'body'>): Uint8Array {
  const bytes = Buffer.alloc(KEY_BYTES + body.length);
  writeKey(bytes, 0, key);
  bytes.set(body, KEY_BYTES);
  return bytes;
}

/** Reads the output of {@link leafBytes}, of a run that begins with record `base`. @throws `store_corrupt` */
export function leafFrom(bytes: Uint8Array, base: number): Leaf {
  if (bytes.length <= KEY_BYTES) throw damaged('has a leaf without records');
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = buffer.subarray(KEY_BYTES);
  return { key: readKey(buffer, 0), first: base + Math.floor(new VarintReader(body).next() / 2), body };
}
