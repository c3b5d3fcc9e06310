import { afterEach, describe, expect, it, vi } from 'vitest';
import { DIMENSIONS } from '../../../lib/contract/dimensions.ts';
import { Indexer } from '../../../lib/followers/indexing/indexer.ts';
import { readIndexSnapshot } from '../../../lib/index/format/index-state.ts';
import { runKey } from '../../../lib/index/format/run-layout.ts';
import { indexRoot } from '../../../lib/index/format/statement.ts';
import { countsPartition, longPostingsPartition, postingsPartition } from '../../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import type { Outcome, Table, Write } from '../../../lib/store/ports.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { allRecords, append, ask, isMatch, openQueries, START, TRAIL } from '../../query/fixture.ts';
import { BusyTable } from '../../query/history.ts';
import { filesOf } from '../../support/index-files.ts';

/**
 * The promise: a version that indexes or counts by something new builds the index again by itself, and until that is done every query
 * is answered in full, wherever the work stands or stops.
 */

const DIMENSIONS_MODULE = '../../../lib/contract/dimensions.ts';
const SUMMARY_MODULE = '../../../lib/contract/summary.ts';

/** The indexer of the version before: it did not know the dimension `project`, and did not count by tenant. */
async function earlierIndexer(): Promise<typeof Indexer> {
  vi.resetModules();
  vi.doMock(DIMENSIONS_MODULE, async (original) => {
    const now = await original<typeof import('../../../lib/contract/dimensions.ts')>();
    const eachDimension: typeof now.eachDimension = (record, visit) =>
      now.eachDimension(record, (name, value) => name !== 'project' && name !== 'tenant' && visit(name, value));
    return { ...now, DIMENSIONS: DIMENSIONS.filter((name) => name !== 'project'), eachDimension };
  });
  vi.doMock(SUMMARY_MODULE, async (original) => {
    const now = await original<typeof import('../../../lib/contract/summary.ts')>();
    return { ...now, COUNTED: now.COUNTED.filter((name) => name !== 'tenant') };
  });
  const { Indexer: Earlier } = await import('../../../lib/followers/indexing/indexer.ts');
  return Earlier;
}

afterEach(() => {
  vi.doUnmock(DIMENSIONS_MODULE);
  vi.doUnmock(SUMMARY_MODULE);
  vi.resetModules();
});

/** A Table that goes down before or after the transactions that a test names, counted from 1. */
class FallibleTable extends BusyTable implements Table {
  transactions = 0;
  readonly #fails: (transaction: number) => 'before' | 'after' | undefined;

  constructor(table: Table, fails: (transaction: number) => 'before' | 'after' | undefined) {
    super(table, async () => undefined);
    this.#fails = fails;
  }

  override async transact(writes: readonly Write[]): Promise<Outcome> {
    const fails = this.#fails(++this.transactions);
    if (fails === 'before') throw new SealtrailError('unavailable', 'stopped before');
    const outcome = await super.transact(writes);
    if (fails === 'after') throw new SealtrailError('unavailable', 'stopped after');
    return outcome;
  }
}

/** Runs an indexer until it is done or stopped. @returns whether it is done */
async function index(IndexerOf: typeof Indexer, table: Table): Promise<boolean> {
  try {
    await new IndexerOf({ table, files: filesOf(table), graceMs: 0 }).run(TRAIL, { force: true });
    return true;
  } catch (error) {
    if (error instanceof Error && /stopped (before|after)/.test(error.message)) return false;
    throw error;
  }
}

const BLOCK = 200;

/** So many events in blocks, one in ten of them of a rare project. */
async function appendAll(table: Table, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n += BLOCK) {
    const events = Array.from({ length: Math.min(BLOCK, from + count - n) }, (_, i) => ({
      id: `id-${n + i}`,
      actor: { id: `actor-${(n + i) % 400}` },
      context: { project: (n + i) % 10 === 0 ? 'rare' : `p-${(n + i) % 7}`, tenant: `t-${(n + i) % 3}` },
    }));
    await append(table, events, START + n * 10_000);
  }
}

const QUESTIONS = [
  { project: ['rare'] },
  { project: ['p-1', 'p-2'], tenant: ['t-0'] },
  { actor: ['actor-7'] },
  { project: ['never'] },
];

/** That every answer is what a scan of the records gives. */
async function expectWhole(table: Table): Promise<void> {
  const records = await allRecords(table);
  const queries = openQueries(table);
  for (const filters of QUESTIONS) {
    const expected = records.filter(({ record }) => isMatch(record, { filters })).map(({ record }) => record.seq);
    const found: number[] = [];
    for await (const some of queries.all(TRAIL, { filters, order: 'oldest' }))
      found.push(...some.map(({ seq }) => seq));
    expect([filters, found]).toEqual([filters, expected]);
  }
  const { total, by } = await queries.summary(TRAIL);
  expect(total).toBe(records.length);
  expect(by.tenant.values.reduce((sum, { count }) => sum + count, 0)).toBe(records.length);
}

