import { hash } from 'node:crypto';
import { longPostingsPartition, postingsPartition, sortableNumber } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Item, Key, Table, Write } from '../../store/ports.ts';
import { bucketDigits, classOf, type Run } from './runs.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/**
 * Postings: for each value of each dimension, the records that have it. All dimensions share one space of 32-bit
 * fingerprints, so a reader must check the records themselves.
 *
 * The item of a bucket holds the postings of all fingerprints that begin with the same hexadecimal digits:
 *
 *     fingerprint (minus the previous one)
 *     2 x count, then count record numbers: the first minus the run's first, each other minus the previous one
 *     or 2 x parts + 1, then for each part its first record minus the run's first, and its number of records
 *
 * all as variable-length integers. The second form is for long postings, whose parts are separate items (the same numbers,
 * the first minus the part's first), so that reading a rare value never reads a frequent one.
 */

/** The records with one fingerprint, ascending, without duplicates. */
export interface Postings {
  /** 32 bits. */
  readonly fingerprint: number;
  readonly seqs: readonly number[];
}

/** A part of long postings. */
export interface PostingsPart {
  readonly first: number;
  readonly count: number;
}

/** A bucket's entry for a fingerprint: its records, or where they are. */
export type FoundPostings =
  | { readonly seqs: readonly number[] }
  | { readonly parts: readonly PostingsPart[]; readonly fingerprint: number };

/** Postings longer than this become separate items. */
const LONG_BYTES = 2048;
/** Approximate bytes of an item. */
const ITEM_BYTES = 30_000;

/** A fingerprint that no value has. It lists the first records of a run's blocks, which tell which block to read. */
export const BLOCKS_FINGERPRINT = 0;

/** The fingerprint of a value: the first 32 bits of SHA-256 over the dimension's name, a zero byte and the value. */
export function fingerprintOf(dimension: string, value: string): number {
  return Number.parseInt(hash('sha256', `${dimension}\0${value}`, 'hex').slice(0, 8), 16) || 1;
}

const hexOf = (fingerprint: number): string => fingerprint.toString(16).padStart(8, '0');
const bucketOf = (fingerprint: number, runClass: number): string => hexOf(fingerprint).slice(0, bucketDigits(runClass));

/** Makes the items of a run, from postings in ascending order of their fingerprints. */
export class PostingsWriter {
  readonly #trail: string;
  readonly #run: Run;
  readonly #class: number;
  /** Fingerprints of one bucket differ only in this many low bits. */
  readonly #bits: number;
  /** Any fingerprint of the current bucket. */
  #bucket: number | undefined;
  #pieces: VarintWriter[] = [];
  #previous = 0;

  constructor(trail: string, run: Run) {
    this.#trail = trail;
    this.#run = run;
    this.#class = classOf(run.size);
    this.#bits = 32 - 4 * bucketDigits(this.#class);
  }

  /** Adds postings. @returns the writes that are ready. */
  add({ fingerprint, seqs }: Postings): Write[] {
    const writes: Write[] = [];
    if (!this.#isInBucket(fingerprint)) writes.push(...this.end());
    this.#bucket = fingerprint;
    let piece = this.#pieces.at(-1);
    if (piece === undefined || piece.length > ITEM_BYTES) {
      piece = new VarintWriter();
      this.#pieces.push(piece);
      this.#previous = 0;
    }
    piece.put(fingerprint - this.#previous);
    this.#previous = fingerprint;
    if (!isLong(seqs)) {
      piece.put(seqs.length * 2);
      writeSeqs(piece, seqs, this.#run.first);
      return writes;
    }
    const parts = splitSeqs(seqs);
    piece.put(parts.length * 2 + 1);
    for (const part of parts) {
      piece.put((part[0] ?? 0) - this.#run.first);
      piece.put(part.length);
      writes.push(this.#partWrite(fingerprint, part));
    }
    return writes;
  }

  /** The writes of the last bucket. */
  end(): Write[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    const partition = postingsPartition(this.#trail, this.#class);
    return pieces.map((piece, index) => ({
      put: {
        partition,
        sort: pieceSort(bucketOf(this.#bucket ?? 0, this.#class), this.#run.first, index),
        attributes: { pieces: pieces.length, body: piece.bytes() },
      },
    }));
  }

  #isInBucket(fingerprint: number): boolean {
    if (this.#bucket === undefined) return false;
    // A shift by 32 bits would do nothing.
    return this.#bits === 32 || fingerprint >>> this.#bits === this.#bucket >>> this.#bits;
  }

  #partWrite(fingerprint: number, seqs: readonly number[]): Write {
    const first = seqs[0] ?? 0;
    const key = partKey(this.#trail, this.#run, fingerprint, first);
    const writer = new VarintWriter();
    writeSeqs(writer, seqs, first);
    return { put: { ...key, attributes: { body: writer.bytes() } } };
  }
}

const pieceSort = (bucket: string, first: number, piece: number): string =>
  `${bucket}/${sortableNumber(first)}/${piece.toString().padStart(4, '0')}`;

/** The bucket and run of an item of {@link postingsPartition}, and its piece number within the bucket. */
function placeOf({ sort }: Item): { bucket: string; first: number; piece: number } {
  const [first, piece] = [sort.indexOf('/') + 1, sort.lastIndexOf('/') + 1];
  return {
    bucket: sort.slice(0, first - 1),
    first: Number(sort.slice(first, piece - 1)),
    piece: Number(sort.slice(piece)),
  };
}

/** The first record of the run of an item of long postings. */
export const runOfPart = (item: Item): number => Number(item.sort.split('/')[1]);
/** The first record of the run of an item of a bucket. */
export const runOfPiece = (item: Item): number => placeOf(item).first;

function partKey(trail: string, run: Run, fingerprint: number, first: number): Key {
  return {
    partition: longPostingsPartition(trail, classOf(run.size)),
    sort: `${hexOf(fingerprint)}/${sortableNumber(run.first)}/${sortableNumber(first)}`,
  };
}

function writeSeqs(writer: VarintWriter, seqs: readonly number[], base: number): void {
  let previous = base;
  for (const seq of seqs) {
    writer.put(seq - previous);
    previous = seq;
  }
}

/** The encoded size of the step from one number to the next, within a run. */
const stepBytes = (step: number): number => (step < 128 ? 1 : step < 16_384 ? 2 : 3);

function isLong(seqs: readonly number[]): boolean {
  if (seqs.length <= LONG_BYTES / 3) return false;
  let bytes = 0;
  for (let i = 1; i < seqs.length; i++) bytes += stepBytes((seqs[i] ?? 0) - (seqs[i - 1] ?? 0));
  return bytes > LONG_BYTES;
}

function decodeSeqs(reader: VarintReader, count: number, base: number): number[] {
  reader.expect(count);
  const seqs = new Array<number>(count);
  let seq = base;
  for (let i = 0; i < count; i++) {
    seq += reader.next();
    seqs[i] = seq;
  }
  return seqs;
}

/** Splits records into parts that each fit into an item. */
function splitSeqs(seqs: readonly number[]): (readonly number[])[] {
  const parts: (readonly number[])[] = [];
  let start = 0;
  let bytes = 0;
  for (let i = 1; i < seqs.length; i++) {
    bytes += stepBytes((seqs[i] ?? 0) - (seqs[i - 1] ?? 0));
    if (bytes < ITEM_BYTES) continue;
    parts.push(seqs.slice(start, i));
    start = i;
    bytes = 0;
  }
  parts.push(seqs.slice(start));
  return parts;
}

/**
 * The runs' entries for a fingerprint, by the first record of the run. Omits runs without it, and runs that are merged away
 * meanwhile: see `isCurrent`.
 *
 * @param runs consecutive runs of one class
 */
export async function findPostings(
  table: Table,
  trail: string,
  runs: readonly Run[],
  fingerprint: number,
): Promise<Map<number, FoundPostings>> {
  const found = new Map<number, FoundPostings>();
  const [oldest, newest] = [runs[0], runs.at(-1)];
  if (oldest === undefined || newest === undefined) return found;
  const runClass = classOf(oldest.size);
  const bucket = bucketOf(fingerprint, runClass);
  const range = {
    partition: postingsPartition(trail, runClass),
    from: `${bucket}/${sortableNumber(oldest.first)}`,
    to: `${bucket}/${sortableNumber(newest.first)}/~`,
  };
  for await (const item of table.query(range)) {
    const { first, piece } = placeOf(item);
    const { pieces, body } = pieceOf(item);
    // An abandoned attempt may have left further pieces.
    if (piece >= pieces || found.has(first)) continue;
    const entry = entryOf(body, first, fingerprint);
    if (entry !== undefined) found.set(first, entry);
  }
  return found;
}

/** The records of a part; undefined if the run was merged away. */
export async function readPart(
  table: Table,
  trail: string,
  run: Run,
  fingerprint: number,
  part: PostingsPart,
): Promise<readonly number[] | undefined> {
  const item = await table.get(partKey(trail, run, fingerprint, part.first));
  return item === undefined ? undefined : decodeSeqs(new VarintReader(bodyOf(item)), part.count, part.first);
}

/**
 * All postings of runs of one class, in ascending order of fingerprints, each fingerprint once. Holds one bucket in memory.
 */
export async function* storedPostings(
  table: Table,
  trail: string,
  runs: readonly Run[],
): AsyncGenerator<Postings, void, void> {
  const byFirst = new Map(runs.map((run) => [run.first, run]));
  const runClass = classOf(runs[0]?.size ?? 0);
  let bucket = '';
  let gathered = new Map<number, number[]>();
  for await (const item of table.query({ partition: postingsPartition(trail, runClass) })) {
    const place = placeOf(item);
    const run = byFirst.get(place.first);
    const { pieces, body } = pieceOf(item);
    if (run === undefined || place.piece >= pieces) continue;
    if (place.bucket !== bucket) yield* inOrder(gathered);
    if (place.bucket !== bucket) gathered = new Map();
    bucket = place.bucket;
    // The runs of a bucket come in the order of their records, so their lists need no sorting.
    for (const entry of readPiece(body, run.first)) {
      const seqs = 'seqs' in entry ? entry.seqs : await readAll(table, trail, run, entry);
      append(gathered, entry.fingerprint, seqs);
    }
  }
  yield* inOrder(gathered);
}

function append(lists: Map<number, number[]>, fingerprint: number, seqs: readonly number[]): void {
  const list = lists.get(fingerprint);
  if (list === undefined) lists.set(fingerprint, [...seqs]);
  else for (const seq of seqs) list.push(seq);
}

function* inOrder(lists: ReadonlyMap<number, readonly number[]>): Generator<Postings, void, void> {
  for (const fingerprint of [...lists.keys()].sort((a, b) => a - b)) {
    yield { fingerprint, seqs: lists.get(fingerprint) ?? [] };
  }
}

type LongPostings = Extract<FoundPostings, { parts: unknown }>;

async function readAll(table: Table, trail: string, run: Run, { fingerprint, parts }: LongPostings): Promise<number[]> {
  const seqs: number[] = [];
  for (const part of parts) {
    const read = await readPart(table, trail, run, fingerprint, part);
    if (read === undefined) {
      throw new SealtrailError('store_corrupt', `the index of trail ${trail} lacks a part at record ${part.first}`);
    }
    for (const seq of read) seqs.push(seq);
  }
  return seqs;
}

type Entry = Postings | LongPostings;

/** The entries of a bucket's piece. */
function* readPiece(body: Uint8Array, base: number): Generator<Entry, void, void> {
  const reader = new VarintReader(body);
  for (let fingerprint = 0; !reader.isAtEnd; ) {
    fingerprint += reader.next();
    yield readEntry(reader, fingerprint, reader.next(), base);
  }
}

/** The entry of one fingerprint in a bucket's piece, if any. */
function entryOf(body: Uint8Array, base: number, wanted: number): Entry | undefined {
  const reader = new VarintReader(body);
  for (let fingerprint = 0; !reader.isAtEnd; ) {
    fingerprint += reader.next();
    if (fingerprint > wanted) return undefined;
    const form = reader.next();
    if (fingerprint === wanted) return readEntry(reader, fingerprint, form, base);
    reader.skip(form % 2 === 0 ? form / 2 : form - 1);
  }
  return undefined;
}

function readEntry(reader: VarintReader, fingerprint: number, form: number, base: number): Entry {
  const count = Math.floor(form / 2);
  if (form % 2 === 0) return { fingerprint, seqs: decodeSeqs(reader, count, base) };
  reader.expect(2 * count);
  const parts = Array.from({ length: count }, () => ({ first: base + reader.next(), count: reader.next() }));
  return { fingerprint, parts };
}

function pieceOf(item: Item): { pieces: number; body: Uint8Array } {
  const { pieces } = item.attributes;
  if (typeof pieces !== 'number') throw corrupt(item);
  return { pieces, body: bodyOf(item) };
}

function bodyOf(item: Item): Uint8Array {
  const { body } = item.attributes;
  if (!(body instanceof Uint8Array)) throw corrupt(item);
  return body;
}

const corrupt = (item: Item): SealtrailError =>
  new SealtrailError('store_corrupt', `an item of the query index is not readable: ${item.partition} ${item.sort}`);
