import { describe, expect, it } from 'vitest';
import type { Filters } from '../../lib/query/query.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { append, index, openQueries, START, TRAIL } from './fixture.ts';

/** Every reason for an empty answer, indexed or not. */

const HOUR = 3_600_000;

async function filled(isIndexed: boolean): Promise<MemoryTable> {
  const table = new MemoryTable();
  await append(table, [{ actor: { id: 'alice' }, context: { tenant: 'acme' } }], START);
  await append(table, [{ actor: { id: 'bob@example.com' } }], START + 5 * HOUR);
  if (isIndexed) await index(table);
  return table;
}

describe.each([true, false])('an empty answer (indexed: %s)', (isIndexed) => {
  const why = async (filters: Filters, rest: object = {}) => {
    const queries = openQueries(await filled(isIndexed), { masks: true });
    expect((await queries.summary(TRAIL, { filters, ...rest })).total).toBe(0);
    return queries.absence(TRAIL, { filters, ...rest });
  };
  const known = { trail: TRAIL, size: 2, first: START, newest: START + 5 * HOUR };

  it('is of a period before, after or between the records, or of numbers that there are not', async () => {
    expect(await why({}, { to: START })).toEqual([{ reason: 'period_before', ...known }]);
    expect(await why({}, { from: START + 6 * HOUR })).toEqual([{ reason: 'period_after', ...known }]);
    expect(await why({}, { from: START + HOUR, to: START + 2 * HOUR })).toEqual([{ reason: 'period_empty', ...known }]);
    expect(await why({}, { seqs: { from: 7, to: 9 } })).toEqual([{ reason: 'period_empty', ...known }]);
  });

  it('is of a value that no record has, with those that look alike', async () => {
    expect(await why({ actor: ['alcie'] })).toEqual([
      { reason: 'no_such_value', ...known, filter: 'actor', value: 'alcie', near: ['alice'] },
    ]);
    expect(await why({ actor: ['alice'], project: ['p'], tenant: ['acmee'] })).toEqual([
      { reason: 'no_such_value', ...known, filter: 'tenant', value: 'acmee', near: ['acme'] },
      { reason: 'no_such_value', ...known, filter: 'project', value: 'p' },
    ]);
    // Also where the period is empty: the name is the mistake.
    expect(await why({ actor: ['alcie'] }, { to: START })).toMatchObject([{ reason: 'no_such_value' }]);
  });

  it('is of values that are there, and not together or not then', async () => {
    expect(await why({ actor: ['bob@example.com'], tenant: ['acme'] })).toEqual([{ reason: 'none_passes', ...known }]);
    expect(await why({ actor: ['alice'] }, { from: START + HOUR })).toEqual([{ reason: 'none_passes', ...known }]);
    expect(await why({ actor: ['z*'] })).toEqual([{ reason: 'none_passes', ...known }]);
    expect(await why({ where: ['details.n = 1'], notActor: ['*'] })).toEqual([{ reason: 'none_passes', ...known }]);
  });

  it('is of a trail without records', async () => {
    const queries = openQueries(await filled(isIndexed));
    expect(await queries.absence('ordres', { filters: { actor: ['alice'] } })).toEqual([
      { reason: 'no_trail', trail: 'ordres', size: 0 },
    ]);
  });
});
