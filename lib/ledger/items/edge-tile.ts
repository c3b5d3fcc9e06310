import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES, type Hash } from '../../log/hash.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import type { Table, Write } from '../../store/ports.ts';
import { attributesOf, withFormat } from './format.ts';
import { openTileKey } from './layout.ts';

/**
 * The newest tile of a level that the archive does not hold yet, because it is not full: the archiver keeps it in the
 * Table, and moves it together with its watermark. All tiles of the level before `index` are in the archive.
 */
export interface OpenTile {
  /** 1 or higher: level 0 has none, since the ledger's records give its hashes. */
  readonly level: number;
  readonly index: number;
  /** At most 255. */
  readonly hashes: readonly Hash[];
}

/**
 * The open tile of a level; the first one, empty, where the level has no hash yet.
 *
 * @throws `store_corrupt` when the item cannot be one
 */
export async function readOpenTile(table: Table, trail: string, level: number): Promise<OpenTile> {
  const item = await table.get(openTileKey(trail, level));
  if (item === undefined) return { level, index: 0, hashes: [] };
  const { index, hashes } = attributesOf('edge tile', item);
  if (
    typeof index !== 'number' ||
    !(hashes instanceof Uint8Array) ||
    hashes.length % HASH_BYTES !== 0 ||
    hashes.length >= TILE_WIDTH * HASH_BYTES
  ) {
    throw new SealtrailError('store_corrupt', `the open tile of level ${level} in trail ${trail} is not readable`);
  }
  const split: Hash[] = [];
  for (let at = 0; at < hashes.length; at += HASH_BYTES) split.push(hashes.subarray(at, at + HASH_BYTES));
  return { level, index, hashes: split };
}

/** The write that stores an open tile. */
export function storeOpenTile(trail: string, { level, index, hashes }: OpenTile): Write {
  return {
    put: {
      ...openTileKey(trail, level),
      attributes: withFormat('edge tile', { index, hashes: Buffer.concat(hashes) }),
    },
  };
}
