import {
  type ArchiveState,
  readArchiveState,
  type SignedCheckpoint,
  takeArchiveStep,
} from '../followers/archive/archive-state.ts';
import { OpenTiles } from '../followers/archive/edge-tiles.ts';
import { keyIdOf } from '../followers/archive/public-keys.ts';
import { withFormat } from '../ledger/items/format.ts';
import type { Head } from '../ledger/items/head.ts';
import { checkpointKey } from '../ledger/items/layout.ts';
import { checkpointName, newestCheckpointName, pemName } from '../log/archive.ts';
import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { fromHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { appendLeaves, type Frontier, frontierRoot } from '../log/frontier.ts';
import { type Hash, leafHash, sameBytes } from '../log/hash.ts';
import { parseNote, type Verifier } from '../log/note.ts';
import { TILE_WIDTH } from '../log/tile.ts';
import type { Objects, Table } from '../store/ports.ts';
import type { ArchivedLine } from '../verify/evidence/segments.ts';
import { archivedLines } from './archived-lines.ts';
import { importRecords } from './import-records.ts';
import { archivedSizes, type Standing } from './standing.ts';

/** The stores that a trail is rebuilt from and into. */
export interface RebuildStores {
  readonly table: Table;
  readonly objects: Objects;
  /** The keys that signed the trail's checkpoints at a size, named like its origin. */
  readonly verifiers: (trail: string, size: number) => readonly Verifier[];
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** A trail that was rebuilt. */
export interface RebuiltTrail {
  readonly trail: string;
  /** Records that the Table held before. */
  readonly before: number;
  /** Records that it holds now: the next one gets this number. */
  readonly size: number;
  /** When the newest of them was received, Unix milliseconds: what was acknowledged later is lost. */
  readonly receivedAt: number;
}

/**
 * Completes a trail that is `behind` its archive: its records, its checkpoints, and where the archiver stands. Nothing is written
 * before all of its records were read, and found to give the root that the newest archived checkpoint signs. Each step can be
 * repeated after a crash; until the last one the trail takes no appends, since it is still behind its archive or its checkpoints.
 *
 * It signs nothing. Whether the keys may go on is for the caller to decide: what they signed last is not known.
 *
 * @throws `archive_damaged` naming what does not hold; `store_corrupt`; the errors of the stores
 */
export async function rebuildTrail(stores: RebuildStores, standing: Standing): Promise<RebuiltTrail> {
  const { table, objects, now = Date.now } = stores;
  const { trail, head, checkpoint } = standing;
  if (checkpoint === undefined) throw damaged(`the archive of trail ${trail} has no checkpoint`);
  const state = await readArchiveState(table, trail);
  const examined = await examine(stores, standing, checkpoint, state);
  await moveArchiver(stores, trail, state, checkpoint, examined);
  await importCheckpoints(stores, trail, head.size, checkpoint.size);
  await importRecords(table, trail, archivedLines(objects, trail, head.size), { size: standing.archived, now: now() });
  return { trail, before: head.size, size: standing.archived, receivedAt: examined.newest };
}

/** A first look at the archived records, which adds them to the tree up to the newest archived checkpoint. */
class Examination {
  readonly #head: Head;
  readonly #size: number;
  readonly tiles: OpenTiles;
  readonly #tilesFrom: number;
  #frontier: Frontier;
  #prev: Hash | undefined;
  /** When the newest record was received. */
  newest = 0;
  /** When the first record was received that `<trail>/checkpoint` does not cover; undefined where it was not looked at. */
  unsealedSince: number | undefined;
  readonly #sealed: number;

  constructor(head: Head, size: number, tiles: OpenTiles, sealed: number) {
    this.#head = head;
    this.#size = size;
    this.tiles = tiles;
    this.#tilesFrom = tiles.size;
    this.#frontier = head.frontier;
    this.#sealed = sealed;
  }

  /** The first record to look at. */
  get from(): number {
    return Math.min(this.#head.size, this.#tilesFrom);
  }

  /** @throws `archive_damaged` where a record does not follow the one before */
  add(lines: readonly ArchivedLine[]): void {
    const leaves: Hash[] = [];
    for (const one of lines) {
      const { seq, receivedAt } = one.record;
      if (seq === this.#head.size && seq > 0) this.#prev = this.#head.last;
      this.#prev = follow(this.#head.trail, one, this.#prev);
      if (seq < this.#size && seq >= this.#tilesFrom) this.tiles.add(this.#prev);
      if (seq < this.#size && seq >= this.#head.size) leaves.push(this.#prev);
      if (seq === this.#sealed) this.unsealedSince = receivedAt;
      this.newest = receivedAt;
    }
    this.#frontier = appendLeaves(this.#frontier, leaves).frontier;
  }

  /** True if the records give a root. Beyond the checkpoint they only follow one another. */
  gives(root: Hash): boolean {
    if (!sameBytes(this.tiles.root(), root)) return false;
    return this.#head.size > this.#size || sameBytes(frontierRoot(this.#frontier), root);
  }
}

async function examine(
  { table, objects, verifiers }: RebuildStores,
  { trail, head }: Standing,
  { size, note }: SignedCheckpoint,
  archiver: ArchiveState,
): Promise<Examination> {
  const known = Math.min(archiver.size, size);
  const tilesFrom = known - (known % TILE_WIDTH);
  const tiles = await OpenTiles.load(table, trail, tilesFrom);
  if (tiles === undefined) {
    throw new SealtrailError('store_corrupt', `the open tiles of trail ${trail} are not those of ${tilesFrom} records`);
  }
  const { root } = trusted(trail, note, verifiers(trail, size));
  const examined = new Examination(head, size, tiles, (await sealedCheckpoint(objects, trail))?.size ?? 0);
  for await (const lines of archivedLines(objects, trail, examined.from)) examined.add(lines);
  if (examined.gives(root)) return examined;
  throw damaged(`the records of trail ${trail} do not give the root of ${checkpointName(trail, size)}`);
}

/** The leaf hash of a record that names the one before it. */
function follow(trail: string, { line, record }: ArchivedLine, prev: Hash | undefined): Hash {
  if (record.trail !== trail || (prev !== undefined && !sameBytes(fromHex(record.prev), prev))) {
    throw damaged(`the archived record ${record.seq} of trail ${trail} does not follow the one before`);
  }
  return leafHash(line);
}

function trusted(trail: string, note: string, verifiers: readonly Verifier[]): Checkpoint {
  try {
    return openCheckpoint(note, verifiers[0]?.name ?? '', verifiers);
  } catch (cause) {
    throw damaged(`the newest archived checkpoint of trail ${trail} is not signed by a key of the log`, cause);
  }
}

/** `<trail>/checkpoint`, where the log has put it there. */
async function sealedCheckpoint(objects: Objects, trail: string): Promise<SignedCheckpoint | undefined> {
  const bytes = await objects.get(newestCheckpointName(trail));
  if (bytes === undefined) return undefined;
  try {
    const note = Buffer.from(bytes).toString();
    const { size } = parseCheckpoint(parseNote(note).text);
    const archived = await objects.get(checkpointName(trail, size));
    return archived !== undefined && sameBytes(archived, bytes) ? { size, note } : undefined;
  } catch (error) {
    if (error instanceof SealtrailError) return undefined; // the next seal says so, and replaces it
    throw error;
  }
}

/** A plan that was begun is dropped: what it has written counts as archived now, or is completed by the next one. */
async function moveArchiver(
  { table, objects, verifiers }: RebuildStores,
  trail: string,
  state: ArchiveState,
  checkpoint: SignedCheckpoint,
  examined: Examination,
): Promise<void> {
  const sealed = await sealedCheckpoint(objects, trail);
  const ids = [...new Set(verifiers(trail, checkpoint.size).map(keyIdOf))];
  const keys: string[] = [];
  for (const id of ids) if ((await objects.get(pemName(id))) !== undefined) keys.push(id);
  const isSealed = sealed?.size === checkpoint.size;
  const unsealedSince = isSealed ? undefined : (examined.unsealedSince ?? state.unsealedSince);
  const step = { size: checkpoint.size, sealed, unsealedSince, keys, plan: undefined };
  if (await takeArchiveStep(table, state, step, examined.tiles.writes(trail))) return;
  throw new SealtrailError('in_use', `something else archives trail ${trail}`);
}

/** Checkpoints that the Table has lost, so that receipts and proofs of their sizes are still to be had. */
async function importCheckpoints(
  { table, objects }: RebuildStores,
  trail: string,
  from: number,
  to: number,
): Promise<void> {
  for await (const size of archivedSizes(objects, trail)) {
    if (size <= from || size > to) continue;
    const bytes = await objects.get(checkpointName(trail, size));
    if (bytes === undefined) continue;
    const put = {
      ...checkpointKey(trail, size),
      attributes: withFormat('checkpoint', { note: Buffer.from(bytes).toString() }),
    };
    await table.transact([{ put, when: { is: 'absent' } }]);
  }
}

const damaged = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('archive_damaged', message, { cause });
