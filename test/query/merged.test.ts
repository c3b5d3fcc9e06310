import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Indexer } from '../../lib/followers/indexing/indexer.ts';
import type { Queries } from '../../lib/query/queries.ts';
import type { Query } from '../../lib/query/query.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { runs } from '../runs.ts';
import { filesOf } from '../support/index-files.ts';
import {
  allRecords,
  append,
  ask,
  isMatch,
  openQueries,
  type PlainRecord,
  START,
  someEvent,
  someFilters,
  type TestEvent,
} from './fixture.ts';

/** One query over several trails is the merge of what it finds in each. */

const TRAILS = ['orders', 'payments', 'shop-2'] as const;
const TIE = ['orders', 'payments'];

/** What happens to the trails. Clocks of those who append to different trails need not agree. */
type Deed =
  | { readonly trail: string; readonly events: readonly TestEvent[]; readonly skew: number }
  | { readonly trail: string; readonly index: true };

const someTrail = fc.constantFrom(...TRAILS);
const someDeeds = (maxLength: number): fc.Arbitrary<Deed[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          trail: someTrail,
          events: fc.array(someEvent, { minLength: 1, maxLength: 8 }),
          skew: fc.constantFrom(0, 0, 1, -3, 1000),
        }),
      },
      { weight: 1, arbitrary: fc.record({ trail: someTrail, index: fc.constant(true as const) }) },
    ),
    { maxLength, size: 'max' },
  );

class World {
  readonly table = new MemoryTable();
  #now = START;

  async live(deeds: readonly Deed[]): Promise<void> {
    for (const deed of deeds) {
      if ('index' in deed)
        await new Indexer({ table: this.table, files: filesOf(this.table) }).run(deed.trail, { force: true });
      else
        await append(
          this.table,
          deed.events,
          ++this.#now + deed.skew,
          this.#now % 3 === 0 ? 'other' : 'app',
          deed.trail,
        );
    }
  }

  /** What a scan of the first records of each trail finds, oldest first. */
  async scan(trails: readonly string[], query: Query, sizes: Readonly<Record<string, number>>) {
    const found: { line: string; record: PlainRecord; trail: string }[] = [];
    for (const trail of trails) {
      for (const { line, record } of (await allRecords(this.table, trail)).slice(0, sizes[trail])) {
        if (isMatch(record, query)) found.push({ line, record, trail });
      }
    }
    return found
      .sort(
        (a, b) =>
          a.record.receivedAt - b.record.receivedAt ||
          (a.trail < b.trail ? -1 : a.trail > b.trail ? 1 : a.record.seq - b.record.seq),
      )
      .map(({ line }) => line);
  }
}

async function readAll(
  queries: Queries,
  trails: readonly string[],
  query: Query,
  between: (page: number) => Promise<void> = async () => undefined,
) {
  const lines: string[] = [];
  const sizes: Readonly<Record<string, number>>[] = [];
  let next: Query | undefined = query;
  for (let pages = 1; next !== undefined; pages++) {
    if (pages > 5000) throw new Error('the pages do not end');
    const page = await queries.readPage(trails, next);
    expect(page.matches.length).toBeLessThanOrEqual(query.limit);
    lines.push(...page.matches.map(({ line }) => line));
    sizes.push(page.asOf);
    next = page.more && page.cursor !== undefined ? { ...query, cursor: page.cursor } : undefined;
    if (next !== undefined) await between(pages);
  }
  return { lines, sizes };
}

const someQuestion = fc.record({
  filters: someFilters,
  limit: fc.integer({ min: 1, max: 20 }),
  budget: fc.constantFrom(1, 30, 50_000),
  from: fc.option(fc.integer({ min: -3, max: 40 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 80 }), { nil: undefined }),
});
const queryOf = (question: typeof someQuestion extends fc.Arbitrary<infer T> ? T : never, order: Query['order']) => {
  const { filters, limit, from, to } = question;
  const period = {
    ...(from === undefined ? {} : { from: START + from }),
    ...(to === undefined ? {} : { to: START + to }),
  };
  return { filters, limit, order, ...period };
};

