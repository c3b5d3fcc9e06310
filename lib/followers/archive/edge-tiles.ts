import { readOpenTile, storeOpenTile } from '../../ledger/items/edge-tile.ts';
import { appendLeaves, EMPTY_FRONTIER, joinSubtrees } from '../../log/frontier.ts';
import type { Hash } from '../../log/hash.ts';
import { TILE_WIDTH, type Tile } from '../../log/tile.ts';
import type { Table, Write } from '../../store/ports.ts';

/** A tile with the hashes in it, as many as its width says. */
export interface FilledTile {
  readonly tile: Tile;
  readonly hashes: readonly Hash[];
}

/**
 * The right edge of a tile tree: for each level the hashes that do not fill a tile yet. With it, a tree goes on growing
 * without any of its full tiles. Level 0 comes from the ledger's records; the levels above are items in the Table.
 *
 * @see C2SP tlog-tiles, Merkle Tree: a hash at level 1 and above is the root of a full tile of the level below
 */
export class OpenTiles {
  /** Leaves in the tree. */
  #size: number;
  /** By level. Level 0 has `size % 256` hashes, level 1 `floor(size / 256) % 256`, and so on. */
  readonly #levels: Hash[][];
  /** Levels above 0 that are no longer as they were loaded. */
  readonly #changed: Set<number>;

  private constructor(size: number, levels: Hash[][], changed: ReadonlySet<number> = new Set()) {
    this.#size = size;
    this.#levels = levels;
    this.#changed = new Set(changed);
  }

  /**
   * The right edge at a size that fills its level 0 tiles, as the archiver last stored it.
   *
   * @param size a multiple of 256
   * @returns undefined when the items are not those of this size: the archive has moved on, or they are damaged
   */
  static async load(table: Table, trail: string, size: number): Promise<OpenTiles | undefined> {
    const levels: Hash[][] = [[]];
    for (let level = 1; countAt(level, size) > 0; level++) {
      const open = await readOpenTile(table, trail, level);
      const count = countAt(level, size);
      if (open.index !== Math.floor(count / TILE_WIDTH) || open.hashes.length !== count % TILE_WIDTH) return undefined;
      levels.push([...open.hashes]);
    }
    return new OpenTiles(size, levels);
  }

  /** Leaves in the tree. */
  get size(): number {
    return this.#size;
  }

  /** Another one to go on from here. */
  copy(): OpenTiles {
    const levels = this.#levels.map((hashes) => [...hashes]);
    return new OpenTiles(this.#size, levels, this.#changed);
  }

  /** Adds a leaf. @returns the tiles that it filled, lowest level first; mostly none */
  add(leaf: Hash): readonly FilledTile[] {
    this.#size += 1;
    this.#at(0).push(leaf);
    if (this.#size % TILE_WIDTH !== 0) return [];
    const filled: FilledTile[] = [];
    for (let level = 0; this.#at(level).length === TILE_WIDTH; level++) {
      const hashes = this.#at(level);
      const index = countAt(level, this.#size) / TILE_WIDTH - 1;
      filled.push({ tile: { level, index, width: TILE_WIDTH }, hashes });
      this.#levels[level] = [];
      this.#at(level + 1).push(appendLeaves(EMPTY_FRONTIER, hashes).root);
      this.#changed.add(level + 1);
    }
    return filled;
  }

  /** The tree's root (RFC 6962 section 2.1). */
  root(): Hash {
    const widestFirst = this.#levels
      .toReversed()
      .flatMap((hashes) => appendLeaves(EMPTY_FRONTIER, hashes).frontier.nodes);
    return joinSubtrees(widestFirst);
  }

  /** The partial tiles of the tree (C2SP tlog-tiles, Partial Tiles), lowest level first. */
  partial(): readonly FilledTile[] {
    return this.#levels.flatMap((hashes, level) => {
      const index = Math.floor(countAt(level, this.#size) / TILE_WIDTH);
      return hashes.length === 0 ? [] : [{ tile: { level, index, width: hashes.length }, hashes }];
    });
  }

  /** The writes that store what has changed above level 0 since it was loaded. */
  writes(trail: string): Write[] {
    return [...this.#changed].map((level) => {
      const index = Math.floor(countAt(level, this.#size) / TILE_WIDTH);
      return storeOpenTile(trail, { level, index, hashes: this.#at(level) });
    });
  }

  #at(level: number): Hash[] {
    const known = this.#levels[level];
    if (known !== undefined) return known;
    const hashes: Hash[] = [];
    this.#levels[level] = hashes;
    return hashes;
  }
}

/** Hashes that a level of a tree of this size has in all its tiles (C2SP tlog-tiles, Partial Tiles). */
const countAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);
