import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Activity } from '../../lib/contract/summary.ts';
import type { Period } from '../../lib/query/query.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { runs } from '../runs.ts';
import { allRecords, append, index, openQueries, type PlainRecord, START, TRAIL } from './fixture.ts';
import { BusyTable, History, someHistory } from './history.ts';

/** What an actor did is counted by the index where that is exact, and equals a recount wherever the indexer is. */

/** What a recount of records gives, in a form that is easy to compare. */
function recount(records: readonly PlainRecord[], actor: string, { from = 0, to = Number.POSITIVE_INFINITY }: Period) {
  const own = records.filter(
    ({ event, receivedAt }) => event.actor?.id === actor && receivedAt >= from && receivedAt < to,
  );
  const counts = (values: readonly (string | undefined)[]): Record<string, number> => {
    const by: Record<string, number> = {};
    for (const value of values) if (value !== undefined) by[value] = (by[value] ?? 0) + 1;
    return by;
  };
  return {
    total: own.length,
    byType: counts(own.map(({ event }) => event.type)),
    byOutcome: counts(own.map(({ event }) => event.outcome)),
    last: own.at(-1)?.seq,
  };
}

function plain({ total, byType, byOutcome, last }: Activity) {
  const counts = ({ values }: Activity['byType']) =>
    Object.fromEntries(values.map(({ value, count }) => [value, count]));
  return { total, byType: counts(byType), byOutcome: counts(byOutcome), last: last?.seq };
}

const someMoment = fc.option(
  fc
    .tuple(fc.integer({ min: -3, max: 24 * 20 }), fc.constantFrom(0, 0, 1, 1_800_000))
    .map(([hours, ms]) => START + hours * 3_600_000 + ms),
  { nil: undefined },
);
const somePeriod = fc.tuple(someMoment, someMoment).map(([a, b]): Period => {
  const [from, to] = a !== undefined && b !== undefined && a > b ? [b, a] : [a, b];
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
});
const someActor = fc.constantFrom('alice', 'bob', 'nobody');

const plainRecords = async (table: MemoryTable) => (await allRecords(table)).map(({ record }) => record);

describe('the activity of an actor equals a recount', () => {
  it('over any period, in any state of the index', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistory(150),
        fc.array(fc.tuple(someActor, somePeriod), { minLength: 5, maxLength: 5 }),
        async (deeds, asked) => {
          const history = new History();
          await history.live(deeds);
          const records = await plainRecords(history.table);
          const queries = openQueries(history.table);
          for (const [actor, period] of asked) {
            expect(plain(await queries.activity(TRAIL, actor, period))).toEqual(recount(records, actor, period));
          }
        },
      ),
      runs(15),
    );
  });

  it('while events are appended, indexed and merged between any two of its reads', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistory(150),
        fc.array(someHistory(10), { maxLength: 10 }),
        someActor,
        somePeriod,
        async (deeds, meddling, actor, period) => {
          const history = new History();
          await history.live(deeds);
          const before = (await plainRecords(history.table)).length;
          const left = [...meddling];
          let reads = 0;
          const busy = new BusyTable(history.table, () =>
            reads++ % 3 === 0 ? history.live(left.shift() ?? []) : Promise.resolve(),
          );
          const activity = plain(await openQueries(busy).activity(TRAIL, actor, period));
          const records = await plainRecords(history.table);
          const sizes = Array.from({ length: records.length - before + 1 }, (_, more) => before + more);
          expect(sizes.map((size) => recount(records.slice(0, size), actor, period))).toContainEqual(activity);
        },
      ),
      runs(15),
    );
  });

  it('where a merge takes away what was about to be counted', async () => {
    const table = new MemoryTable();
    const sixteen = Array.from({ length: 16 }, () => ({ actor: { id: 'alice' } }));
    for (let n = 0; n < 16 + 15; n++) {
      await append(table, sixteen, START + n);
      await index(table);
    }
    // One run of 256 records and fifteen of sixteen, which the next one completes.
    let isMerged = false;
    const busy = new BusyTable(table, async (read) => {
      if (isMerged || !('sort' in read) || read.sort !== 'indexer') return;
      isMerged = true;
      await append(table, sixteen, START + 99);
      await index(table);
    });
    const activity = await openQueries(busy).activity(TRAIL, 'alice', { to: START + 50 });
    expect(isMerged).toBe(true);
    expect(activity.total).toBe(16 * 31);
  });
});

describe('the activity of someone who did much', () => {
  it('reads only what the index has not counted: the newest record, the rest of hours, and what came since', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 400; n++) {
      const event = { actor: { id: n % 2 === 0 ? 'alice' : 'bob' }, type: `app.step-${n % 3}`, outcome: 'success' };
      await append(table, [event, event], START + n * 60_000);
    }
    await index(table);
    await append(table, [{ actor: { id: 'alice' } }], START + 400 * 60_000);
    const get = vi.spyOn(table, 'get');
    const query = vi.spyOn(table, 'query');
    const period = { from: START + 30 * 60_000 };
    const activity = await openQueries(table).activity(TRAIL, 'alice', period);
    const gets = get.mock.calls.filter(([{ partition }]) => partition.startsWith('block/'));
    const scans = query.mock.calls.filter(
      ([{ partition, limit }]) => partition.startsWith('block/') && limit === undefined,
    );
    // Of the first hour half is asked for: alice's 15 blocks in it. 170 others are hers, too.
    expect(gets.length + scans.length).toBeLessThan(20);
    expect(plain(activity)).toEqual(recount(await plainRecords(table), 'alice', period));
  });
});
