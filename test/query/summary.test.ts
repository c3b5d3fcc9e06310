import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../../lib/contract/summary.ts';
import { BUCKETS, type Bucket, COUNTED, type Counted } from '../../lib/contract/summary.ts';
import type { Period } from '../../lib/query/query.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { runs } from '../runs.ts';
import { filesOf } from '../support/index-files.ts';
import { allRecords, append, index, openQueries, type PlainRecord, START, TRAIL } from './fixture.ts';
import { BusyTable, History, someHistory } from './history.ts';

/** A summary is exact: it equals a recount of the records, however long the period and wherever the indexer is. */

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const EVERYTHING = { top: Number.MAX_SAFE_INTEGER };

const valueIn: Readonly<Record<Counted, (record: PlainRecord) => string | undefined>> = {
  type: ({ event }) => event.type,
  outcome: ({ event }) => event.outcome,
  severity: ({ event }) => event.severity,
  actor: ({ event }) => event.actor?.id,
  resourceType: ({ event }) => event.resource?.type,
  tenant: ({ event }) => event.context?.tenant,
};

/** What a recount of records gives, in a form that is easy to compare. */
function recount(records: readonly PlainRecord[], { from = 0, to = Number.POSITIVE_INFINITY }: Period, bucket: Bucket) {
  const within = records.filter(({ receivedAt }) => receivedAt >= from && receivedAt < to);
  const histogram: Record<number, number> = {};
  const by: Record<string, Record<string, number>> = {};
  for (const record of within) {
    const start = Math.floor(record.receivedAt / BUCKET_MS[bucket]) * BUCKET_MS[bucket];
    histogram[start] = (histogram[start] ?? 0) + 1;
    for (const dimension of COUNTED) {
      const value = valueIn[dimension](record);
      if (value === undefined) continue;
      const counts = by[dimension] ?? {};
      by[dimension] = counts;
      counts[value] = (counts[value] ?? 0) + 1;
    }
  }
  return { total: within.length, by, histogram };
}

function plain({ total, by, histogram }: Summary) {
  const counts = COUNTED.map((dimension) => {
    const { values, distinct, others } = by[dimension];
    expect([distinct, others]).toEqual([values.length, 0]);
    return [dimension, Object.fromEntries(values.map(({ value, count }) => [value, count]))] as const;
  });
  return {
    total,
    by: Object.fromEntries(counts.filter(([, values]) => Object.keys(values).length > 0)),
    histogram: Object.fromEntries(histogram.counts.map(({ from, count }) => [from, count])),
  };
}

/** Moments on and off the hour and the day, before, within and after what the histories span. */
const someMoment = fc.option(
  fc
    .tuple(fc.integer({ min: -30, max: 24 * 40 }), fc.constantFrom(0, 0, 1, 1_800_000))
    .map(([h, ms]) => START + h * 3_600_000 + ms),
  { nil: undefined },
);
const somePeriod = fc.tuple(someMoment, someMoment).map(([a, b]): Period => {
  const [from, to] = a !== undefined && b !== undefined && a > b ? [b, a] : [a, b];
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
});
// Minutes of several years are refused: see below.
const someBucket = fc.constantFrom(...BUCKETS.filter((bucket) => bucket !== 'minute'));

const plainRecords = async (history: History) => (await allRecords(history.table)).map(({ record }) => record);

