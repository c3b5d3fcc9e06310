import { Lru } from '../../base/lru.ts';
import type { Hash } from '../../log/hash.ts';

/** Tiles kept by default: 512 of at most 8 KiB. */
const TILES = 512;

/**
 * The tiles used last, of any number of trails. A tile never changes, it only fills up: what is kept of one stays
 * right, if perhaps not all of it.
 */
export class TileCache {
  readonly #tiles: Lru<readonly Hash[]>;

  /** @param max how many tiles it keeps, each at most 8 KiB */
  constructor(max: number = TILES) {
    if (!Number.isSafeInteger(max) || max < 0) throw new RangeError(`a cache cannot keep ${max} tiles`);
    this.#tiles = new Lru(max);
  }

  /** The hashes that are known of a tile, from its first on; none where it is not kept. */
  get(name: string): readonly Hash[] {
    return this.#tiles.get(name) ?? [];
  }

  /** Keeps a tile's hashes, from its first on. */
  set(name: string, hashes: readonly Hash[]): void {
    this.#tiles.set(name, hashes);
  }
}
