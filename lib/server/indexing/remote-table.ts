import { SealtrailError } from '../../log/error.ts';
import type { Item, Key, Outcome, Range, Table, TransactOptions, Write } from '../../store/ports.ts';
import type { Peer } from './calls.ts';

/** Items and bytes of a page, about: a page ends with the item that reaches one of them. */
const PAGE_ITEMS = 64;
const PAGE_BYTES = 1_000_000;

/** Items of a query, and under which number there are more. */
interface Page {
  readonly items: readonly Item[];
  readonly more?: number;
}

/** The calls that the thread with the table answers for another. */
export type TableCalls = {
  readonly get: (key: Key) => Promise<Item | undefined>;
  readonly query: (range: Range) => Promise<Page>;
  readonly more: (query: number) => Promise<Page>;
  /** A query whose other items are not wanted. */
  readonly leave: (query: number) => Promise<void>;
  readonly transact: (what: {
    readonly writes: readonly Write[];
    readonly options?: TransactOptions;
  }) => Promise<Outcome>;
};

/** Answers for a table to the thread that has a {@link RemoteTable}. */
export function tableCalls(table: Table): TableCalls {
  const open = new Map<number, AsyncIterator<Item>>();
  let next = 0;
  const page = async (query: number, items: AsyncIterator<Item>): Promise<Page> => {
    const found: Item[] = [];
    for (let bytes = 0; found.length < PAGE_ITEMS && bytes < PAGE_BYTES; ) {
      const { done, value } = await items.next();
      if (done === true) return { items: found };
      found.push(value);
      bytes += weightOf(value);
    }
    open.set(query, items);
    return { items: found, more: query };
  };
  const taken = (query: number): AsyncIterator<Item> => {
    const items = open.get(query);
    if (items === undefined) throw new RangeError(`there is no query ${query}`);
    open.delete(query);
    return items;
  };
  return {
    get: (key) => table.get(key),
    query: (range) => page(next++, table.query(range)[Symbol.asyncIterator]()),
    more: async (query) => page(query, taken(query)),
    leave: async (query) => void (await taken(query).return?.()),
    transact: ({ writes, options }) => table.transact(writes, options),
  };
}

/** Of its attributes, which is what weighs. */
function weightOf({ attributes }: Item): number {
  return Object.values(attributes).reduce<number>(
    (sum, value) => sum + (typeof value === 'number' ? 10 : value.length),
    0,
  );
}

/**
 * A table that another thread has open. What it acknowledges is as durable as there, and conditions are tested there: the file of a
 * database stays with one connection, which keeps other processes out.
 */
export class RemoteTable implements Table {
  readonly #owner: Pick<Peer<TableCalls>, 'call'>;
  readonly #underWay = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(owner: Pick<Peer<TableCalls>, 'call'>) {
    this.#owner = owner;
  }

  async get(key: Key): Promise<Item | undefined> {
    this.#checkOpen();
    return this.#owner.call('get', key);
  }

  async *query(range: Range): AsyncGenerator<Item, void, void> {
    this.#checkOpen();
    let page = await this.#owner.call('query', range);
    try {
      for (;;) {
        yield* page.items;
        if (page.more === undefined) return;
        this.#checkOpen();
        const { more } = page;
        page = { items: [] }; // it is taken, and nothing to leave
        page = await this.#owner.call('more', more);
      }
    } finally {
      if (page.more !== undefined) await this.#owner.call('leave', page.more);
    }
  }

  async transact(writes: readonly Write[], options?: TransactOptions): Promise<Outcome> {
    this.#checkOpen();
    const outcome = this.#owner.call('transact', { writes, ...(options && { options }) });
    this.#underWay.add(outcome);
    try {
      return await outcome;
    } finally {
      this.#underWay.delete(outcome);
    }
  }

  /** Waits for the transactions under way. The table itself stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#underWay);
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SealtrailError('unavailable', 'the table of another thread was closed here');
  }
}
