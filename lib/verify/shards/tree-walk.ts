import { appendLeaves, EMPTY_FRONTIER, type Frontier, frontierRoot } from '../../log/frontier.ts';
import { HASH_BYTES, type Hash, nodeHash } from '../../log/hash.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import { tileRoot } from '../native/native.ts';
import type { UpperTiles } from './check-tiles.ts';
import type { RootClaim } from './root-checks.ts';

/** Called for the root that the records give at a claim's size. */
export type OnRoot = (claim: RootClaim, root: Hash) => void;

/**
 * Grows the tree along the records, a tile at a time, and compares what it passes: roots with the checkpoints, complete
 * subtrees with the tiles above level 0.
 */
export class TreeWalk {
  readonly #upper: UpperTiles;
  /** Undefined where it cannot be known: behind lost records that the tiles do not bridge. */
  frontier: Frontier | undefined = EMPTY_FRONTIER;

  constructor(upper: UpperTiles) {
    this.#upper = upper;
  }

  /**
   * Adds the leaves of a tile.
   *
   * @param first number of the tile's first record
   * @param row its leaf hashes
   * @param known how many of them, from the first on, are known
   * @param claims of sizes within the tile, ascending
   * @param subtree the hash of the whole tile, as the tile above has it
   */
  async add(
    first: number,
    row: Buffer,
    known: number,
    claims: readonly RootClaim[],
    subtree: Hash | undefined,
    onRoot: OnRoot,
  ): Promise<void> {
    const width = row.length / HASH_BYTES;
    const before = this.frontier;
    const inside = claims.filter(({ size }) => size > first && size <= first + known);
    const isWhole = width === TILE_WIDTH;
    let at = before;
    let done = 0;
    for (const claim of inside) {
      const count = claim.size - first;
      if (at === undefined || (isWhole && count === width)) continue;
      at = appendLeaves(at, hashes(row, done, count)).frontier;
      done = count;
      onRoot(claim, frontierRoot(at));
    }
    if (!isWhole) {
      this.frontier =
        at === undefined || known < width ? undefined : appendLeaves(at, hashes(row, done, width)).frontier;
      return;
    }
    const root = known === width ? tileRoot(row) : subtree;
    await this.#append(first / TILE_WIDTH, before, root);
    if (this.frontier === undefined || known < width) return;
    for (const claim of inside) if (claim.size === first + width) onRoot(claim, frontierRoot(this.frontier));
  }

  /** Adds a complete subtree of 256 leaves, and compares it and those that it completes with the tiles above. */
  async #append(index: number, before: Frontier | undefined, root: Hash | undefined): Promise<void> {
    this.frontier = undefined;
    if (root === undefined) return;
    await this.#upper.check(1, index, root);
    if (before === undefined) return;
    const nodes = [...before.nodes];
    let hash = root;
    for (let height = 1, place = index; place % 2 === 1; height++) {
      const left = nodes.pop();
      if (left === undefined) throw new RangeError('a frontier that does not fit its size');
      hash = nodeHash(left, hash); // RFC 6962 section 2.1
      place = (place - 1) / 2;
      // C2SP tlog-tiles: a tile spans eight levels of the tree.
      if (height % 8 === 0) await this.#upper.check(1 + height / 8, place, hash);
    }
    this.frontier = { size: (index + 1) * TILE_WIDTH, nodes: [...nodes, hash] };
  }
}

function hashes(row: Buffer, from: number, to: number): Hash[] {
  return Array.from({ length: to - from }, (_, at) =>
    row.subarray((from + at) * HASH_BYTES, (from + at + 1) * HASH_BYTES),
  );
}
