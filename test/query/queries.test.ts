import { describe, expect, it, vi } from 'vitest';
import { Indexer } from '../../lib/followers/indexing/indexer.ts';
import { readIndexSnapshot } from '../../lib/index/format/index-state.ts';
import type { Query } from '../../lib/query/query.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { besides, filesOf } from '../support/index-files.ts';
import { append, ask, index, openQueries, readAll, START, type TestEvent, TRAIL } from './fixture.ts';
import { BusyTable } from './history.ts';

/** Blocks of one event each, indexed one by one where `each` says so. */
async function fill(table: MemoryTable, events: readonly TestEvent[], each: 'indexed' | 'not indexed' = 'not indexed') {
  for (const [n, event] of events.entries()) {
    await append(table, [event], START + n);
    if (each === 'indexed') await index(table);
  }
}

const times = (count: number, event: TestEvent): TestEvent[] => new Array(count).fill(event);
const alice = { actor: { id: 'alice' } };

describe('a page', () => {
  it('has what was asked for, the trail’s size, and where to go on', async () => {
    const table = new MemoryTable();
    await fill(table, [alice, {}, alice, alice]);
    const queries = openQueries(table);
    const first = await queries.page(TRAIL, ask({ actor: ['alice'] }, { limit: 2 }));
    expect(first).toMatchObject({ asOf: 4, more: true, cursor: expect.any(String) });
    expect(first.matches.map(({ seq }) => seq)).toEqual([3, 2]);
    expect(JSON.parse(first.matches[0]?.line ?? '')).toMatchObject({ seq: 3, event: alice });
    const last = await queries.page(
      TRAIL,
      ask({ actor: ['alice'] }, { limit: 2, ...(first.cursor && { cursor: first.cursor }) }),
    );
    expect(last).toMatchObject({ asOf: 4, more: false, matches: [{ seq: 0 }] });
    expect(last.cursor).toBeUndefined();
  });

  it('of the oldest first says where to go on even at the end, for what comes later', async () => {
    const table = new MemoryTable();
    await fill(table, [{}, {}]);
    const queries = openQueries(table);
    const query = ask({}, { order: 'oldest' });
    const end = await queries.page(TRAIL, query);
    expect(end).toMatchObject({ more: false, matches: [{ seq: 0 }, { seq: 1 }] });
    await append(table, [{}]);
    const later = await queries.page(TRAIL, { ...query, ...(end.cursor && { cursor: end.cursor }) });
    expect(later).toMatchObject({ more: false, asOf: 3, matches: [{ seq: 2 }] });
  });

  it('of a trail that does not exist is empty', async () => {
    expect(await openQueries(new MemoryTable()).page('nowhere', ask())).toEqual({
      matches: [],
      sources: { hot: 0, archive: 0 },
      scanned: 0,
      asOf: 0,
      more: false,
    });
  });

  it('ends early when it has cost enough, and says so, and the pages still add up', async () => {
    const table = new MemoryTable();
    await fill(table, [...times(30, alice), ...times(60, {})]);
    const queries = openQueries(table, { budget: 10 });
    const first = await queries.page(TRAIL, ask({ actor: ['alice'] }));
    expect(first).toMatchObject({ matches: [], more: true });
    const { matches, pages } = await readAll(queries, ask({ actor: ['alice'] }));
    expect(matches).toHaveLength(30);
    expect(pages).toBe(9);
  });

  it('reads little of a long trail, wherever the page is', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 100; n++) {
      await append(table, [...times(9, { actor: { id: `other-${n % 7}` } }), alice], START + n);
      await index(table);
    }
    const counting = besides(new MemoryTable(), table);
    for (const call of table.faults.calls) if ('transact' in call) await counting.transact(call.transact);
    const reads: number[] = [];
    let before = counting.faults.calls.length;
    await readAll(openQueries(counting), ask({ actor: ['alice'] }, { limit: 5 }), async () => {
      reads.push(counting.faults.calls.length - before);
      before = counting.faults.calls.length;
    });
    expect(reads).toHaveLength(19);
    // Five blocks, and the index: no more on the last page than on the first.
    for (const count of reads) expect(count).toBeLessThan(25);
  });
});

