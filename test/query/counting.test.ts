import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Summary } from '../../lib/contract/summary.ts';
import type { CountRequest } from '../../lib/query/counting.ts';
import type { Filters } from '../../lib/query/query.ts';
import { Tally } from '../../lib/question/tally.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { allRecords, append, index, isMatch, openQueries, START, someEvent, someFilters, TRAIL } from './fixture.ts';

/** Counts of what passes filters equal a recount, in one part or in many. */

const HOUR = 3_600_000;

/** All parts, put together as clients do. */
async function whole(
  table: MemoryTable,
  request: CountRequest,
  budget?: number,
): Promise<{ summary: Summary; parts: number }> {
  const queries = openQueries(table, budget === undefined ? {} : { budget });
  const first = await queries.summary(TRAIL, request);
  const { bucket, clock, tz } = first.histogram;
  const tally = new Tally({ bucket, clock, zone: tz, by: request.by });
  tally.addPart(first);
  let parts = 1;
  for (let part = first; part.more === true && part.cursor !== undefined; parts++) {
    part = await queries.summary(TRAIL, { ...request, bucket, cursor: part.cursor });
    tally.addPart(part);
  }
  return { summary: { ...first, ...tally.counts(10_000) }, parts };
}

async function filled(events: readonly object[]): Promise<MemoryTable> {
  const table = new MemoryTable();
  for (const [n, event] of events.entries()) await append(table, [event as never], START + n * 0.4 * HOUR);
  await index(table);
  return table;
}

describe('a count', () => {
  it('of what passes filters equals a recount', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(someEvent, { minLength: 1, maxLength: 25 }), someFilters, async (events, filters) => {
        const table = await filled(events);
        const { summary } = await whole(table, { filters, by: ['actor', 'context.tenant'], top: 10_000 });
        const found = (await allRecords(table))
          .filter(({ record }) => isMatch(record, { filters }))
          .map(({ record }) => record);
        expect(summary.total).toBe(found.length);
        const groups = new Map<string, number>();
        for (const { event } of found) {
          const key = JSON.stringify([event.actor?.id ?? null, event.context?.tenant ?? null]);
          groups.set(key, (groups.get(key) ?? 0) + 1);
        }
        expect(new Map(summary.groups?.rows.map(({ values, count }) => [JSON.stringify(values), count]))).toEqual(
          groups,
        );
        expect(summary.histogram.counts.reduce((sum, { count }) => sum + count, 0)).toBe(found.length);
      }),
      { numRuns: 40 },
    );
  });

  it('comes in parts where it takes long, which add up', async () => {
    const table = await filled(Array.from({ length: 60 }, (_, n) => ({ actor: { id: `u-${n % 7}` }, details: { n } })));
    const request = { filters: { where: ['details.n >= 10'] } satisfies Filters, by: ['actor'] };
    const { summary: once } = await whole(table, request);
    expect(once).toMatchObject({ total: 50, scanned: 60, more: false });
    expect(once).not.toHaveProperty('cursor');
    const { summary, parts } = await whole(table, request, 10);
    expect(parts).toBeGreaterThan(4);
    expect(summary).toMatchObject({ total: 50, by: once.by, groups: once.groups, histogram: once.histogram });
  });

  it('goes by hours and days of a time zone, and by either clock', async () => {
    const at = (hour: number) => new Date(START + hour * HOUR).toISOString();
    const table = await filled([{ time: at(-30) }, { time: at(-1) }, {}, { time: at(22) }, { time: at(23.5) }]);
    const zone = 'Europe/Berlin';
    const days = async (request: CountRequest) => {
      const { histogram } = await openQueries(table).summary(TRAIL, { bucket: 'day', ...request });
      return { ...histogram, counts: histogram.counts.map(({ from, count }) => [new Date(from).toISOString(), count]) };
    };
    expect(await days({ zone, clock: 'happened' })).toEqual({
      ...{ bucket: 'day', clock: 'happened', tz: zone, undated: 1 },
      counts: [
        ['2025-12-29T23:00:00.000Z', 1],
        ['2025-12-31T23:00:00.000Z', 2],
        ['2026-01-01T23:00:00.000Z', 1],
      ].map(([from, count], n) => (n === 1 ? [from, 2] : [from, count])),
    });
    // By the index's counts, which are of UTC.
    expect(await days({ zone: 'Pacific/Kiritimati' })).toEqual({
      ...{ bucket: 'day', tz: 'Pacific/Kiritimati' },
      counts: [['2025-12-31T10:00:00.000Z', 5]],
    });
    const { groups } = await openQueries(table).summary(TRAIL, { zone, by: ['day'] });
    expect(groups).toEqual({
      ...{ fields: ['day'], distinct: 1, others: 0 },
      rows: [{ values: ['2025-12-31T23:00:00.000Z'], count: 5 }],
    });
  });

  it('by time is in the order of time, else the most come first, and what is not listed is counted', async () => {
    const table = await filled(
      ['a', 'b', 'b', 'c', 'c', 'c', 'd'].map((tenant) => ({ context: { tenant }, details: { tags: ['x', tenant] } })),
    );
    const rows = async (by: string[], top = 100) => (await openQueries(table).summary(TRAIL, { by, top })).groups;
    expect(await rows(['tenant'], 2)).toEqual({
      ...{ fields: ['tenant'], distinct: 4, others: 2 },
      rows: [
        { values: ['c'], count: 3 },
        { values: ['b'], count: 2 },
      ],
    });
    expect((await rows(['hour', 'tenant']))?.rows.map(({ values }) => values[1])).toEqual(['b', 'a', 'c', 'c', 'd']);
    expect((await rows(['details.tags']))?.rows[0]).toEqual({ values: ['x'], count: 7 });
    expect((await rows(['project']))?.rows).toEqual([{ values: [null], count: 7 }]);
    await expect(rows(['tenants'])).rejects.toMatchObject({ code: 'invalid_parameter' });
  });
});
