import { HASH_BYTES, type Hash, sameBytes, sha256 } from '../../log/hash.ts';
import { INDEX_FORM } from './index-rules.ts';
import { damaged } from './leaf.ts';
import type { Run } from './runs.ts';
import { KEY_BYTES, readKey, type TermKey, writeKey } from './term.ts';
import { putVarint, VarintReader } from './varint.ts';

/**
 * The layout of a run's file:
 *
 *     groups of 32 leaves, in the order of their keys and then of their records
 *     pages of 128 fences: for each group its first leaf, its length, its hash, and a sum of its bytes
 *     counts, for summaries (run-counts.ts)
 *     the first records of the blocks, in chunks (hints: they are no part of the tree)
 *     the header, with a fence for each page
 *
 * A reader fetches the header, a page, and a group: three ranges. The catalogue has the SHA-256 of the header, the header that of
 * each page, and a page a sum of each group, so that nothing of them can be changed unseen.
 */

/** Leaves of a group: a complete subtree, as the last group's may be incomplete. */
export const GROUP_LEAVES = 32;
/** Groups of a page. */
export const PAGE_GROUPS = 128;
/** Records whose blocks a chunk of hints lists. */
export const CHUNK_RECORDS = 16_384;
/** Hints up to this many bytes are fetched with the header. */
export const FEW_HINTS = 32_768;

/** The beginning of every header. */
const MAGIC = Buffer.from(`STIX ${INDEX_FORM} `, 'latin1');

/** The leading bytes of the SHA-256 of a group that its fence has: 2^128 tries find no other group. */
const SUM_BYTES = 16;

/** Where a group or page begins, how long it is, and the hash of its subtree. */
export interface Fence {
  readonly key: TermKey;
  /** The first record of its first leaf. */
  readonly first: number;
  /** Bytes. */
  readonly length: number;
  readonly hash: Hash;
}

/** A group's fence. */
export interface GroupFence extends Fence {
  /** The leading bytes of the SHA-256 of its bytes: one hash tells that they are whole, where no path is needed. */
  readonly sum: Uint8Array;
}

/** A page of fences. */
export interface PageFence extends Fence {
  /** Bytes of its groups. */
  readonly groupBytes: number;
  /** SHA-256 of the page. */
  readonly sum: Hash;
}

/** Bytes of a file's name. */
export const NAME_BYTES = 8;

/** A run's file as its catalogue knows it. */
export interface StoredRun extends Run {
  /** In lower-case hex. Each attempt to write a run has one of its own. */
  readonly name: string;
  readonly leaves: number;
  /** Of the tree over its leaves. */
  readonly root: Hash;
  /** SHA-256 of its counts. */
  readonly counts: Hash;
  /** SHA-256 of its header. */
  readonly header: Hash;
  /** Bytes of the file. */
  readonly bytes: number;
  /** Bytes of its header, and of the hints before it. */
  readonly headerBytes: number;
  readonly hintBytes: number;
}

/** A run's header. */
export interface Header {
  readonly pages: readonly PageFence[];
  /** Where the pages, the counts and the hints begin. */
  readonly pagesAt: number;
  readonly countsAt: number;
  readonly hintsAt: number;
  /** Bytes of each chunk of hints. */
  readonly chunks: readonly number[];
}

/** The most bytes of a fence: key, two numbers, hash; for a page a number and a hash more. */
const FENCE_BYTES = KEY_BYTES + 3 * 8 + 2 * HASH_BYTES;

function putFence(bytes: Buffer, at: number, { key, first, length, hash }: Fence, base: number): number {
  writeKey(bytes, at, key);
  let end = putVarint(bytes, at + KEY_BYTES, first - base);
  end = putVarint(bytes, end, length);
  bytes.set(hash, end);
  return end + HASH_BYTES;
}

/** The sum of a group's bytes that its fence has. */
export const sumOf = (group: Uint8Array): Uint8Array => sha256(group).subarray(0, SUM_BYTES);

/** The bytes of a page. */
export function encodePage(fences: readonly GroupFence[], base: number): Buffer {
  const bytes = Buffer.alloc(fences.length * FENCE_BYTES);
  let at = 0;
  for (const fence of fences) {
    at = putFence(bytes, at, fence, base);
    bytes.set(fence.sum, at);
    at += SUM_BYTES;
  }
  return bytes.subarray(0, at);
}

