import { promisify } from 'node:util';
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';
import { SealtrailError } from '../../log/error.ts';
import { decodeFrontier, encodeFrontier, type Frontier } from '../../log/frontier.ts';
import { type Hash, sameBytes } from '../../log/hash.ts';
import { MAX_RECORD_BYTES } from '../../log/record.ts';
import { RECORD_VERSION, type RecordVersion } from '../../log/record-format.ts';
import type { Item, Table, Write } from '../../store/ports.ts';
import { type Block, type BlockStart, buildBlock, lastLeaf, type Run } from './block.ts';
import { attributesOf, recordVersionOf, withFormat } from './format.ts';
import { blockKey, blockPartKey, blockPartPartition } from './layout.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

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

/**
 * Records from one leaf hash that is stored to the next: so many lines have to be made to read one of them, and to see that
 * it is the one that was committed. It costs four bytes a record.
 */
const SECTION = 8;
/** Its value before blocks named it. */
const FORMER_SECTION = 16;

/** Bytes of a body that go into one item: an item holds 400,000, of which some are for keys and other attributes. */
const PART_BYTES = 360_000;
/** Bytes of a body that go into one transaction of 4,000,000, which the head and the idempotency items share. */
export const MAX_PACKED_BYTES = 3_600_000;

/** The attributes of a block's item beside its records. */
export interface BlockMarks {
  /** A random name by which a writer that lost the answer to its transaction recognises its own block. */
  readonly commit: string;
  /** The tree before the block: other processes make the receipts of what they submitted to it from that. */
  readonly frontier?: Frontier;
}

/** The writes that store a block. */
export function storeBlock(block: Block, body: StoredBody, { commit, frontier }: BlockMarks): Write[] {
  const submitters = Buffer.from(body.submitters);
  const parts = Math.max(1, Math.ceil(body.bytes.length / PART_BYTES));
  const head: Write = {
    put: {
      ...blockKey(block.trail, block.first),
      attributes: withFormat('block', {
        first: block.first,
        count: block.count,
        receivedAt: block.receivedAt,
        prev: block.prev,
        last: lastLeaf(block),
        record: RECORD_VERSION,
        ...(block.count > SECTION ? { section: SECTION, marks: sectionHashes(block, SECTION) } : {}),
        commit,
        ...(frontier === undefined ? {} : { frontier: encodeFrontier(frontier) }),
        submitters,
        rawBytes: body.rawBytes,
        parts,
        body: body.bytes.subarray(0, PART_BYTES),
      }),
    },
    when: { is: 'absent' },
  };
  const rest = Array.from({ length: parts - 1 }, (_, index): Write => {
    const from = (index + 1) * PART_BYTES;
    return {
      put: {
        ...blockPartKey(block.trail, block.first, index + 1),
        attributes: withFormat('block part', { body: body.bytes.subarray(from, from + PART_BYTES) }),
      },
    };
  });
  return [head, ...rest];
}

/** The leaf hashes at the ends of a block's sections, but for the last one. */
function sectionHashes({ leaves }: Block, section: number): Uint8Array {
  return Buffer.concat(leaves.filter((_, i) => (i + 1) % section === 0 && i + 1 < leaves.length));
}

/**
 * Reads a block back and checks that its lines hash to what was committed.
 *
 * @throws `store_corrupt` when the item, its parts or the records in them cannot be right.
 */
export async function loadBlock(table: Table, trail: string, item: Item): Promise<Block> {
  const unpacked = await unpack(table, trail, item);
  const { start, count, record, section, marks, last } = unpacked;
  const block = buildBlock(start, runsOf(unpacked, 0, count), record);
  const isMarked = marks === undefined || sameBytes(sectionHashes(block, section), marks);
  if (!isMarked || !sameBytes(lastLeaf(block), last)) throw damaged(trail, start.first, NOT_COMMITTED);
  return block;
}

