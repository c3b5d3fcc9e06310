import type { RetiredKey } from '../../keys/retired-key.ts';
import { type Block, sliceBlock } from '../../ledger/items/block.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { bundleName, checkpointName, tileName } from '../../log/archive.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash, sameBytes } from '../../log/hash.ts';
import { parseNote } from '../../log/note.ts';
import { encodeBundle, encodeTile, TILE_WIDTH } from '../../log/tile.ts';
import type { LockMode, Objects, Retention, Signer, Table } from '../../store/ports.ts';
import { readLegalHold } from '../legal-hold/legal-hold-state.ts';
import {
  type ArchiveState,
  type RecordsPlan,
  readArchiveState,
  type SignedCheckpoint,
  takeArchiveStep,
} from './archive-state.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { OpenTiles } from './edge-tiles.ts';
import { type Segment, SegmentCutter } from './segment.ts';

/** How objects are locked. */
export interface ObjectLock {
  /** Milliseconds from the moment they are put. */
  readonly ms: number;
  /** @default the store's */
  readonly mode?: LockMode;
}

/** Where an archive's objects come from and go to. */
export interface ArchiveStores {
  readonly objects: Objects;
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'head' | 'blocks' | 'checkpoint' | 'exactCheckpoint' | 'seal' | 'verifiers'>;
  /** How a trail's objects are locked; without a trail, those of no trail, such as keys. @default not at all */
  readonly lockFor?: (trail?: string) => ObjectLock | undefined;
  /** A second key of the log, of ML-DSA-44, that signs what is archived. @default none */
  readonly mlDsa?: Pick<Signer, 'publicKey' | 'sign'>;
  /** The keys that sign no more. @default none */
  readonly retired?: () => Promise<readonly RetiredKey[]>;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Carries out a plan of records: writes its objects and moves the watermark over them. Nothing is written before the
 * records have been read, hashed on top of the archived records already, and found to give the root that was signed: what
 * is under lock cannot be taken back. A long stretch of records is then read again, so memory does not grow with the plan.
 *
 * After a crash the same call writes the same objects again; those that exist count as written.
 *
 * @throws `object_differs`: an alarm, see {@link putOnce}. `store_corrupt`: ledger, archiver and checkpoint disagree.
 */
export async function archiveRecords(
  stores: ArchiveStores,
  trail: string,
  state: ArchiveState,
  plan: RecordsPlan,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { checkpoint } = plan;
  const tiles = await loadTiles(stores, trail, state);
  if (tiles === undefined) return; // another archiver has carried out the plan
  const read = (): AsyncIterable<Stretch> => readStretch(stores, trail, tiles.size, checkpoint.size);
  const trial = tiles.copy();
  const kept = new ShortStretches();
  for await (const stretch of read()) {
    if (signal?.aborted) return;
    for (const leaf of stretch.leaves) trial.add(leaf);
    kept.add(stretch);
  }
  assertRoot(trail, trial, checkpoint);

  const writer = new ArchiveWriter(stores.objects, trail, await retentionFrom(stores, trail));
  // When the ledger fails in the middle, nothing goes on after the caller got the error.
  const unsealedSince = await writeRecords(kept.all ?? read(), trail, tiles, plan, writer, signal).finally(() =>
    writer.idle(),
  );
  // A crash or a stop anywhere before this leaves objects beyond the newest archived checkpoint, which a verifier
  // reports as not covered yet and nothing else depends on. The plan is still there; the next run writes the rest.
  await writer.settle();
  if (signal?.aborted) return;
  assertRoot(trail, tiles, checkpoint);
  await writer.put(checkpointName(trail, checkpoint.size), Buffer.from(checkpoint.note));
  await writer.settle();
  // After a crash here the archive is complete up to the checkpoint. The next run finds every object of the plan as it
  // would write it, and comes to this line again.
  // Of a clock that was ahead: the seal must not wait for that day.
  const begun = Math.min(unsealedSince, stores.now());
  const step = { size: checkpoint.size, plan: undefined, unsealedSince: state.unsealedSince ?? begun };
  await takeArchiveStep(stores.table, state, step, tiles.writes(trail));
  // After a crash here the plan is over: watermark and open tiles have moved in one transaction.
}

/** Writes the segments, and the bundles and tiles that the records fill. @returns when the first one was received */
async function writeRecords(
  stretches: Iterable<Stretch> | AsyncIterable<Stretch>,
  trail: string,
  tiles: OpenTiles,
  plan: RecordsPlan,
  writer: ArchiveWriter,
  signal: AbortSignal | undefined,
): Promise<number> {
  const records = new RecordWriter(trail, tiles, plan, writer);
  for await (const { lines, first, receivedAt } of stretches) {
    for (const [index, line] of lines.entries()) {
      if (signal?.aborted) return records.firstReceivedAt;
      await records.add(Buffer.from(line), first + index, receivedAt);
    }
  }
  await records.finish();
  return records.firstReceivedAt;
}

/**
 * Puts records, which come in order, into the objects that they belong to. A tile or bundle comes after the segments of its records:
 * a log that goes on from an archive alone finds every record there whose hash takes a name.
 */
class RecordWriter {
  readonly #trail: string;
  readonly #tiles: OpenTiles;
  readonly #writer: ArchiveWriter;
  readonly #from: number;
  readonly #cutter: SegmentCutter;
  #bundle: Uint8Array[] = [];
  /** Tiles and bundles whose records are not all in stored segments: of one segment's worth at most. */
  #waiting: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  /** Unix milliseconds; of the first record of the plan. */
  firstReceivedAt = 0;