/** The root of the index, in hex; and that no other files lie about. */
async function indexOf(table: Table): Promise<string> {
  const { runs } = await readIndexSnapshot(table, TRAIL);
  const keys = (await Array.fromAsync(filesOf(table).list(`${TRAIL}/`))).map(({ key }) => key);
  expect(new Set(keys)).toEqual(new Set(runs.map((run) => runKey(TRAIL, run))));
  return Buffer.from(indexRoot(runs)).toString('hex');
}

/** The same records, indexed by this version alone. */
async function indexedAnew(count: number, block = BLOCK): Promise<string> {
  const table = new MemoryTable();
  for (let from = 0; from < count; from += block) await appendAll(table, Math.min(block, count - from), from);
  await index(Indexer, table);
  return indexOf(table);
}

describe('an index of other rules', () => {
  it('is not read: 30 of 300 events are found by a dimension that it does not know', async () => {
    const table = new MemoryTable();
    await appendAll(table, 300);
    await index(await earlierIndexer(), table);
    const { matches, more } = await openQueries(table).page(TRAIL, ask({ project: ['rare'] }));
    expect([matches.length, more]).toEqual([30, false]);
    await expectWhole(table);
  });

  it('is replaced by the next run, and nothing of it is left', async () => {
    const table = new MemoryTable();
    const Earlier = await earlierIndexer();
    // Six runs of its own, where this version makes one.
    for (let from = 0; from < 240; from += 40) {
      await appendAll(table, 40, from);
      await index(Earlier, table);
    }
    expect((await readIndexSnapshot(table, TRAIL)).size).toBe(0);
    await index(Indexer, table);
    expect(await readIndexSnapshot(table, TRAIL)).toMatchObject({ size: 240, runs: [{ first: 0, size: 240 }] });
    expect(await indexOf(table)).toEqual(await indexedAnew(240, 40));
    await expectWhole(table);
  });

  it.each([1, 2, 3])('is replaced where the earlier version stopped at its transaction %i', async (stop) => {
    const table = new MemoryTable();
    const Earlier = await earlierIndexer();
    await appendAll(table, 200);
    await index(Earlier, table);
    // From here on it has runs, and plans, of its own.
    await appendAll(table, 1200, 200);
    await index(Earlier, new FallibleTable(table, (n) => (n === stop ? 'after' : undefined)));
    await expectWhole(table);
    await index(Indexer, table);
    expect(await indexOf(table)).toEqual(await indexedAnew(1400));
    await expectWhole(table);
  });

  it('is replaced piece by piece by processes that each come one transaction further, and every answer is whole in between', async () => {
    const table = new MemoryTable();
    await appendAll(table, 1400);
    await index(await earlierIndexer(), table);
    let processes = 0;
    for (let isDone = false; !isDone; processes++) {
      isDone = await index(
        Indexer,
        new FallibleTable(table, (n) => (n === processes + 1 ? (processes % 2 === 0 ? 'before' : 'after') : undefined)),
      );
      await expectWhole(table);
    }
    expect(processes).toBeGreaterThan(2);
    expect(await indexOf(table)).toEqual(await indexedAnew(1400));
  });
});

describe('an index of a version that kept it in the table', () => {
  it('is replaced, and its rows are removed, while every answer stays whole', async () => {
    const table = new MemoryTable();
    await appendAll(table, 400);
    const rows = [postingsPartition(TRAIL, 0), longPostingsPartition(TRAIL, 2), countsPartition(TRAIL, 1, 'day')];
    for (const partition of rows) {
      for (let n = 0; n < 200; n++) {
        await table.transact([{ put: { partition, sort: `${n}`, attributes: { body: Uint8Array.of(1) } } }]);
      }
    }
    const attributes = { size: 400, revision: 7, rules: '0123456789abcdef', runs: Uint8Array.of(144, 3), plan: '{}' };
    await table.transact([{ put: { partition: `follower/${TRAIL}`, sort: 'indexer', attributes } }]);
    await expectWhole(table);
    let processes = 0;
    for (let isDone = false; !isDone; processes++) {
      isDone = await index(
        Indexer,
        new FallibleTable(table, (n) => (n === processes + 1 ? (processes % 2 === 0 ? 'before' : 'after') : undefined)),
      );
      await expectWhole(table);
    }
    expect(processes).toBeGreaterThan(4);
    for (const partition of rows) expect(await Array.fromAsync(table.query({ partition }))).toEqual([]);
    expect(await indexOf(table)).toBe(await indexedAnew(400));
    const mark = await table.get({ partition: `follower/${TRAIL}`, sort: 'indexer' });
    expect(Object.keys(mark?.attributes ?? {}).sort()).toEqual(['files', 'format', 'revision', 'rules', 'size']);
  });
});