describe('a query of several trails agrees with a scan of all of them', () => {
  it('newest first, of the trails as they were when the first page was read', async () => {
    await fc.assert(
      fc.asyncProperty(
        someDeeds(60),
        someQuestion,
        fc.subarray([...TRAILS], { minLength: 1 }),
        fc.array(someDeeds(4), { maxLength: 5 }),
        async (deeds, question, trails, growth) => {
          const world = new World();
          await world.live(deeds);
          const query = queryOf(question, 'newest');
          const queries = openQueries(world.table, question);
          const { lines, sizes } = await readAll(queries, trails, query, (page) => world.live(growth[page - 1] ?? []));
          expect(lines).toEqual((await world.scan(trails, query, sizes[0] ?? {})).reverse());
          for (const size of sizes) expect(size).toEqual(sizes[0]);
        },
      ),
      runs(20),
    );
  });

  it('oldest first, each record once, up to the trails as they were when the last page was read', async () => {
    await fc.assert(
      fc.asyncProperty(
        someDeeds(60),
        someQuestion,
        fc.array(someDeeds(4), { maxLength: 5 }),
        async (deeds, question, growth) => {
          const world = new World();
          await world.live(deeds);
          const query = queryOf(question, 'oldest');
          const queries = openQueries(world.table, question);
          const { lines, sizes } = await readAll(queries, TRAILS, query, (page) => world.live(growth[page - 1] ?? []));
          const expected = await world.scan(TRAILS, query, sizes.at(-1) ?? {});
          // What comes late by the clock of another process cannot go before what was answered already.
          if (growth.length === 0) expect(lines).toEqual(expected);
          expect(lines.toSorted()).toEqual(expected.toSorted());
        },
      ),
      runs(20),
    );
  });
});

describe('a page of several trails', () => {
  const world = async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 6; n++) for (const trail of TRAILS) await append(table, [{}], START + n, 'app', trail);
    return { table, queries: openQueries(table) };
  };
  const places = (matches: readonly { line: string }[]) =>
    matches.map(({ line }) => {
      const { trail, seq } = JSON.parse(line);
      return `${trail} ${seq}`;
    });

  it('says how far it holds of each, whichever way they were named', async () => {
    const { queries } = await world();
    const page = await queries.readPage(['payments', 'nowhere', 'orders', 'payments'], ask({}, { limit: 3 }));
    expect(places(page.matches)).toEqual(['payments 5', 'orders 5', 'payments 4']);
    expect(page).toMatchObject({ asOf: { nowhere: 0, orders: 6, payments: 6 }, more: true });
    const { cursor = '' } = page;
    const next = await queries.readPage(['orders', 'nowhere', 'payments'], ask({}, { limit: 2, cursor }));
    expect(places(next.matches)).toEqual(['orders 4', 'payments 3']);
  });

  it('shows what is appended later, where it is read oldest first', async () => {
    const { table, queries } = await world();
    const end = await queries.readPage(TIE, ask({}, { order: 'oldest' }));
    expect(end.more).toBe(false);
    // By a clock that is behind: an earlier time than what was answered, and still not missed.
    await append(table, [{}], START + 5, 'app', 'orders');
    const { cursor = '' } = end;
    const later = await queries.readPage(TIE, ask({}, { order: 'oldest', cursor }));
    expect(places(later.matches)).toEqual(['orders 6']);
  });

  it('reaches no other trail, and no other question, with its cursor', async () => {
    const { queries } = await world();
    const { cursor = '' } = await queries.readPage(TIE, ask({}, { limit: 2 }));
    const refused = { code: 'invalid_cursor', field: 'cursor' };
    const mine = ask({}, { limit: 2, cursor });
    for (const trails of [['orders', 'shop-2'], TRAILS, ['orders']]) {
      await expect(queries.readPage(trails, mine)).rejects.toMatchObject(refused);
    }
    await expect(queries.page('orders', mine)).rejects.toMatchObject(refused);
    await expect(queries.readPage(TIE, { ...mine, filters: { actor: ['alice'] } })).rejects.toMatchObject(refused);
    await expect(queries.readPage(TIE, { ...mine, order: 'oldest' })).rejects.toMatchObject(refused);
  });

  it('costs about the same with many trails as with one', async () => {
    const table = new MemoryTable();
    const many = Array.from({ length: 20 }, (_, n) => `t-${n}`);
    for (const trail of many) {
      for (let n = 0; n < 10; n++) await append(table, new Array(20).fill({}), START + n, 'app', trail);
    }
    const before = table.faults.calls.length;
    await openQueries(table).readPage(many, ask({}, { limit: 100 }));
    // For each trail its head, twice, and a block or two.
    expect(table.faults.calls.length - before).toBeLessThan(5 * many.length);
  });
});
