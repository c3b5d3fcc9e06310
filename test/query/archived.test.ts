import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBlocks } from '../../lib/ledger/blocks.ts';
import { Queries } from '../../lib/query/queries.ts';
import { runs } from '../runs.ts';
import { filesOf } from '../support/index-files.ts';
import { archivedHistory, expendable, expire, someTrail } from './archived-history.ts';
import { allRecords, ask, index, isMatch, readAll, SECRET, START, someFilters, TRAIL } from './fixture.ts';

/**
 * The promise: whichever blocks have left the hot store, every answer is the one that it was before, and says how much of
 * it came from where.
 */

const someQuestion = fc.record({
  filters: someFilters,
  from: fc.option(fc.integer({ min: -1, max: 40 }), { nil: undefined }),
  to: fc.option(fc.integer({ min: 0, max: 60 }), { nil: undefined }),
  limit: fc.integer({ min: 20, max: 1000 }),
  order: fc.constantFrom('newest' as const, 'oldest' as const),
});
/** Which of the blocks that may go have gone, by turns. */
const someGone = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });

describe('with blocks gone at random places', () => {
  it('a query, its pages and its sources agree with a scan of every record', async () => {
    await fc.assert(
      fc.asyncProperty(someTrail, someQuestion, someGone, async (trail, question, gone) => {
        const { table, archive } = await archivedHistory(trail);
        const before = await allRecords(table);
        const expired = (await expendable(table, archive)).filter((_, n) => gone[n % gone.length]);
        await expire(table, expired);
        const isGone = (seq: number) =>
          expired.some(
            ({ attributes: { first, count } }) => seq >= Number(first) && seq < Number(first) + Number(count),
          );
        const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
        const query = ask(question.filters, {
          limit: question.limit,
          order: question.order,
          ...(question.from === undefined ? {} : { from: START + question.from * 600_000 }),
          ...(question.to === undefined ? {} : { to: START + question.to * 600_000 }),
        });
        const { matches } = await readAll(queries, query);
        const expected = before.filter(({ record }) => isMatch(record, query)).map(({ line }) => line);
        expect(matches.map(({ line }) => line)).toEqual(query.order === 'newest' ? expected.reverse() : expected);
        for (const { seq, archived = false } of matches) expect([seq, archived]).toEqual([seq, isGone(seq)]);
      }),
      runs(6),
    );
  });

  it('every range of records reads the same, upwards and downwards', async () => {
    const someRange = fc.tuple(fc.nat(3000), fc.nat(3000));
    await fc.assert(
      fc.asyncProperty(
        someTrail,
        fc.array(someRange, { minLength: 3, maxLength: 6 }),
        someGone,
        async (trail, ranges, gone) => {
          const { table, archive } = await archivedHistory(trail);
          const before = (await allRecords(table)).map(({ line }) => line);
          await expire(
            table,
            (await expendable(table, archive)).filter((_, n) => gone[n % gone.length]),
          );
          for (const [a, b] of ranges) {
            const [from, to] = [Math.min(a, b), Math.max(a, b)];
            for (const order of ['ascending', 'descending'] as const) {
              const found: string[] = [];
              for await (const block of readBlocks(table, TRAIL, { from, to, order }, archive)) {
                const lines = block.lines.filter((_, n) => block.first + n >= from && block.first + n < to);
                found.push(...(order === 'ascending' ? lines : lines.toReversed()));
              }
              const expected = before.slice(from, to);
              expect(found).toEqual(order === 'ascending' ? expected : expected.reverse());
            }
          }
        },
      ),
      runs(4),
    );
  });

  it('summaries are the same', async () => {
    await fc.assert(
      fc.asyncProperty(someTrail, someGone, fc.nat(40), async (trail, gone, hours) => {
        const { table, archive } = await archivedHistory(trail);
        const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
        const period = { from: START + 1_234_567, to: START + hours * 1_800_000 + 1_234_568 };
        const before = [await queries.summary(TRAIL), await queries.summary(TRAIL, period)];
        await expire(
          table,
          (await expendable(table, archive)).filter((_, n) => gone[n % gone.length]),
        );
        expect([await queries.summary(TRAIL), await queries.summary(TRAIL, period)]).toEqual(before);
      }),
      runs(4),
    );
  });
});

