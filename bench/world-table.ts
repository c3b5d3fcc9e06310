import { buildBlock } from '../lib/ledger/items/block.ts';
import { emptyHead, swapHead } from '../lib/ledger/items/head.ts';
import { blockKey, blockPartition } from '../lib/ledger/items/layout.ts';
import { packBody, storeBlock } from '../lib/ledger/items/stored-block.ts';
import { ZERO_HASH } from '../lib/log/hash.ts';
import type { Item, Key, Range, Table, Write } from '../lib/store/ports.ts';
import { MemoryTable } from '../lib/testing/memory/table.ts';
import { BLOCK, receivedAt, TRAIL, World } from './query.ts';

/**
 * A Table whose trail has any number of records: a block is made when it is first read, and kept. Blocks are whole and fit their
 * hashes, but each begins a chain of its own, and the head's tree is made up: for queries, which ask for neither.
 */
export class WorldTable implements Table {
  readonly #inner = new MemoryTable();
  readonly #events: number;
  readonly #world: World;
  readonly #made = new Map<number, Promise<Item>>();

  private constructor(events: number) {
    this.#events = events;
    this.#world = new World(events);
  }

  /** @param events a multiple of a block's records */
  static async create(events: number): Promise<WorldTable> {
    const table = new WorldTable(events);
    const ones = [...events.toString(2)].filter((bit) => bit === '1').length;
    const frontier = { size: events, nodes: Array.from({ length: ones }, () => ZERO_HASH) };
    const head = { ...emptyHead(TRAIL), size: events, frontier, receivedAt: receivedAt(events - 1, events) };
    await table.transact([swapHead(emptyHead(TRAIL), head)]);
    return table;
  }

  async get(key: Key): Promise<Item | undefined> {
    if (key.partition !== blockPartition(TRAIL)) return this.#inner.get(key);
    const first = Number(key.sort);
    return first < this.#events && first % BLOCK === 0 ? this.#block(first) : undefined;
  }

  async *query(range: Range): AsyncIterable<Item> {
    if (range.partition !== blockPartition(TRAIL)) {
      yield* this.#inner.query(range);
      return;
    }
    const from = Math.ceil(Number(range.from ?? 0) / BLOCK);
    const to = Math.floor(Math.min(this.#events - 1, Number(range.to ?? this.#events)) / BLOCK);
    const count = Math.min(to - from + 1, range.limit ?? Number.POSITIVE_INFINITY);
    for (let n = 0; n < count; n++) yield await this.#block(BLOCK * (range.order === 'descending' ? to - n : from + n));
  }

  transact(writes: readonly Write[]) {
    return this.#inner.transact(writes);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  #block(first: number): Promise<Item> {
    const made = this.#made.get(first) ?? this.#make(first);
    this.#made.set(first, made);
    return made;
  }

  async #make(first: number): Promise<Item> {
    const events = Array.from({ length: BLOCK }, (_, n) => this.#world.event(first + n).json);
    const runs = [{ submitter: 'bench', events }];
    const start = { trail: TRAIL, first, prev: ZERO_HASH, receivedAt: receivedAt(first, this.#events) };
    const [write] = storeBlock(buildBlock(start, runs), await packBody(runs), { commit: 'bench' });
    if (write === undefined || !('put' in write)) throw new RangeError('a block is put');
    return { ...blockKey(TRAIL, first), attributes: write.put.attributes };
  }
}
