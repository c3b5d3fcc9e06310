import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Indexer } from '../../lib/followers/indexer.ts';
import type { FaultEffect } from '../../lib/store/memory/faults.ts';
import { MemoryTable } from '../../lib/store/memory/table.ts';
import {
  allRecords,
  append,
  despite,
  isMatch,
  openQueries,
  readAll,
  START,
  someEvent,
  someFilters,
  type TestEvent,
  TRAIL,
} from './fixture.ts';

/**
 * The promise: a query finds every acknowledged event that it asks for and no other, each once, whatever the indexer
 * has got to, whatever it was interrupted in, and however the trail grows while somebody turns pages.
 */

/** What happens to a trail. */
type Deed =
  | { readonly append: readonly TestEvent[]; readonly later: number; readonly submitter: string }
  | { readonly index: 'all' }
  | { readonly index: FaultEffect & string; readonly nth: number };

const someAppend: fc.Arbitrary<Deed> = fc.record({
  append: fc.array(someEvent, { minLength: 1, maxLength: 12 }),
  later: fc.constantFrom(0, 1, 1000, 1_800_000),
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
const someHistory = (length: number) =>
  fc.array(fc.oneof({ weight: 2, arbitrary: someAppend }, { weight: 1, arbitrary: someIndexing }), {
    maxLength: length,
    size: 'max',
  });

/** A trail as it goes through deeds. */
class History {
  readonly table = new MemoryTable();
  #now = START;

  async live(deeds: readonly Deed[]): Promise<void> {
    for (const deed of deeds) {
      if ('append' in deed) {
        this.#now += deed.later;
        await append(this.table, deed.append, this.#now, deed.submitter);
      } else {
        const process = this.table.restarted();
        if ('nth' in deed) process.faults.add({ effect: deed.index, nth: deed.nth });
        await despite(new Indexer({ table: process }).run(TRAIL, { force: true }));
      }
    }
  }
}

const someQuestion = fc.record({
  filters: someFilters,
  from: fc.option(fc.integer({ min: -1, max: 20 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 30 }),
  budget: fc.constantFrom(1, 40, 50_000),
});

const timesOf = ({ from, to }: { from: number | undefined; to: number | undefined }) => ({
  ...(from === undefined ? {} : { from: START + from * 600_000 }),
  ...(to === undefined ? {} : { to: START + to * 600_000 }),
});

describe('a query agrees with a scan of every record', () => {
  it('newest first, of the trail as it was when the first page was read', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistory(120),
        someQuestion,
        fc.array(someHistory(6), { maxLength: 6 }),
        async (deeds, question, growth) => {
          const history = new History();
          await history.live(deeds);
          const query = {
            filters: question.filters,
            ...timesOf(question),
            order: 'newest' as const,
            limit: question.limit,
          };
          const before = await allRecords(history.table);
          const expected = before
            .filter(({ record }) => isMatch(record, query))
            .map(({ line }) => line)
            .reverse();
          const queries = openQueries(history.table, { budget: question.budget });
          const { matches, sizes } = await readAll(queries, query, (page) => history.live(growth[page - 1] ?? []));
          expect(matches.map(({ line }) => line)).toEqual(expected);
          expect(new Set(sizes)).toEqual(new Set([before.length]));
          for (const { seq, line } of matches) expect(JSON.parse(line).seq).toBe(seq);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('oldest first, up to the trail as it was when the last page was read', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistory(120),
        someQuestion,
        fc.array(someHistory(6), { maxLength: 6 }),
        async (deeds, question, growth) => {
          const history = new History();
          await history.live(deeds);
          const query = {
            filters: question.filters,
            ...timesOf(question),
            order: 'oldest' as const,
            limit: question.limit,
          };
          const queries = openQueries(history.table, { budget: question.budget });
          const { matches, sizes } = await readAll(queries, query, (page) => history.live(growth[page - 1] ?? []));
          const all = (await allRecords(history.table)).slice(0, sizes.at(-1));
          expect(matches.map(({ line }) => line)).toEqual(
            all.filter(({ record }) => isMatch(record, query)).map(({ line }) => line),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});
