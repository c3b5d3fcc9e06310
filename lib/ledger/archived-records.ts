import { Limiter } from '../base/limiter.ts';
import { LoadingCache } from '../base/loading-cache.ts';
import { bundleName } from '../log/archive.ts';
import { fromHex } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../log/frontier.ts';
import { type Hash, leafHash, sameBytes } from '../log/hash.ts';
import { parseRecord, type SealedRecord } from '../log/record.ts';
import { decodeBundle, TILE_WIDTH } from '../log/tile.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Objects, Table } from '../store/ports.ts';
import type { Block, RecordRange } from './items/block.ts';
import { readOpenTile } from './items/edge-tile.ts';
import { nodeReader } from './tree/nodes.ts';
import { TileCache } from './tree/tile-cache.ts';

/** The dependencies of {@link ArchivedRecords}. */
export interface ArchivedRecordsOptions {
  readonly objects: Objects;
  readonly table: Table;
  /** @default one of its own */
  readonly cache?: TileCache;
}

/** The records of one full bundle, checked. */
interface Bundle {
  readonly first: number;
  readonly lines: readonly string[];
  readonly leaves: readonly Hash[];
  readonly records: readonly Pick<SealedRecord, 'prev' | 'receivedAt'>[];
  readonly characters: number;
}

/** Bundles that are fetched at the same time, for all callers together. */
const MAX_FETCHES = 16;
/** Bundles that are fetched ahead of a reader of a long range: at most, so many wait in memory for it. */
const BUNDLES_AHEAD = 4;
/** Characters of record lines that are kept, about. Archived lines never change. */
const KEPT_CHARACTERS = 16_000_000;

/**
 * Reads records that have left the hot store, out of the archive's full entry bundles. A bundle is found by its number,
 * and what it holds must hash to the node of the tree that stands for it, which the hot store's open tiles vouch for: an
 * object that was changed is an error that names it, never another answer or a shorter one.
 */
export class ArchivedRecords {
  readonly #objects: Objects;
  readonly #table: Table;
  readonly #cache: TileCache;
  readonly #nodes = new Map<string, NodeReader>();
  readonly #kept = new LoadingCache<Bundle>(KEPT_CHARACTERS, ({ characters }) => characters);
  readonly #fetches = new Limiter(MAX_FETCHES);

  constructor({ objects, table, cache = new TileCache() }: ArchivedRecordsOptions) {
    this.#objects = objects;
    this.#table = table;
    this.#cache = cache;
  }

  /** Records 0 to before this one are in full bundles. See {@link recordsInBundles}. */
  end(trail: string): Promise<number> {
    return recordsInBundles(this.#table, trail);
  }

  /**
   * Records of full bundles, as blocks: of each bundle those that were received together, cut to the range.
   *
   * @throws `archive_damaged` naming the object that is missing or holds something else; the stores' errors
   */
  async *blocks(trail: string, { from, to, order }: RecordRange): AsyncGenerator<Block, void, void> {
    if (from >= to) return;
    const indexes = indexesOf(from, to, order === 'descending');
    const ahead: Promise<Bundle>[] = [];
    const fetchNext = (): void => {
      const { done, value } = indexes.next();
      if (done === true) return;
      const fetching = this.#bundle(trail, value);
      fetching.catch(() => undefined); // reported when that bundle is needed
      ahead.push(fetching);
    };
    for (let bundles = 0; bundles < BUNDLES_AHEAD; bundles++) fetchNext();
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const blocks = blocksOf(trail, await next, from, to);
      fetchNext();
      yield* order === 'descending' ? blocks.toReversed() : blocks;
    }
  }