  constructor(trail: string, tiles: OpenTiles, { from, limits }: RecordsPlan, writer: ArchiveWriter) {
    this.#trail = trail;
    this.#tiles = tiles;
    this.#writer = writer;
    this.#from = from;
    this.#cutter = new SegmentCutter(limits, from);
  }

  async add(line: Uint8Array, seq: number, receivedAt: number): Promise<void> {
    if (seq === this.#from) this.firstReceivedAt = receivedAt;
    // Records before the plan are read for their tile and bundle only: their segment is in the archive.
    if (seq >= this.#from) await this.#put(this.#cutter.add(line, receivedAt));
    this.#bundle.push(line);
    for (const { tile, hashes } of this.#tiles.add(leafHash(line))) {
      this.#waiting.push({ name: tileName(this.#trail, tile), bytes: encodeTile(hashes) });
    }
    if (this.#bundle.length === TILE_WIDTH) {
      const name = bundleName(this.#trail, Math.floor(seq / TILE_WIDTH), TILE_WIDTH);
      this.#waiting.push({ name, bytes: encodeBundle(this.#bundle) });
      this.#bundle = [];
    }
  }

  async finish(): Promise<void> {
    await this.#put(this.#cutter.finish());
  }

  /** A segment of all records so far but the one that is being added. */
  async #put(segment: Segment | undefined): Promise<void> {
    if (segment === undefined) return;
    await this.#writer.putSegment(segment);
    await this.#writer.settle();
    for (const { name, bytes } of this.#waiting.splice(0)) await this.#writer.put(name, bytes);
  }
}

/**
 * The right edge of the tree at the beginning of the level 0 tile that the state's size is in.
 *
 * @returns undefined when the archive has moved on from the state
 * @throws `store_corrupt` when it has not, and the stored tiles are not those of the state
 */
export async function loadTiles(
  { table }: ArchiveStores,
  trail: string,
  { size, watermark }: ArchiveState,
): Promise<OpenTiles | undefined> {
  const tiles = await OpenTiles.load(table, trail, size - (size % TILE_WIDTH));
  if (tiles !== undefined || (await readArchiveState(table, trail)).watermark.revision !== watermark.revision) {
    return tiles;
  }
  throw new SealtrailError('store_corrupt', `the open tiles of trail ${trail} are not those of size ${size}`);
}

/** Consecutive records that were received at the same time. */
export type Stretch = Pick<Block, 'first' | 'receivedAt' | 'lines' | 'leaves'>;

/** Characters of lines that are kept from the first reading to the second: twice a full segment's, roughly. */
const MAX_KEPT_LENGTH = 32_000_000;

/** Keeps what was read, unless it becomes too much. */
class ShortStretches {
  #kept: Stretch[] | undefined = [];
  #length = 0;

  /** Everything that was added; undefined when that was too much. */
  get all(): readonly Stretch[] | undefined {
    return this.#kept;
  }

  add(stretch: Stretch): void {
    this.#length += stretch.lines.reduce((sum, line) => sum + line.length, 0);
    if (this.#length > MAX_KEPT_LENGTH) this.#kept = undefined;
    this.#kept?.push(stretch);
  }
}

/** Records `from` to `to - 1`, block by block, the blocks at both ends cut to size. */
export async function* readStretch(
  { ledger }: ArchiveStores,
  trail: string,
  from: number,
  to: number,
): AsyncGenerator<Stretch, void, void> {
  for await (const block of ledger.blocks(trail, { from, to })) yield sliceBlock(block, from, to);
}

/** @throws `store_corrupt` unless the tree is the one that was signed */
export function assertRoot(trail: string, tiles: OpenTiles, { size, note }: SignedCheckpoint): void {
  const signed = parseCheckpoint(parseNote(note).text);
  if (signed.size === size && tiles.size === size && sameBytes(signed.root, tiles.root())) return;
  const message = `the records of trail ${trail} do not give the root that was signed at size ${size}`;
  throw new SealtrailError('store_corrupt', message);
}

/** The lock and legal hold of a trail's objects, or of those of none, that are put now. */
export async function retentionFrom(
  { table, lockFor, now }: Pick<ArchiveStores, 'table' | 'lockFor' | 'now'>,
  trail?: string,
): Promise<Retention | undefined> {
  const lock = lockFor?.(trail);
  const isHeld = trail !== undefined && (await readLegalHold(table, trail)).isHeld;
  if (lock === undefined) return isHeld ? { isHeld } : undefined;
  return { until: now() + lock.ms, ...(lock.mode && { mode: lock.mode }), ...(isHeld && { isHeld }) };
}