/** Reads a page of a run. @throws `store_corrupt` unless it is what the header says */
export function decodePage(bytes: Buffer, page: PageFence, base: number): GroupFence[] {
  if (!sameBytes(sha256(bytes), page.sum)) throw damaged('has another page than its header says');
  const fences: GroupFence[] = [];
  let groupBytes = 0;
  for (let at = 0; at < bytes.length; ) {
    const { fence, end } = takeFence(bytes, at, base);
    at = end + SUM_BYTES;
    if (at > bytes.length) throw damaged('has a page that ends within a fence');
    fences.push({ ...fence, sum: bytes.subarray(end, at) });
    groupBytes += fence.length;
  }
  if (groupBytes !== page.groupBytes) throw damaged('has a page of other groups than its header says');
  return fences;
}

function takeFence(bytes: Buffer, at: number, base: number): { fence: Fence; end: number } {
  if (at + KEY_BYTES > bytes.length) throw damaged('has a page that ends within a fence');
  const reader = new VarintReader(bytes, at + KEY_BYTES);
  const first = base + reader.next();
  const length = reader.next();
  const end = reader.at + HASH_BYTES;
  if (end > bytes.length) throw damaged('has a page that ends within a fence');
  const fence = { key: readKey(bytes, at), first, length, hash: bytes.subarray(reader.at, end) };
  return { fence, end };
}

/** The contents of a header besides those that follow from its run. */
export interface HeaderContent {
  readonly pages: readonly PageFence[];
  readonly pageBytes: number;
  readonly countBytes: number;
  readonly chunks: readonly number[];
}

/** The bytes of a header. */
export function encodeHeader(run: Run, leaves: number, content: HeaderContent): Buffer {
  const { pages, pageBytes, countBytes, chunks } = content;
  const bytes = Buffer.alloc(MAGIC.length + 9 * 7 + chunks.length * 4 + pages.length * FENCE_BYTES);
  let at = MAGIC.copy(bytes);
  const numbers = [run.first, run.size, leaves, pageBytes, countBytes, chunks.length, ...chunks, pages.length];
  for (const number of numbers) at = putVarint(bytes, at, number);
  for (const page of pages) {
    at = putFence(bytes, at, page, run.first);
    at = putVarint(bytes, at, page.groupBytes);
    bytes.set(page.sum, at);
    at += HASH_BYTES;
  }
  return bytes.subarray(0, at);
}

/** Reads a header. @throws `store_corrupt` unless it is that of the run */
export function decodeHeader(bytes: Buffer, run: StoredRun): Header {
  if (!sameBytes(sha256(bytes), run.header)) throw damaged('has another header than recorded');
  const intro = MAGIC.length;
  if (!bytes.subarray(0, intro).equals(MAGIC)) throw damaged('has a header of another form');
  const reader = new VarintReader(bytes, intro);
  const matchesRun = [run.first, run.size, run.leaves].every((number) => reader.next() === number);
  const [pageBytes, countBytes] = [reader.next(), reader.next()];
  const count = reader.next();
  reader.expect(count);
  const chunks = Array.from({ length: count }, () => reader.next());
  const { pages, at } = takePages(bytes, reader, run.first);
  const hintBytes = chunks.reduce((sum, length) => sum + length, 0);
  const groupBytes = pages.reduce((sum, page) => sum + page.groupBytes, 0);
  const whole = groupBytes + pageBytes + countBytes + hintBytes + bytes.length;
  const isWhole = matchesRun && at === bytes.length && whole === run.bytes && hintBytes === run.hintBytes;
  const isListed = pages.reduce((sum, { length }) => sum + length, 0) === pageBytes;
  if (!isWhole || !isListed) throw damaged('has a header of another run');
  const countsAt = groupBytes + pageBytes;
  return { pages, pagesAt: groupBytes, countsAt, hintsAt: countsAt + countBytes, chunks };
}

function takePages(bytes: Buffer, reader: VarintReader, base: number): { pages: PageFence[]; at: number } {
  const count = reader.next();
  const pages: PageFence[] = [];
  let at = reader.at;
  for (let n = 0; n < count; n++) {
    const taken = takeFence(bytes, at, base);
    const rest = new VarintReader(bytes, taken.end);
    const groupBytes = rest.next();
    at = rest.at + HASH_BYTES;
    pages.push({ ...taken.fence, groupBytes, sum: bytes.subarray(rest.at, at) });
  }
  return { pages, at };
}

/** The key of a run's file. */
export const runKey = (trail: string, { first, size, name }: Pick<StoredRun, 'first' | 'size' | 'name'>): string =>
  `${trail}/${first}-${first + size}.${name}`;

/** The records `[from, to)` of the run in a file; undefined for a key that is none of a run. */
export function rangeOfKey(key: string): { readonly from: number; readonly to: number } | undefined {
  const [, from, to] = /\/(\d+)-(\d+)\.[0-9a-f]+$/.exec(key) ?? [];
  return from === undefined || to === undefined ? undefined : { from: Number(from), to: Number(to) };
}