describe('merges while a query runs', () => {
  it.each(['newest', 'oldest'] as const)(
    'hide nothing from it, before whichever of its reads they happen: %s first',
    async (order) => {
      for (let at = 1, isInTime = true; isInTime; at++) {
        const table = new MemoryTable();
        // Fifteen runs of one record, and fifteen of sixteen: the next record merges the ones, or all of them.
        for (let n = 0; n < 15; n++) {
          await append(table, times(16, alice), START + n);
          await index(table);
        }
        await fill(table, times(15, alice), 'indexed');
        expect((await readIndexSnapshot(table, TRAIL)).runs).toHaveLength(30);
        let reads = 0;
        const busy = new BusyTable(table, async () => {
          if (++reads !== at) return;
          await append(table, [alice], START + 100);
          await index(table);
          expect((await readIndexSnapshot(table, TRAIL)).runs).toHaveLength(1);
        });
        const { matches, sizes } = await readAll(openQueries(busy), ask({ actor: ['alice'] }, { order, limit: 1000 }));
        const expected = Array.from({ length: sizes.at(-1) ?? 0 }, (_, seq) => seq);
        expect(matches.map(({ seq }) => seq)).toEqual(order === 'newest' ? expected.reverse() : expected);
        isInTime = reads >= at;
      }
    },
  );
});

describe('frequent values', () => {
  it('are read in parts, from the end that is asked for, and ruled out against rare ones', async () => {
    const table = new MemoryTable();
    const total = 42_000;
    for (let first = 0; first < total; first += 1000) {
      const block = Array.from({ length: 1000 }, (_, n) => ({
        id: `e-${first + n}`,
        type: (first + n) % 50 === 7 ? 'auth.login' : 'data.read',
        ...((first + n) % 1000 === 57 ? { actor: { id: 'rare' } } : {}),
      }));
      await append(table, block, START + first);
    }
    await index(table);
    expect((await readIndexSnapshot(table, TRAIL)).runs.length).toBeLessThan(12);
    const all = Array.from({ length: total }, (_, seq) => seq);
    const readPage = async (query: Query) =>
      (await openQueries(table).page(TRAIL, query)).matches.map(({ seq }) => seq);
    const reads = all.filter((seq) => seq % 50 !== 7);
    const logins = all.filter((seq) => seq % 50 === 7);
    expect(await readPage(ask({ type: ['data.read'] }))).toEqual(reads.slice(-100).reverse());
    expect(await readPage(ask({ type: ['data.*'] }, { order: 'oldest' }))).toEqual(reads.slice(0, 100));
    expect(await readPage(ask({ type: ['auth.login'] }, { limit: 1000 }))).toEqual(logins.toReversed().slice(0, 1000));
    expect(await readPage(ask({ type: ['auth.login', 'data.read'] }, { order: 'oldest' }))).toEqual(all.slice(0, 100));
    expect(await readPage(ask({ actor: ['rare'], type: ['auth.login'] }))).toEqual(
      all.filter((seq) => seq % 1000 === 57).reverse(),
    );
    expect(await readPage(ask({ actor: ['rare'], type: ['data.read'] }))).toEqual([]);
    const since = { from: START + 20_000, to: START + 22_000 };
    expect(await readPage(ask({ type: ['auth.login'] }, since))).toEqual(
      logins.filter((seq) => seq >= 20_000 && seq < 22_000).reverse(),
    );
  });
});

describe('a trail that masks', () => {
  it('is asked for what is masked there, by anyone who knows the original', async () => {
    const table = new MemoryTable();
    const masked = { actor: { id: 'a***@example.com' }, resource: { id: '203.0.113.***' } };
    await fill(table, [
      masked,
      { actor: { id: 'b***@example.com' } },
      { context: { agent: 'alice@example.com' } },
      { actor: { id: 'alice@example.com' } },
    ]);
    const ids = async (filters: Query['filters'], masks = true) =>
      (await openQueries(table, { masks }).page(TRAIL, ask(filters))).matches.map(({ seq }) => seq);
    for (const isIndexed of [false, true]) {
      if (isIndexed) await index(table);
      // Records from before the trail masked are found as well.
      expect(await ids({ actor: ['alice@example.com'] })).toEqual([3, 0]);
      expect(await ids({ actor: ['a***@example.com'] })).toEqual([0]);
      expect(await ids({ resource: ['203.0.113.77'] })).toEqual([0]);
      expect(await ids({ agent: ['alice@example.com'] })).toEqual([2]);
      expect(await ids({ actor: ['alice@example.com'] }, false)).toEqual([3]);
    }
    const activity = await openQueries(table, { masks: true }).activity(TRAIL, 'alice@example.com');
    expect(activity.total).toBe(2);
  });
});

