import type { Hash } from '../../log/hash.ts';

/** Tiles kept by default: 512 of at most 8 KiB. */
const TILES = 512;

/**
 * The tiles used last, of any number of trails. A tile never changes, it only fills up: what is kept of one stays
 * right, if perhaps not all of it.
 */
export class TileCache {
  readonly #most: number;
  /** Least recently used first. */
  readonly #tiles = new Map<string, readonly Hash[]>();

  /** @param most how many tiles it keeps, each at most 8 KiB */
  constructor(most: number = TILES) {
    if (!Number.isSafeInteger(most) || most < 0) throw new RangeError(`a cache cannot keep ${most} tiles`);
    this.#most = most;
  }

  /** The hashes that are known of a tile, from its first on; none where it is not kept. */
  get(name: string): readonly Hash[] {
    const hashes = this.#tiles.get(name);
    if (hashes === undefined) return [];
    this.#tiles.delete(name);
    this.#tiles.set(name, hashes);
    return hashes;
  }

  /** Keeps a tile's hashes, from its first on. */
  set(name: string, hashes: readonly Hash[]): void {
    this.#tiles.delete(name);
    this.#tiles.set(name, hashes);
    for (const oldest of this.#tiles.keys()) {
      if (this.#tiles.size <= this.#most) return;
      this.#tiles.delete(oldest);
    }
  }
}
