import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { toHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { type Hash, leafHash } from '../log/hash.ts';
import { MAX_RECORD_BYTES, recordLine } from '../log/record.ts';
import type { Item, Table, Write } from '../store/ports.ts';
import { blockKey, blockPartKey, blockPartPartition } from './layout.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** The consecutive records of one append, committed atomically. */
export interface Block {
  readonly trail: string;
  /** Sequence number of the first record. */
  readonly first: number;
  readonly count: number;
  /** Unix milliseconds, the same for all of its records. */
  readonly receivedAt: number;
  /** Leaf hash of the record before the first; 32 zero bytes at the start of a trail. */
  readonly prev: Hash;
  /** Record lines, without line ends. */
  readonly lines: readonly string[];
  /** Leaf hashes of the lines. */
  readonly leaves: readonly Hash[];
  /** Read from the archive: not a block as it was committed, but those of a bundle's records that came together. */
  readonly archived?: true;
}

/** Records by sequence number: `from` inclusive, `to` exclusive. */
export interface RecordRange {
  readonly from: number;
  readonly to: number;
  /** Default `ascending`. */
  readonly order?: 'ascending' | 'descending';
}

/** Consecutive events of one submitter. */
export interface Run {
  readonly submitter: string;
  /** Events in canonical JSON (RFC 8785). */
  readonly events: readonly string[];
}

/** Where a block starts: everything its lines depend on besides the events. */
export interface BlockStart {
  readonly trail: string;
  readonly first: number;
  readonly prev: Hash;
  readonly receivedAt: number;
}

/**
 * Chains events onto the record before them. The append path and the reader both make their lines here, so what is read
 * is what was sealed, or its last leaf hash differs from the stored one.
 */
export function buildBlock(start: BlockStart, runs: readonly Run[]): Block {
  const lines: string[] = [];
  const leaves: Hash[] = [];
  let prev = toHex(start.prev);
  for (const { submitter, events } of runs) {
    for (const event of events) {
      const { trail, receivedAt } = start;
      const line = recordLine({ trail, seq: start.first + lines.length, prev, receivedAt, submitter }, event);
      const leaf = leafHash(line);
      lines.push(line);
      leaves.push(leaf);
      prev = toHex(leaf);
    }
  }
  return { ...start, count: lines.length, lines, leaves };
}

/**
 * How a block's body is stored: its events, one a line, compressed. The lines' envelopes are left out, since
 * {@link buildBlock} makes them again: `prev` alone, which does not compress, would be a third of the bytes.
 */
export interface StoredBody {
  readonly bytes: Uint8Array;
  /** Bytes before compression; bounds what a reader will unpack. */
  readonly rawBytes: number;
  readonly submitters: string;
  readonly events: number;
}

/** Level 1 of Zstandard: within a tenth of gzip's size on audit events at several times its speed. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Below this the way to the thread pool and back takes longer than the work. */
const COMPRESS_HERE_BYTES = 16_384;

/** Packs events for storage. Independent of the head, so it is done once however often the swap is retried. */
export async function packBody(runs: readonly Run[]): Promise<StoredBody> {
  const raw = Buffer.from(runs.map((run) => run.events.join('\n')).join('\n'));
  return {
    bytes: raw.length < COMPRESS_HERE_BYTES ? zstdCompressSync(raw, COMPRESSION) : await compress(raw, COMPRESSION),
    rawBytes: raw.length,
    submitters: JSON.stringify(runs.map((run) => [run.submitter, run.events.length])),
    events: runs.reduce((sum, run) => sum + run.events.length, 0),
  };
}

/** Bytes that are unpacked without leaving the thread: half a millisecond's work at most. */
const UNPACKED_AT_ONCE = 500_000;

/** Bytes of a body that go into one item: an item holds 400,000, of which some are for keys and other attributes. */
const PART_BYTES = 360_000;
/** Bytes of a body that go into one transaction of 4,000,000, which the head and the idempotency items share. */
export const MAX_BODY_BYTES = 3_600_000;

/**
 * The writes that store a block. `commit` is a random name by which a writer that lost the answer to its transaction
 * recognises its own block.
 */
export function storeBlock(block: Block, body: StoredBody, commit: string): Write[] {
  const submitters = Buffer.from(body.submitters);
  const parts = Math.max(1, Math.ceil(body.bytes.length / PART_BYTES));
  const head: Write = {
    put: {
      ...blockKey(block.trail, block.first),
      attributes: {
        first: block.first,
        count: block.count,
        receivedAt: block.receivedAt,
        prev: block.prev,
        last: lastLeaf(block),
        commit,
        submitters,
        rawBytes: body.rawBytes,
        parts,
        body: body.bytes.subarray(0, PART_BYTES),
      },
    },
    when: { is: 'absent' },
  };
  const rest = Array.from({ length: parts - 1 }, (_, index): Write => {
    const from = (index + 1) * PART_BYTES;
    return {
      put: {
        ...blockPartKey(block.trail, block.first, index + 1),
        attributes: { body: body.bytes.subarray(from, from + PART_BYTES) },
      },
    };
  });
  return [head, ...rest];
}

/** The leaf hash of a block's newest record, which is what the next block's first record names as `prev`. */
export function lastLeaf(block: Block): Hash {
  return block.leaves[block.leaves.length - 1] ?? block.prev;
}

/**
 * Reads a block back and checks that its lines hash to what was committed.
 *
 * @throws `store_corrupt` when the item, its parts or the records in them cannot be right.
 */
export async function loadBlock(table: Table, trail: string, item: Item): Promise<Block> {
  const { first, count, receivedAt, prev, last, submitters, rawBytes, parts, body } = item.attributes;
  if (
    typeof first !== 'number' ||
    typeof count !== 'number' ||
    typeof receivedAt !== 'number' ||
    typeof rawBytes !== 'number' ||
    typeof parts !== 'number' ||
    !(prev instanceof Uint8Array) ||
    !(last instanceof Uint8Array) ||
    !(submitters instanceof Uint8Array) ||
    !(body instanceof Uint8Array)
  ) {
    throw damaged(trail, item, 'an attribute is missing or of another type');
  }
  if (count < 1 || rawBytes > count * MAX_RECORD_BYTES) throw damaged(trail, item, 'its sizes are out of bounds');
  const packed = parts === 1 ? body : Buffer.concat([body, ...(await loadParts(table, trail, item, first, parts))]);
  let runs: Run[];
  try {
    const chunkSize = Math.min(Math.max(64, rawBytes), UNPACKED_AT_ONCE);
    const limits = { maxOutputLength: Math.max(1, rawBytes), chunkSize };
    // A trip to another thread and back takes longer than unpacking a block of usual size.
    const raw = rawBytes < UNPACKED_AT_ONCE ? zstdDecompressSync(packed, limits) : await decompress(packed, limits);
    runs = splitRuns(raw.toString(), Buffer.from(submitters).toString());
  } catch (cause) {
    throw damaged(trail, item, 'its body does not unpack', cause);
  }
  const block = buildBlock({ trail, first, prev, receivedAt }, runs);
  if (block.count !== count || Buffer.compare(lastLeaf(block), last) !== 0) {
    throw damaged(trail, item, 'its records do not hash to what was committed');
  }
  return block;
}

async function loadParts(table: Table, trail: string, item: Item, first: number, parts: number): Promise<Uint8Array[]> {
  const bodies: Uint8Array[] = [];
  for await (const part of table.query({ partition: blockPartPartition(trail, first) })) {
    if (!(part.attributes.body instanceof Uint8Array)) throw damaged(trail, item, 'one of its parts is not readable');
    bodies.push(part.attributes.body);
  }
  if (bodies.length !== parts - 1) throw damaged(trail, item, 'one of its parts is missing');
  return bodies;
}

function splitRuns(body: string, submitters: string): Run[] {
  // Canonical JSON holds no raw line end, so a line end can only stand between two events.
  const events = body.split('\n');
  const counts: [string, number][] = JSON.parse(submitters);
  let next = 0;
  const runs = counts.map(([submitter, count]) => {
    next += count;
    return { submitter, events: events.slice(next - count, next) };
  });
  if (next !== events.length) throw new RangeError(`${events.length} events, ${next} accounted for`);
  return runs;
}

function damaged(trail: string, item: Item, why: string, cause?: unknown): SealtrailError {
  const message = `the block at ${Number(item.sort)} of trail ${trail} is damaged: ${why}`;
  return new SealtrailError('store_corrupt', message, { cause });
}