/** The tree before a block, where the block's item has it. */
export function frontierBefore(item: Item): Frontier | undefined {
  const { first, frontier } = item.attributes;
  return typeof first === 'number' && frontier instanceof Uint8Array ? decodeFrontier(first, frontier) : undefined;
}

const NOT_COMMITTED = 'its records do not hash to what was committed';

/** A block that was unpacked, whose lines are made and checked when they are asked for: those of a section together. */
export class OpenBlock {
  readonly first: number;
  readonly count: number;
  readonly rawBytes: number;
  readonly #unpacked: Unpacked;
  /** Lines by section. A block without marks is one section. */
  readonly #sections = new Map<number, readonly string[]>();
  readonly #size: number;

  private constructor(unpacked: Unpacked) {
    this.#unpacked = unpacked;
    this.first = unpacked.start.first;
    this.count = unpacked.count;
    this.rawBytes = unpacked.raw.length;
    this.#size = unpacked.marks === undefined ? unpacked.count : unpacked.section;
  }

  /** @throws as {@link loadBlock}, but for the records, which are checked when they are read */
  static async open(table: Table, trail: string, item: Item): Promise<OpenBlock> {
    return new OpenBlock(await unpack(table, trail, item));
  }

  /** A record's line. @throws `store_corrupt` when the lines of its section do not hash to what was committed */
  line(seq: number): string {
    const at = seq - this.first;
    const line = at < this.count ? this.#section(Math.floor(at / this.#size))[at % this.#size] : undefined;
    if (line === undefined) throw new RangeError(`the block at ${this.first} has no record ${seq}`);
    return line;
  }