  /** The records of the bundles that hold certain ones, as {@link blocks} gives them. */
  async around(trail: string, seqs: readonly number[]): Promise<readonly Block[]> {
    const indexes = new Set(seqs.map((seq) => Math.floor(seq / TILE_WIDTH)));
    const bundles = await Promise.all([...indexes].map((index) => this.#bundle(trail, index)));
    return bundles.flatMap((bundle) => blocksOf(trail, bundle, bundle.first, bundle.first + TILE_WIDTH));
  }

  /**
   * Reads the bundles that hold a range of records, whether or not they were read before, and finds them right.
   *
   * @throws as {@link blocks}
   */
  async check(trail: string, from: number, to: number): Promise<void> {
    const check = async (index: number): Promise<void> => {
      await this.#fetch(trail, index, bundleName(trail, index, TILE_WIDTH));
    };
    if (from < to) await Promise.all([...indexesOf(from, to, false)].map((n) => this.#fetches.run(() => check(n))));
  }

  #bundle(trail: string, index: number): Promise<Bundle> {
    const name = bundleName(trail, index, TILE_WIDTH);
    return this.#kept.get(name, () => this.#fetches.run(() => this.#fetch(trail, index, name)));
  }

  async #fetch(trail: string, index: number, name: string): Promise<Bundle> {
    const [bytes, [root]] = await Promise.all([
      asArchiveDamage(this.#objects.get(name), name),
      // The root of 256 leaves is a node at level 8 (RFC 6962 section 2.1), a hash of a tile at level 1.
      asArchiveDamage(this.#nodesOf(trail)([{ level: 8, index }]), undefined),
    ]);
    if (bytes === undefined) throw damaged(`${name} is missing from the archive`);
    const bundle = unpacked(bytes, index * TILE_WIDTH, name);
    if (root !== undefined && sameBytes(appendLeaves(EMPTY_FRONTIER, bundle.leaves).root, root)) return bundle;
    throw damaged(`${name} does not hold the records that were sealed`);
  }

  #nodesOf(trail: string): NodeReader {
    const known = this.#nodes.get(trail);
    if (known !== undefined) return known;
    const ledger = { blocks: () => noBlocks(trail) };
    const nodes = nodeReader({ objects: this.#objects, table: this.#table, ledger, cache: this.#cache }, trail);
    this.#nodes.set(trail, nodes);
    return nodes;
  }
}

/**
 * How many records of a trail are in full bundles of the archive, under lock there, and need not be read from the hot
 * store again to complete one: the archiver moves its open tiles once they are.
 */
export async function recordsInBundles(table: Table, trail: string): Promise<number> {
  const { index, hashes } = await readOpenTile(table, trail, 1);
  return (index * TILE_WIDTH + hashes.length) * TILE_WIDTH;
}

function* indexesOf(from: number, to: number, isDescending: boolean): Generator<number, void, void> {
  const [first, last] = [Math.floor(from / TILE_WIDTH), Math.floor((to - 1) / TILE_WIDTH)];
  if (isDescending) for (let index = last; index >= first; index--) yield index;
  else for (let index = first; index <= last; index++) yield index;
}

function unpacked(bytes: Uint8Array, first: number, name: string): Bundle {
  try {
    const entries = decodeBundle(bytes);
    if (entries.length !== TILE_WIDTH) throw damaged(`${name} is not a full bundle`);
    const lines = entries.map((entry) => Buffer.from(entry).toString());
    const records = lines.map((line) => {
      const { prev, receivedAt } = parseRecord(line);
      return { prev, receivedAt };
    });
    const characters = lines.reduce((sum, line) => sum + line.length, 0);
    return { first, lines, leaves: entries.map(leafHash), records, characters };
  } catch (cause) {
    if (!(cause instanceof SealtrailError) || cause.code === 'archive_damaged') throw cause;
    throw damaged(`${name} does not hold the records that were sealed`, cause);
  }
}

/** Consecutive records of a bundle that were received at the same time, within a range. */
function blocksOf(trail: string, bundle: Bundle, from: number, to: number): Block[] {
  const blocks: Block[] = [];
  const end = Math.min(to - bundle.first, TILE_WIDTH);
  for (let start = Math.max(0, from - bundle.first); start < end; ) {
    const { prev = '', receivedAt = 0 } = bundle.records[start] ?? {};
    let next = start + 1;
    while (next < end && bundle.records[next]?.receivedAt === receivedAt) next += 1;
    const [lines, leaves] = [bundle.lines.slice(start, next), bundle.leaves.slice(start, next)];
    const place = { trail, first: bundle.first + start, count: next - start, receivedAt };
    blocks.push({ ...place, prev: fromHex(prev), lines, leaves, archived: true });
    start = next;
  }
  return blocks;
}

/** Maps errors that say the archive is not right to `archive_damaged`. */
async function asArchiveDamage<T>(reading: Promise<T>, name: string | undefined): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    if (!(cause instanceof SealtrailError) || cause.code !== 'store_corrupt') throw cause;
    throw damaged(name === undefined ? cause.message : `${name} is not readable`, cause);
  }
}

/** Archived records need none of the ledger's. */
// biome-ignore lint/correctness/useYield: it is an error to ask
async function* noBlocks(trail: string): AsyncGenerator<Block, void, void> {
  throw new SealtrailError('store_corrupt', `the open tiles of trail ${trail} do not reach as far as its archive`);
}

const damaged = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('archive_damaged', message, { cause });
