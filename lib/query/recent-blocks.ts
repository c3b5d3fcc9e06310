import { LoadingCache } from '../base/loading-cache.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readArchived, readBlockAt } from '../ledger/blocks.ts';
import type { Block } from '../ledger/items/block.ts';
import type { OpenBlock } from '../ledger/items/stored-block.ts';
import type { Table } from '../store/ports.ts';

/** Bytes of events to cache, plus up to as much again for their lines. */
const KEPT_BYTES = 16_000_000;

/** Reads blocks by the number of their first record, and caches the most recently used. */
export class RecentBlocks {
  readonly #table: Table;
  readonly #archive: ArchivedRecords | undefined;
  /** Only blocks of the hot store: the archive's reader has its own cache. */
  readonly #kept = new LoadingCache<OpenBlock | undefined>(KEPT_BYTES, (block) => block?.rawBytes);

  constructor(table: Table, archive?: ArchivedRecords) {
    this.#table = table;
    this.#archive = archive;
  }

  /**
   * The block that holds certain records, or the archived parts of it once it has left the hot store.
   *
   * @throws as `readBlocks`
   */
  async read(trail: string, first: number, seqs: readonly number[]): Promise<readonly (Block | OpenBlock)[]> {
    const block = await this.#kept.get(`${trail}/${first}`, () => readBlockAt(this.#table, trail, first));
    return block === undefined ? readArchived(this.#table, trail, seqs, this.#archive) : [block];
  }
}
