import fc from 'fast-check';
import { Indexer } from '../../lib/followers/indexing/indexer.ts';
import type { Item, Key, Outcome, Range, Table, Write } from '../../lib/store/ports.ts';
import type { FaultEffect } from '../../lib/testing/memory/faults.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { besides, filesOf } from '../support/index-files.ts';
import { append, despite, START, someEvent, type TestEvent, TRAIL } from './fixture.ts';

/** What happens to a trail: events come in, and the indexer runs, or is cut short. */
export type Deed =
  | { readonly append: readonly TestEvent[]; readonly later: number; readonly submitter: string }
  | { readonly index: 'all' }
  | { readonly index: FaultEffect & string; readonly nth: number };

const someAppend: fc.Arbitrary<Deed> = fc.record({
  append: fc.array(someEvent, { minLength: 1, maxLength: 12 }),
  later: fc.constantFrom(0, 1, 1000, 1_800_000, 50_000_000),
  submitter: fc.constantFrom('app', 'other'),
});

const someIndexing: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ index: 'all' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      index: fc.constantFrom('unpersisted' as const, 'persisted' as const, 'cut_before' as const, 'cut_after' as const),
      nth: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

/** Up to so many deeds, often as many. */
export const someHistory = (maxLength: number): fc.Arbitrary<Deed[]> =>
  fc.array(fc.oneof({ weight: 2, arbitrary: someAppend }, { weight: 1, arbitrary: someIndexing }), {
    maxLength,
    size: 'max',
  });

/** A trail that goes through deeds. */
export class History {
  readonly table = new MemoryTable();
  #now = START;

  async live(deeds: readonly Deed[]): Promise<void> {
    for (const deed of deeds) {
      if ('append' in deed) {
        this.#now += deed.later;
        await append(this.table, deed.append, this.#now, deed.submitter);
      } else {
        // A process of its own, so that the fault ends with it.
        const process = this.table.restarted();
        if ('nth' in deed) process.faults.add({ effect: deed.index, nth: deed.nth });
        await despite(new Indexer({ table: process, files: filesOf(process) }).run(TRAIL, { force: true }));
      }
    }
  }
}

/** A Table that lets something happen before each read: whatever others may do while someone is reading. */
export class BusyTable implements Table {
  readonly #table: Table;
  readonly #before: (read: Key | Range) => Promise<void>;

  constructor(table: Table, before: (read: Key | Range) => Promise<void>) {
    besides(this, table);
    this.#table = table;
    this.#before = before;
  }

  async get(key: Key): Promise<Item | undefined> {
    await this.#before(key);
    return this.#table.get(key);
  }

  async *query(range: Range): AsyncIterable<Item> {
    await this.#before(range);
    yield* this.#table.query(range);
  }

  transact(writes: readonly Write[]): Promise<Outcome> {
    return this.#table.transact(writes);
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}
