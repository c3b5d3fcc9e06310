import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Query } from '../../lib/query/query.ts';
import { runs } from '../runs.ts';
import { allRecords, isMatch, openQueries, readAll, START, someFilters } from './fixture.ts';
import { BusyTable, type Deed, History, someHistory } from './history.ts';

/**
 * The promise: a query finds every acknowledged event that it asks for and no other, each once, whatever the indexer
 * has got to, whatever it was interrupted in, and however the trail grows while someone turns pages.
 */

const someQuestion = fc.record({
  filters: someFilters,
  from: fc.option(fc.integer({ min: -1, max: 20 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
  limit: fc.integer({ min: 1, max: 30 }),
  budget: fc.constantFrom(1, 40, 50_000),
});
type Question = typeof someQuestion extends fc.Arbitrary<infer T> ? T : never;

const queryOf = ({ filters, limit, from, to }: Question, order: Query['order']): Query => ({
  filters,
  order,
  limit,
  ...(from === undefined ? {} : { from: START + from * 600_000 }),
  ...(to === undefined ? {} : { to: START + to * 600_000 }),
});

/** What a scan of the first `size` records finds, oldest first. */
async function scan({ table }: History, query: Query, size: number | undefined): Promise<string[]> {
  const records = await allRecords(table);
  return records
    .slice(0, size)
    .filter(({ record }) => isMatch(record, query))
    .map(({ line }) => line);
}

/** What others do while pages are read: one piece after each page. */
const someGrowth = fc.array(someHistory(6), { maxLength: 6 });

describe('a query agrees with a scan of every record', () => {
  it('newest first, of the trail as it was when the first page was read', async () => {
    await fc.assert(
      fc.asyncProperty(someHistory(120), someQuestion, someGrowth, async (deeds, question, growth) => {
        const history = new History();
        await history.live(deeds);
        const query = queryOf(question, 'newest');
        const { length } = await allRecords(history.table);
        const queries = openQueries(history.table, { budget: question.budget });
        const { matches, sizes } = await readAll(queries, query, (page) => history.live(growth[page - 1] ?? []));
        expect(matches.map(({ line }) => line)).toEqual((await scan(history, query, length)).reverse());
        expect(new Set(sizes)).toEqual(new Set([length]));
        for (const { seq, line } of matches) expect(JSON.parse(line).seq).toBe(seq);
      }),
      runs(15),
    );
  });

  it('oldest first, up to the trail as it was when the last page was read', async () => {
    await fc.assert(
      fc.asyncProperty(someHistory(120), someQuestion, someGrowth, async (deeds, question, growth) => {
        const history = new History();
        await history.live(deeds);
        const query = queryOf(question, 'oldest');
        const queries = openQueries(history.table, { budget: question.budget });
        const { matches, sizes } = await readAll(queries, query, (page) => history.live(growth[page - 1] ?? []));
        expect(matches.map(({ line }) => line)).toEqual(await scan(history, query, sizes.at(-1)));
      }),
      runs(15),
    );
  });

  it('while events are appended, indexed and merged between any two of its reads', async () => {
    const someMeddling = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), someHistory(8)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        someHistory(120),
        someQuestion,
        someMeddling,
        fc.constantFrom('newest' as const, 'oldest' as const),
        async (deeds, question, meddling, order) => {
          const history = new History();
          await history.live(deeds);
          const query = queryOf(question, order);
          const queries = openQueries(new BusyTable(history.table, meddle(history, meddling)), question);
          const { matches, sizes } = await readAll(queries, query);
          const expected = await scan(history, query, order === 'newest' ? sizes[0] : sizes.at(-1));
          expect(matches.map(({ line }) => line)).toEqual(order === 'newest' ? expected.reverse() : expected);
        },
      ),
      runs(15),
    );
  });
});

/** Lets deeds happen after so many reads each; not while others are still under way. */
function meddle(history: History, meddling: readonly (readonly [number, Deed[]])[]): () => Promise<void> {
  const left = [...meddling];
  let reads = 0;
  let underWay: Promise<void> = Promise.resolve();
  return () => {
    const [next] = left;
    if (next !== undefined && reads++ >= next[0]) {
      reads = 0;
      left.shift();
      underWay = underWay.then(() => history.live(next[1]));
    }
    return underWay;
  };
}
