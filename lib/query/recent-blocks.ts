import { type Block, loadBlock } from '../ledger/block.ts';
import { blockKey } from '../ledger/layout.ts';
import { SealtrailError } from '../log/error.ts';
import type { Table } from '../store/ports.ts';

/** Characters of record lines that are kept, about. Blocks never change, so they are never out of date. */
const KEPT_CHARACTERS = 32_000_000;

/** Reads blocks by the number of their first record, and keeps those used last. */
export class RecentBlocks {
  readonly #table: Table;
  /** The one used longest ago comes first. */
  readonly #kept = new Map<string, { readonly block: Promise<Block>; characters: number }>();
  #characters = 0;

  constructor(table: Table) {
    this.#table = table;
  }

  /** @throws `store_corrupt` when there is no such block, or it is damaged */
  read(trail: string, first: number): Promise<Block> {
    const name = `${trail}/${first}`;
    const known = this.#kept.get(name);
    const entry = known ?? { block: this.#load(trail, first), characters: 0 };
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

  async #load(trail: string, first: number): Promise<Block> {
    const item = await this.#table.get(blockKey(trail, first));
    if (item !== undefined) return loadBlock(this.#table, trail, item);
    throw new SealtrailError('store_corrupt', `record ${first} of trail ${trail} is missing from the ledger`);
  }

  #keep(name: string, entry: { characters: number }, block: Block): void {
    if (this.#kept.get(name) !== entry) return;
    entry.characters = block.lines.reduce((sum, line) => sum + line.length, 0);
    this.#characters += entry.characters;
    for (const [oldest, { characters }] of this.#kept) {
      if (this.#characters <= KEPT_CHARACTERS || oldest === name) return;
      this.#kept.delete(oldest);
      this.#characters -= characters;
    }
  }
}