  #section(section: number): readonly string[] {
    const lines = this.#sections.get(section) ?? this.#read(section);
    this.#sections.set(section, lines);
    return lines;
  }

  #read(section: number): readonly string[] {
    const { start, record, marks = NO_BYTES, last, count } = this.#unpacked;
    const [from, to] = [section * this.#size, Math.min(count, (section + 1) * this.#size)];
    const mark = (end: number): Hash => marks.subarray(32 * (end - 1), 32 * end);
    const prev = section === 0 ? start.prev : mark(section);
    const block = buildBlock({ ...start, first: start.first + from, prev }, runsOf(this.#unpacked, from, to), record);
    if (!sameBytes(lastLeaf(block), to === count ? last : mark(section + 1))) {
      throw damaged(start.trail, start.first, NOT_COMMITTED);
    }
    return block.lines;
  }
}

const NO_BYTES = new Uint8Array();

/** The contents of a block's item and its parts. Nothing of it is checked against a hash yet. */
interface Unpacked {
  readonly start: BlockStart;
  readonly count: number;
  /** The format of its records. */
  readonly record: RecordVersion;
  /** The events, one a line. */
  readonly raw: Buffer;
  /** Where in it each event ends. */
  readonly ends: readonly number[];
  /** Who sent how many of them, in order. */
  readonly submitters: readonly (readonly [submitter: string, events: number])[];
  /** Records in each section but the last one. */
  readonly section: number;
  /** Leaf hashes at the ends of the sections, but for the last one. Absent in a block of one section. */
  readonly marks: Uint8Array | undefined;
  readonly last: Hash;
}

async function unpack(table: Table, trail: string, item: Item): Promise<Unpacked> {
  const attributes = attributesOf('block', item);
  const { first, count, receivedAt, prev, last, marks, submitters, rawBytes, parts, body } = attributes;
  const { section = FORMER_SECTION } = attributes;
  if (
    typeof first !== 'number' ||
    typeof count !== 'number' ||
    typeof section !== 'number' ||
    typeof receivedAt !== 'number' ||
    typeof rawBytes !== 'number' ||
    typeof parts !== 'number' ||
    !(prev instanceof Uint8Array) ||
    !(last instanceof Uint8Array) ||
    !(submitters instanceof Uint8Array) ||
    !(body instanceof Uint8Array)
  ) {
    throw damaged(trail, Number(item.sort), 'an attribute is missing or of another type');
  }
  const record = recordVersionOf(`the block at ${first} of trail ${trail}`, attributes.record);
  const isSection = Number.isSafeInteger(section) && section > 0;
  const isMarked = marks instanceof Uint8Array && marks.length === 32 * Math.floor((count - 1) / section);
  if (count < 1 || !isSection || rawBytes > count * MAX_RECORD_BYTES || (marks !== undefined && !isMarked)) {
    throw damaged(trail, first, 'its sizes are out of bounds');
  }
  const packed = parts === 1 ? body : Buffer.concat([body, ...(await loadParts(table, trail, first, parts))]);
  try {
    const raw = await decompressed(packed, rawBytes);
    const ends = endsOf(raw);
    const runs: [string, number][] = JSON.parse(Buffer.from(submitters).toString());
    const sent = runs.reduce((sum, [, events]) => sum + events, 0);
    if (ends.length !== count || sent !== count) throw new RangeError(`${ends.length} events of ${sent}, not ${count}`);
    // Copies: a driver may give parts of one buffer, and the rest of it is not to be kept.
    const [before, end] = [new Uint8Array(prev), new Uint8Array(last)];
    const start = { trail, first, prev: before, receivedAt };
    return {
      start,
      count,
      record,
      raw,
      ends,
      submitters: runs,
      section,
      marks: isMarked ? new Uint8Array(marks) : undefined,
      last: end,
    };
  } catch (cause) {
    throw damaged(trail, first, 'its body does not unpack', cause);
  }
}

/** Unpacks the body that {@link packBody} made. @throws where it is not `rawBytes` long at most, or no body */
export async function decompressed(packed: Uint8Array, rawBytes: number): Promise<Buffer> {
  // A chunk that is filled to its last byte makes zlib set up another one, which takes as long again.
  const limits = { maxOutputLength: Math.max(1, rawBytes), chunkSize: Math.max(64, rawBytes + 1) };
  // A trip to another thread and back takes longer than unpacking a block of usual size.
  if (rawBytes < UNPACKED_AT_ONCE) return zstdDecompressSync(packed, limits);
  return decompress(packed, { ...limits, chunkSize: UNPACKED_AT_ONCE });
}

/** Where each event ends. Canonical JSON holds no raw line end, so one can only stand between two events. */
function endsOf(raw: Buffer): readonly number[] {
  const ends: number[] = [];
  for (let at = raw.indexOf(LINE_END); at >= 0; at = raw.indexOf(LINE_END, at + 1)) ends.push(at);
  ends.push(raw.length);
  return ends;
}

const LINE_END = 0x0a;

/** The events from one to before another, under their submitters. */
function runsOf({ raw, ends, submitters }: Unpacked, from: number, to: number): Run[] {
  const text = raw.toString('utf8', from === 0 ? 0 : (ends[from - 1] ?? 0) + 1, ends[to - 1]);
  const events = text.split('\n');
  let next = 0;
  return submitters.flatMap(([submitter, count]) => {
    const [first, end] = [Math.max(from, next), Math.min(to, next + count)];
    next += count;
    return first < end ? [{ submitter, events: events.slice(first - from, end - from) }] : [];
  });
}

async function loadParts(table: Table, trail: string, first: number, parts: number): Promise<Uint8Array[]> {
  const bodies: Uint8Array[] = [];
  for await (const part of table.query({ partition: blockPartPartition(trail, first) })) {
    const { body } = attributesOf('block part', part);
    if (!(body instanceof Uint8Array)) throw damaged(trail, first, 'one of its parts is not readable');
    bodies.push(body);
  }
  if (bodies.length !== parts - 1) throw damaged(trail, first, 'one of its parts is missing');
  return bodies;
}

function damaged(trail: string, first: number, why: string, cause?: unknown): SealtrailError {
  const message = `the block at ${first} of trail ${trail} is damaged: ${why}`;
  return new SealtrailError('store_corrupt', message, { cause });
}