describe('the activity of an actor', () => {
  it('is counted by type and outcome, with the last thing done', async () => {
    const table = new MemoryTable();
    const login = (outcome: string) => ({ ...alice, type: 'auth.login', outcome });
    await fill(table, [login('failure'), login('failure'), login('success'), alice, { actor: { id: 'bob' } }]);
    const queries = openQueries(table);
    expect(await queries.activity(TRAIL, 'alice', { from: START + 1 })).toEqual({
      actor: 'alice',
      from: START + 1,
      total: 3,
      byType: {
        values: [
          { value: 'auth.login', count: 2 },
          { value: 'data.read', count: 1 },
        ],
        distinct: 2,
        others: 0,
      },
      byOutcome: {
        values: [
          { value: 'failure', count: 1 },
          { value: 'success', count: 1 },
        ],
        distinct: 2,
        others: 0,
      },
      last: { seq: 3, receivedAt: START + 3, type: 'data.read' },
    });
    expect(await queries.activity(TRAIL, 'nobody')).toMatchObject({ total: 0, byType: { values: [], distinct: 0 } });
    expect(await queries.activity(TRAIL, 'nobody')).not.toHaveProperty('last');
  });
});

describe('all records of a query', () => {
  it('come in one go, of the trail as it was when they were asked for', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 12; n++) await append(table, times(100, n % 2 === 0 ? alice : {}), START + n);
    await index(table);
    const found: number[] = [];
    for await (const some of openQueries(table).all(TRAIL, { filters: { actor: ['alice'] }, order: 'oldest' })) {
      if (found.length === 0) await append(table, [alice], START + 100);
      found.push(...some.map(({ seq }) => seq));
    }
    expect(found).toEqual(
      Array.from({ length: 1200 }, (_, seq) => seq).filter((seq) => Math.floor(seq / 100) % 2 === 0),
    );
  });

  it.each(['oldest', 'newest'] as const)('are read once where the index is of no use, the %s first', async (order) => {
    const table = new MemoryTable();
    for (let n = 0; n < 12; n++) await append(table, times(100, alice), START + n);
    const read = vi.spyOn(table, 'query');
    const found: number[] = [];
    const period = { from: START + 2, to: START + 11 };
    for await (const some of openQueries(table).all(TRAIL, { filters: {}, order, ...period })) {
      found.push(...some.map(({ seq }) => seq));
    }
    const seqs = Array.from({ length: 900 }, (_, n) => 200 + n);
    expect(found).toEqual(order === 'oldest' ? seqs : seqs.reverse());
    const scans = read.mock.calls.filter(([{ limit }]) => limit === undefined);
    expect(scans).toHaveLength(1);
  });
});

describe('watching a trail', () => {
  it('gives what comes, once and in order, until the signal', async () => {
    const table = new MemoryTable();
    await fill(table, [alice, alice]);
    const stop = new AbortController();
    let waits = 0;
    const wait = async () => {
      waits += 1;
      if (waits <= 3) await append(table, [{ ...alice, id: `later-${waits}` }, {}], START + waits);
      if (waits === 2) await index(table);
      if (waits === 4) stop.abort();
    };
    const seen: number[] = [];
    for await (const { seq } of openQueries(table).watch(TRAIL, { actor: ['alice'] }, { signal: stop.signal, wait }))
      seen.push(seq);
    expect(seen).toEqual([2, 4, 6]);
    expect(waits).toBe(4);
  });

  it('may begin in the past, and of a trail that does not exist yet', async () => {
    const table = new MemoryTable();
    const stop = new AbortController();
    const wait = async () => (stop.signal.aborted ? undefined : append(table, [{}]));
    const seen: number[] = [];
    for await (const { seq } of openQueries(table).watch(TRAIL, {}, { from: 0, signal: stop.signal, wait })) {
      seen.push(seq);
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  it('ends at once when the signal is given while it waits', async () => {
    const table = new MemoryTable();
    const stop = new AbortController();
    const watching = Array.fromAsync(openQueries(table).watch(TRAIL, {}, { signal: stop.signal }));
    stop.abort();
    expect(await watching).toEqual([]);
  });
});

describe('a ledger that lacks a block', () => {
  it('gives an error, never a shorter answer, with the index and without', async () => {
    const table = new MemoryTable();
    await fill(table, times(6, alice));
    await new Indexer({ table, files: filesOf(table) }).run(TRAIL, { force: true });
    await table.transact([{ remove: { partition: `block/${TRAIL}`, sort: '0000000000000003' } }]);
    const lacks = { code: 'store_corrupt', message: 'record 3 of trail payments is missing from the ledger' };
    await expect(openQueries(table).page(TRAIL, ask({ actor: ['alice'] }))).rejects.toMatchObject(lacks);
    await expect(openQueries(table).page(TRAIL, ask({}, { order: 'oldest' }))).rejects.toMatchObject(lacks);
    // A page that does not need it is none the worse.
    expect((await openQueries(table).page(TRAIL, ask({ actor: ['alice'] }, { limit: 2 }))).matches).toHaveLength(2);
  });
});
