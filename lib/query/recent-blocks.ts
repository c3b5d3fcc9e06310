import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readArchived, readBlockAt } from '../ledger/blocks.ts';
import type { Block } from '../ledger/items/block.ts';
import type { OpenBlock } from '../ledger/items/stored-block.ts';
import type { Table } from '../store/ports.ts';

/** Bytes of events that are kept, and up to as much again for their lines. Blocks never change, so none is out of date. */
const KEPT_BYTES = 16_000_000;

/** Reads blocks by the number of their first record, and keeps those used last. */
export class RecentBlocks {
  readonly #table: Table;
  readonly #archive: ArchivedRecords | undefined;
  /** The one used longest ago comes first. */
  readonly #kept = new Map<string, { readonly block: Promise<OpenBlock | undefined>; bytes: number }>();
  #bytes = 0;

  constructor(table: Table, archive?: ArchivedRecords) {
    this.#table = table;
    this.#archive = archive;
  }

  /**
   * What holds certain records of a block: the block, or what the archive has of it once it has left the hot store.
   *
   * @throws as `readBlocks`
   */
  async read(trail: string, first: number, seqs: readonly number[]): Promise<readonly (Block | OpenBlock)[]> {
    const block = await this.#recent(trail, first);
    return block === undefined ? readArchived(this.#table, trail, seqs, this.#archive) : [block];
  }

  #recent(trail: string, first: number): Promise<OpenBlock | undefined> {
    const name = `${trail}/${first}`;
    const known = this.#kept.get(name);
    const entry = known ?? { block: readBlockAt(this.#table, trail, first), bytes: 0 };
    this.#kept.delete(name);
    this.#kept.set(name, entry);
    if (known === undefined) {
      entry.block.then(
        (block) => this.#keep(name, entry, block),
        () => {
          if (this.#kept.get(name) === entry) this.#kept.delete(name);
        },
      );
    }
    return entry.block;
  }

  #keep(name: string, entry: { bytes: number }, block: OpenBlock | undefined): void {
    if (this.#kept.get(name) !== entry) return;
    if (block === undefined) return void this.#kept.delete(name); // the archive's reader keeps what it has read
    entry.bytes = block.rawBytes;
    this.#bytes += entry.bytes;
    for (const [oldest, { bytes }] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES || oldest === name) return;
      this.#kept.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