describe('a summary equals a recount', () => {
  it('of any period, in any state of the index', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistory(150),
        fc.array(somePeriod, { minLength: 5, maxLength: 5 }),
        someBucket,
        async (deeds, periods, bucket) => {
          const history = new History();
          await history.live(deeds);
          const records = await plainRecords(history);
          const queries = openQueries(history.table);
          for (const period of periods) {
            const summary = await queries.summary(TRAIL, { ...period, bucket, ...EVERYTHING });
            expect(plain(summary)).toEqual(recount(records, period, bucket));
            expect(summary).toMatchObject({ asOf: records.length, ...period });
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
        somePeriod,
        async (deeds, meddling, period) => {
          const history = new History();
          await history.live(deeds);
          const left = [...meddling];
          let reads = 0;
          const busy = new BusyTable(history.table, () =>
            reads++ % 3 === 0 ? history.live(left.shift() ?? []) : Promise.resolve(),
          );
          const summary = await openQueries(busy).summary(TRAIL, { ...period, bucket: 'day', ...EVERYTHING });
          const records = (await plainRecords(history)).slice(0, summary.asOf);
          expect(plain(summary)).toEqual(recount(records, period, 'day'));
        },
      ),
      runs(15),
    );
  });

  it('by minutes, which the counts of hours keep', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 40; n++) await append(table, [{}, {}], START + n * 45_000);
    await index(table);
    const { histogram } = await openQueries(table).summary(TRAIL, { bucket: 'minute' });
    expect(histogram.counts).toHaveLength(30);
    expect(histogram.counts.slice(0, 4).map(({ from, count }) => [from - START, count])).toEqual([
      [0, 4],
      [60_000, 2],
      [120_000, 2],
      [180_000, 4],
    ]);
  });

  it('of many actors, whose counts are split over items and listed no further than asked for', async () => {
    const table = new MemoryTable();
    const actors = Array.from({ length: 3000 }, (_, n) => `someone-with-a-long-name-${n}`);
    for (const half of [actors, actors.slice(0, 1500)]) {
      for (let n = 0; n < half.length; n += 500) {
        await append(
          table,
          half.slice(n, n + 500).map((id) => ({ actor: { id } })),
        );
      }
      await index(table);
    }
    const summary = await openQueries(table).summary(TRAIL, { top: 2 });
    expect(summary.total).toBe(4500);
    expect(summary.by.actor).toEqual({
      values: [
        { value: 'someone-with-a-long-name-0', count: 2 },
        { value: 'someone-with-a-long-name-1', count: 2 },
      ],
      distinct: 3000,
      others: 4496,
    });
  });
});

describe('a summary', () => {
  it('of a trail that does not exist is one of nothing', async () => {
    const summary = await openQueries(new MemoryTable()).summary('nowhere');
    expect(summary).toMatchObject({ total: 0, asOf: 0, histogram: { counts: [] } });
    expect(summary.by.actor).toEqual({ values: [], distinct: 0, others: 0 });
  });

  it('chooses minutes, hours or days by the length of the period', async () => {
    const table = new MemoryTable();
    const chosen = async (request: Period = {}) => (await openQueries(table).summary(TRAIL, request)).histogram.bucket;
    await append(table, [{}], START);
    expect(await chosen()).toBe('minute');
    await append(table, [{}], START + 4 * 3_600_000);
    expect(await chosen()).toBe('hour');
    await append(table, [{}], START + 8 * 86_400_000);
    expect(await chosen()).toBe('day');
    expect(await chosen({ from: START + 7 * 86_400_000, to: START + 9 * 86_400_000 })).toBe('hour');
    expect(await chosen({ from: START + 8 * 86_400_000 })).toBe('minute');
  });

  it('refuses a histogram of too many buckets, and says what to do', async () => {
    const table = new MemoryTable();
    await append(table, [{}], START);
    await append(table, [{}], START + 15 * 86_400_000);
    await expect(openQueries(table).summary(TRAIL, { bucket: 'minute' })).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'bucket',
      message: 'bucket: the period has more than 20160 minutes: choose a longer one, or a shorter period',
    });
  });

  it('fails rather than count from a file that was changed, and counts anew without one', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 3; n++) await append(table, [{}]);
    await index(table);
    const { files } = filesOf(table);
    const [[key = '', bytes = new Uint8Array(0)] = []] = [...files];
    files.set(
      key,
      bytes.map((byte) => byte ^ 1),
    );
    await expect(openQueries(table).summary(TRAIL)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: expect.stringContaining('a file of the query index'),
    });
    files.clear();
    expect((await openQueries(table).summary(TRAIL)).total).toBe(3);
  });
});
