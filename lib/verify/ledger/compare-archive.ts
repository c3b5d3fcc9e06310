import { isUnreadable } from '../../ledger/items/format.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { checkpointName, tileName } from '../../log/archive.ts';
import { isNoteWithMlDsa } from '../../log/cosignature.ts';
import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES, type Hash, sameBytes } from '../../log/hash.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import type { Objects } from '../../store/ports.ts';
import type { VerificationFindings } from './ledger-report.ts';
import { assertTime } from './verification-walk.ts';

/** The dependencies of a comparison with the archive. */
export interface CompareOptions {
  readonly objects: Objects;
  readonly ledger: Pick<Ledger, 'exactCheckpoint'>;
  readonly trail: string;
  /** Records before this size are not compared. */
  readonly from: number;
  /** Nor is what comes after this one. Infinity: also what the archiver puts there meanwhile. */
  readonly to: number;
  /** The archive's size. */
  readonly archived: number;
  readonly findings: VerificationFindings;
  readonly signal?: AbortSignal | undefined;
}

/** Compares the ledger's leaf hashes with the archive's full tiles of level 0, one tile at a time. */
export class TileComparison {
  readonly #options: CompareOptions;
  #index = -1;
  #leaves: (Hash | undefined)[] = [];

  constructor(options: CompareOptions) {
    this.#options = options;
  }

