import { tileName } from '../../log/archive.ts';
import { SealtrailError } from '../../log/error.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../log/frontier.ts';
import { HASH_BYTES, type Hash, sameBytes } from '../../log/hash.ts';
import { decodeTile, nodeFromTile, TILE_WIDTH, tileOfNode } from '../../log/tile.ts';
import { completeRows } from '../../log/tile-hash.ts';
import type { NodeReader } from '../../log/tree.ts';
import type { Objects, Table } from '../../store/ports.ts';
import { type OpenTile, readOpenTile } from '../items/edge-tile.ts';
import type { LeafSource } from './block-nodes.ts';
import { TileCache } from './tile-cache.ts';

/** Where the nodes of trails' trees are read from. */
export interface NodeSources {
  /**
   * The archive, which holds the full tiles. Without it they are made from the ledger's records, which is for those who
   * may not read the archive and ask only about the newest records.
   */
  readonly objects?: Objects;
  /** The archiver's open tiles: the hashes above level 0 that do not fill a tile yet. */
  readonly table: Table;
  /** The records that no full tile in the archive covers. */
  readonly ledger: Pick<LeafSource, 'blocks'>;
  /** Share one among readers, so that it outlives them. @default one of its own */
  readonly cache?: TileCache;
}

/**
 * Reads nodes of a trail's tree at any size up to its head: from the archive's full tiles, from the archiver's open
 * tiles, and from the ledger for what the archive does not hold yet. It goes by what is there when it reads, so it may
 * be used while the archiver runs.
 *
 * A full tile is checked against the hash that stands for it one level above, up to the open tiles. That does not make
 * an answer proven: check what you build from it against a checkpoint's root, as {@link provenInclusion} does.
 *
 * @returns a reader that throws `store_corrupt` for a tile that is missing or damaged, naming it, and for a node beyond
 *   the trail's end
 */
export function nodeReader(sources: NodeSources, trail: string): NodeReader {
  const cache = sources.cache ?? new TileCache();
  return async (ids) => {
    const tiles = new TileReading(sources, trail, cache);
    // The hashes that each tile has to give, so that none is read twice.
    const needs = new Map<string, { level: number; index: number; count: number }>();
    for (const id of ids) {
      const { level, index, offset, span } = tileOfNode(id);
      const known = needs.get(`${level}/${index}`)?.count ?? 0;
      needs.set(`${level}/${index}`, { level, index, count: Math.max(known, offset + span) });
    }
    const read = new Map(
      await Promise.all(
        [...needs].map(
          async ([key, { level, index, count }]) => [key, await tiles.hashes(level, index, count)] as const,
        ),
      ),
    );
    return ids.map((id) => {
      const { level, index, offset, span } = tileOfNode(id);
      const hashes = read.get(`${level}/${index}`) ?? [];
      const row = innerRows.get(hashes)?.[Math.log2(span)];
      return row?.subarray((offset / span) * HASH_BYTES, (offset / span + 1) * HASH_BYTES) ?? nodeFromTile(hashes, id);
    });
  };
}

/** The hashes above those of a full tile, as long as the tile itself is kept: checking it made them, and paths are made of them. */
const innerRows = new WeakMap<readonly Hash[], readonly Buffer[]>();

/** The tiles of one trail while one question is answered. */
class TileReading {
  readonly #sources: NodeSources;
  readonly #trail: string;
  readonly #cache: TileCache;
  readonly #open = new Map<number, Promise<OpenTile>>();
  readonly #archived = new Map<string, Promise<readonly Hash[]>>();

  constructor(sources: NodeSources, trail: string, cache: TileCache) {
    this.#sources = sources;
    this.#trail = trail;
    this.#cache = cache;
  }

  /** At least the first `count` hashes of a tile, 1 to 256. */
  async hashes(level: number, index: number, count: number): Promise<readonly Hash[]> {
    const cached = this.#cache.get(this.#name(level, index));
    if (cached.length >= count) return cached;
    // What a level's open tile counts, over all its tiles, is the full tiles of the level below in the archive.
    const above = await this.#openTile(level + 1);
    if (index < above.index * TILE_WIDTH + above.hashes.length) return this.#archivedTile(level, index);
    const known = level === 0 ? cached : longer(cached, await this.#openHashes(level, index));
    return known.length >= count ? known : this.#hashesFromLedger(level, index, known, count);
  }

  #name(level: number, index: number): string {
    return tileName(this.#trail, { level, index, width: TILE_WIDTH });
  }

  #openTile(level: number): Promise<OpenTile> {
    const reading = this.#open.get(level) ?? readOpenTile(this.#sources.table, this.#trail, level);
    this.#open.set(level, reading);
    return reading;
  }

