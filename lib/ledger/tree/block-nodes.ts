import { SealtrailError } from '../../log/error.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../log/frontier.ts';
import type { Hash } from '../../log/hash.ts';
import type { NodeReader } from '../../log/tree.ts';
import type { Block, RecordRange } from '../items/block.ts';
import type { Head } from '../items/head.ts';

/** The sources of tree nodes. */
export interface LeafSource {
  head(trail: string): Promise<Head | undefined>;
  blocks(trail: string, range: RecordRange): AsyncIterable<Block>;
}

/**
 * Tree nodes out of the ledger alone, from every leaf of the trail: right at any size, slow on a long trail. What runs
 * beside an archive uses the archive's tiles instead.
 */
export function blockNodes(source: LeafSource, trail: string): NodeReader {
  return async (ids) => {
    const size = (await source.head(trail))?.size ?? 0;
    const leaves: Hash[] = [];
    for await (const block of source.blocks(trail, { from: 0, to: size })) leaves.push(...block.leaves);
    const growth = appendLeaves(EMPTY_FRONTIER, leaves);
    return ids.map(({ level, index }) => {
      const hash = growth.node({ level, index });
      if (hash === undefined)
        throw new SealtrailError('store_corrupt', `trail ${trail} has no tree node ${level}/${index}`);
      return hash;
    });
  };
}