describe('when the archive is not what was sealed', () => {
  const trail = {
    sizes: [200, 56, 300, 30],
    events: [{ actor: { id: 'alice' } }, { actor: { id: 'bob' } }],
    later: [1000],
    indexedAfter: 3,
  };
  const FIRST = `${TRAIL}/tile/entries/000`;

  it.each([
    ['a letter is changed', (bytes: Uint8Array) => bytes.with(40, (bytes[40] ?? 0) ^ 1)],
    ['a record is missing', (bytes: Uint8Array) => bytes.subarray(2 + ((bytes[0] ?? 0) << 8) + (bytes[1] ?? 0))],
    ['it ends early', (bytes: Uint8Array) => bytes.subarray(0, -1)],
    ['it is empty', () => new Uint8Array(0)],
    ['it is gone', () => undefined],
  ])('a bundle of which %s is an error that names it, and no shorter answer', async (_, change) => {
    const { table, objects, archive } = await archivedHistory(trail);
    await expire(table, await expendable(table, archive));
    const bytes = await objects.get(FIRST);
    objects.tamper(FIRST, change(bytes ?? new Uint8Array(0)));
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
    const damaged = { code: 'archive_damaged', message: expect.stringContaining(FIRST) };
    for (const filters of [{}, { actor: ['alice'] }]) {
      await expect(readAll(queries, ask(filters))).rejects.toMatchObject(damaged);
    }
    // What does not need it is answered.
    const { matches } = await queries.page(TRAIL, ask({}, { limit: 10 }));
    expect(matches).toHaveLength(10);
  });

  it('bundles that were exchanged are not taken for one another', async () => {
    const { table, objects, archive } = await archivedHistory(trail);
    await expire(table, await expendable(table, archive));
    objects.tamper(FIRST, await objects.get(`${TRAIL}/tile/entries/001`));
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
    await expect(queries.summary(TRAIL, { from: 0, to: START + 1500 })).rejects.toMatchObject({
      code: 'archive_damaged',
      message: `${FIRST} does not hold the records that were sealed`,
    });
  });

  it('a block that is gone before the archive has it is missing, no matter who asks', async () => {
    const { table, archive } = await archivedHistory(trail);
    const [newest] = (await Array.fromAsync(table.query({ partition: `block/${TRAIL}`, order: 'descending' }))).slice(
      0,
      1,
    );
    if (newest !== undefined) await expire(table, [newest]);
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
    await expect(readAll(queries, ask())).rejects.toMatchObject({
      code: 'store_corrupt',
      message: `record 556 of trail ${TRAIL} is missing from the ledger`,
    });
  });

  it('who may not read the archive is told that the records are there', async () => {
    const { table, archive } = await archivedHistory(trail);
    await index(table);
    await expire(table, await expendable(table, archive));
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET });
    await expect(readAll(queries, ask({ actor: ['alice'] }))).rejects.toMatchObject({ code: 'records_archived' });
  });
});

describe('reading the archive', () => {
  it('fetches each bundle once for a page of scattered records, and not more than a few at a time', async () => {
    const { table, objects, archive } = await archivedHistory({
      sizes: Array.from({ length: 24 }, () => 256),
      events: Array.from({ length: 256 }, (_, n) => ({ actor: { id: n === 100 ? 'rare' : 'often' } })),
      later: [1000],
      indexedAfter: 23,
    });
    await expire(table, await expendable(table, archive));
    const fetched: string[] = [];
    const get = objects.get.bind(objects);
    let [underWay, most] = [0, 0];
    objects.get = async (key) => {
      fetched.push(key);
      most = Math.max(most, ++underWay);
      const bytes = await get(key);
      await new Promise(setImmediate);
      underWay -= 1;
      return bytes;
    };
    const queries = new Queries({ table, files: filesOf(table), secret: SECRET, archive });
    const page = await queries.page(TRAIL, ask({ actor: ['rare'] }));
    expect(page.sources).toEqual({ hot: 0, archive: 24 });
    expect(fetched.filter((key) => key.includes('/entries/'))).toHaveLength(24);
    expect(most).toBeLessThanOrEqual(16);
    expect(await queries.page(TRAIL, ask({ actor: ['rare'] }))).toEqual(page);
    expect(new Set(fetched).size).toBe(fetched.length);
  });
});