  /** The first record whose tile is compared, all of it: an earlier comparison may have left a part. */
  get first(): number {
    return Math.floor(this.#options.from / TILE_WIDTH) * TILE_WIDTH;
  }

  /** Behind the last record whose tile is compared; full tiles alone are in the archive for sure. */
  get end(): number {
    const { to, archived } = this.#options;
    return Math.min(Math.ceil(to / TILE_WIDTH), Math.floor(archived / TILE_WIDTH)) * TILE_WIDTH;
  }

  /** Takes leaves as they come along the trail; some may be left out, or come twice. */
  async add(first: number, leaves: readonly Hash[]): Promise<void> {
    for (const [at, leaf] of leaves.entries()) {
      const seq = first + at;
      if (seq < this.first || seq >= this.end) continue;
      const index = Math.floor(seq / TILE_WIDTH);
      if (index !== this.#index) {
        await this.finish();
        this.#index = index;
      }
      this.#leaves[seq % TILE_WIDTH] = leaf;
    }
  }

  /** Compares the tile that is waiting for more leaves. */
  async finish(): Promise<void> {
    const leaves = this.#leaves;
    this.#leaves = [];
    if (leaves.length === 0) return;
    const { objects, trail, findings } = this.#options;
    const first = this.#index * TILE_WIDTH;
    const object = tileName(trail, { level: 0, index: this.#index, width: TILE_WIDTH });
    const bytes = await readObject(objects, object, findings);
    if (bytes === 'unreadable') return;
    if (bytes === undefined) {
      findings.add({ kind: 'missing_tile', seq: first, object, message: 'the tile is missing from the archive' });
    } else if (bytes.length !== TILE_WIDTH * HASH_BYTES) {
      const message = `a full tile has ${TILE_WIDTH * HASH_BYTES} bytes, this one ${bytes.length}`;
      findings.add({ kind: 'malformed_tile', seq: first, object, message });
    } else {
      const wrong = leaves.findIndex((leaf, at) => leaf !== undefined && !sameBytes(leaf, hashAt(bytes, at)));
      if (wrong < 0) return;
      const message = `the archive has another hash for record ${first + wrong} than the ledger`;
      findings.add({ kind: 'tile_mismatch', seq: first + wrong, object, message });
    }
  }
}

const hashAt = (bytes: Uint8Array, at: number): Uint8Array => bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);

/**
 * Compares the archived checkpoints that are larger than `from`, and not larger than `to`, with the ledger's, byte for
 * byte. The archive has the one of its size, and of others some.
 */
export async function compareCheckpoints(options: CompareOptions): Promise<void> {
  const { trail, from, to, archived, findings, signal } = options;
  const prefix = checkpointPrefix(trail);
  const isWhole = to === Number.POSITIVE_INFINITY;
  let hasNewest = archived === 0 || (!isWhole && (archived <= from || archived > to));
  for await (const key of isWhole ? allKeys(options) : keysBetween(options)) {
    assertTime(signal);
    const name = key.slice(prefix.length);
    // Time-stamps over checkpoints: `verify --tsa-ca` judges them.
    if (sizeOf(name.replace(/\.tsr$/, '')) !== undefined && name.endsWith('.tsr')) continue;
    const size = sizeOf(name);
    if (size === undefined) {
      findings.add({ kind: 'unknown_object', object: key.slice(0, 256), message: 'this is the name of no checkpoint' });
      continue;
    }
    if (size === archived) hasNewest = true;
    if (size > from || size === archived) await compareCheckpoint(options, size);
  }
  if (hasNewest) return;
  const object = checkpointName(trail, archived);
  const message = 'the checkpoint is missing from the archive';
  findings.add({ kind: 'missing_checkpoint', seq: archived, object, message });
}

const checkpointPrefix = (trail: string): string => `${trail}/checkpoints/`;

async function* allKeys({ objects, trail }: CompareOptions): AsyncGenerator<string, void, void> {
  for await (const { key } of objects.list(checkpointPrefix(trail))) yield key;
}

/** Only what may be in between is listed: names of one length sort like their numbers. */
async function* keysBetween({ objects, trail, from, to }: CompareOptions): AsyncGenerator<string, void, void> {
  const prefix = checkpointPrefix(trail);
  for (let digits = `${from + 1}`.length; digits <= `${to}`.length; digits++) {
    const least = 10 ** (digits - 1);
    const first = Math.max(from + 1, least);
    const last = `${Math.min(to, 10 * least - 1)}`;
    // The name that comes right before, whether or not it is there: 10 before 100, and 299 before 300.
    const after = first === least ? `${first}`.slice(0, -1) : `${first - 1}`;
    for await (const { key } of objects.list(prefix, { after: prefix + after })) {
      const name = key.slice(prefix.length);
      if (name > last) break;
      if (name.length === digits) yield key;
    }
  }
}

async function compareCheckpoint({ objects, ledger, trail, findings }: CompareOptions, size: number): Promise<void> {
  const object = checkpointName(trail, size);
  const archived = await readObject(objects, object, findings);
  if (archived === undefined || archived === 'unreadable') return;
  let message: string | undefined;
  try {
    const stored = await ledger.exactCheckpoint(trail, size);
    if (stored === undefined) {
      const gone = 'the archive has a checkpoint that the ledger has not';
      return findings.add({ kind: 'missing_checkpoint', seq: size, object, message: gone });
    }
    if (!isNoteWithMlDsa(Buffer.from(archived).toString(), stored.note))
      message = 'the archived checkpoint is not the ledger’s';
  } catch (error) {
    // The ledger's own is not readable, which the walk reports by itself.
    if (!isUnreadable(error)) throw error;
    message = 'the archived checkpoint cannot be compared with the ledger’s, which is not readable';
  }
  if (message !== undefined) findings.add({ kind: 'checkpoint_mismatch', seq: size, object, message });
}

async function readObject(
  objects: Objects,
  object: string,
  findings: VerificationFindings,
): Promise<Uint8Array | undefined | 'unreadable'> {
  try {
    return await objects.get(object);
  } catch (error) {
    if (!(error instanceof SealtrailError) || error.code !== 'store_corrupt') throw error;
    findings.add({ kind: 'unreadable', object, message: error.message });
    return 'unreadable';
  }
}

function sizeOf(name: string): number | undefined {
  const size = /^[1-9]\d{0,15}$/.test(name) ? Number(name) : undefined;
  return size !== undefined && Number.isSafeInteger(size) ? size : undefined;
}