  /** The hashes in an edge tile of a tile that did not seem to be archived. */
  async #openHashes(level: number, index: number): Promise<readonly Hash[]> {
    const open = await this.#openTile(level);
    if (open.index <= index) return open.index === index ? open.hashes : [];
    // The archiver has filled the tile since the level above was read. It moves all levels in one transaction.
    this.#open.delete(level + 1);
    const above = await this.#openTile(level + 1);
    if (index < above.index * TILE_WIDTH + above.hashes.length) return this.#archivedTile(level, index);
    const message = `the open tiles of levels ${level} and ${level + 1} in trail ${this.#trail} do not fit together`;
    throw new SealtrailError('store_corrupt', message);
  }

  #archivedTile(level: number, index: number): Promise<readonly Hash[]> {
    const { objects } = this.#sources;
    if (objects === undefined) return this.#hashesFromLedger(level, index, [], TILE_WIDTH);
    const name = this.#name(level, index);
    const reading = this.#archived.get(name) ?? this.#readArchivedTile(objects, name, level, index);
    this.#archived.set(name, reading);
    return reading;
  }

  async #readArchivedTile(objects: Objects, name: string, level: number, index: number): Promise<readonly Hash[]> {
    const offset = index % TILE_WIDTH;
    const [bytes, above] = await Promise.all([
      objects.get(name),
      this.hashes(level + 1, Math.floor(index / TILE_WIDTH), offset + 1),
    ]);
    if (bytes === undefined) throw new SealtrailError('store_corrupt', `${name} is missing from the archive`);
    let hashes: readonly Hash[];
    try {
      hashes = decodeTile(bytes, TILE_WIDTH);
    } catch (cause) {
      throw new SealtrailError('store_corrupt', `${name} is not a full tile`, { cause });
    }
    const root = above[offset];
    // C2SP tlog-tiles, Merkle Tree: a hash at level 1 and above is the root of a full tile of the level below.
    const rows = completeRows(bytes);
    if (root === undefined || !sameBytes(rows.at(-1) ?? bytes, root)) {
      throw new SealtrailError('store_corrupt', `${name} does not hash to what stands for it one level above`);
    }
    innerRows.set(hashes, rows);
    this.#cache.set(name, hashes);
    return hashes;
  }

  /** Goes on from the `known` hashes of a tile that the archive does not hold. */
  async #hashesFromLedger(
    level: number,
    index: number,
    known: readonly Hash[],
    count: number,
  ): Promise<readonly Hash[]> {
    const hashes = [...known];
    const first = index * TILE_WIDTH;
    if (level === 0) {
      // All that the trail has of the tile: the same blocks hold it.
      for await (const leaf of this.#leaves(first + hashes.length, first + TILE_WIDTH)) hashes.push(leaf);
    } else if (level === 1) {
      const leaves: Hash[] = [];
      for await (const leaf of this.#leaves((first + hashes.length) * TILE_WIDTH, (first + count) * TILE_WIDTH)) {
        if (leaves.push(leaf) < TILE_WIDTH) continue;
        hashes.push(appendLeaves(EMPTY_FRONTIER, leaves.splice(0)).root);
      }
    } else {
      while (hashes.length < count) {
        const below = await this.hashes(level - 1, first + hashes.length, TILE_WIDTH);
        hashes.push(appendLeaves(EMPTY_FRONTIER, below).root);
      }
    }
    if (hashes.length < count) {
      const message = `trail ${this.#trail} is too short for hash ${count - 1} of tile ${level}/${index}`;
      throw new SealtrailError('store_corrupt', message);
    }
    this.#cache.set(this.#name(level, index), hashes);
    return hashes;
  }

  async *#leaves(from: number, to: number): AsyncGenerator<Hash, void, void> {
    for await (const { first, leaves } of this.#sources.ledger.blocks(this.#trail, { from, to })) {
      yield* leaves.slice(Math.max(0, from - first), to - first);
    }
  }
}

const longer = (a: readonly Hash[], b: readonly Hash[]): readonly Hash[] => (a.length >= b.length ? a : b);
