import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Indexer, type IndexerOptions } from '../../../lib/followers/indexing/indexer.ts';
import { INDEX_RULES } from '../../../lib/index/format/index-rules.ts';
import { readIndexSnapshot } from '../../../lib/index/format/index-state.ts';
import { runKey } from '../../../lib/index/format/run-layout.ts';
import { classOf } from '../../../lib/index/format/runs.ts';
import { indexRoot } from '../../../lib/index/format/statement.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { openLedger } from '../../ledger/fixture.ts';
import { allRecords, append, ask, despite, openQueries, readAll, START, TRAIL } from '../../query/fixture.ts';
import { filesOf } from '../../support/index-files.ts';

/**
 * The indexer follows a trail. What it has done is a matter of its watermark alone: no matter who continues after a crash,
 * at any write, ends up with an index of every record, each once, and nothing left lying about.
 */

/** Blocks of events by three actors, the first by one more. */
async function fill(table: MemoryTable, blocks: number, eventsPerBlock = 1): Promise<void> {
  for (let n = 0; n < blocks; n++) {
    const block = Array.from({ length: eventsPerBlock }, (_, i) => ({
      id: `e-${n}-${i}`,
      actor: { id: `actor-${(n + i) % 3}` },
    }));
    await append(table, n === 0 ? block.map((event) => ({ ...event, actor: { id: 'first' } })) : block, START + n);
  }
}

const run = (table: MemoryTable, options: Partial<IndexerOptions> = {}) =>
  new Indexer({ table, files: filesOf(table), graceMs: 0, ...options }).run(TRAIL, { force: true });

/** The files of runs that lie about. */
const storedRuns = async (table: MemoryTable): Promise<Set<string>> =>
  new Set((await Array.fromAsync(filesOf(table).list(`${TRAIL}/`))).map(({ key }) => key));

/** That the index holds every record once, and that no file is left that is not one of its runs'. */
async function checkIndex(table: MemoryTable, size: number): Promise<void> {
  const snapshot = await readIndexSnapshot(table, TRAIL);
  expect(snapshot.size).toBe(size);
  expect(await storedRuns(table)).toEqual(new Set(snapshot.runs.map((run) => runKey(TRAIL, run))));
  const queries = openQueries(table);
  const found = await Promise.all(
    ['first', 'actor-0', 'actor-1', 'actor-2'].map((actor) => readAll(queries, ask({ actor: [actor] }))),
  );
  const seqs = found.flatMap(({ matches }) => matches.map(({ seq }) => seq));
  expect(seqs.toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, seq) => seq));
  expect((await queries.summary(TRAIL)).total).toBe(size);
}

describe('the indexer', () => {
  it('indexes what is there, and what comes, and merges runs as they add up', async () => {
    const table = new MemoryTable();
    await run(table);
    await checkIndex(table, 0);
    for (let n = 1; n <= 40; n++) {
      await fill(table, 1, 7);
      await run(table);
      const { runs, size } = await readIndexSnapshot(table, TRAIL);
      expect(size).toBe(n * 7);
      expect(runs.length).toBeLessThan(20);
    }
    const { runs } = await readIndexSnapshot(table, TRAIL);
    expect(runs.map(({ size }) => classOf(size))).toEqual([2, 1]);
  });

  it('takes a long trail in runs of so many records or so, which end with blocks', async () => {
    const table = new MemoryTable();
    await fill(table, 7, 700);
    await run(table, { maxRecords: 4096 });
    const { runs } = await readIndexSnapshot(table, TRAIL);
    expect(runs.map(({ first, size }) => [first, size])).toEqual([
      [0, 4200],
      [4200, 700],
    ]);
    await checkIndex(table, 4900);
  });

  it('waits for a good number of records, but not for long', async () => {
    const table = new MemoryTable();
    let now = START;
    const indexer = new Indexer({
      table,
      files: filesOf(table),
      now: () => now,
      minRecords: 10,
      delayMs: 5000,
      graceMs: 0,
    });
    const indexed = async () => {
      await indexer.run(TRAIL);
      return (await readIndexSnapshot(table, TRAIL)).size;
    };
    expect(indexer.revisit(TRAIL)).toBeUndefined();
    await fill(table, 3);
    expect(await indexed()).toBe(0);
    now += 3000;
    await fill(table, 3);
    expect(await indexed()).toBe(0);
    expect(indexer.revisit(TRAIL)).toBe(2000);
    now += 2000;
    expect(await indexed()).toBe(6);
    expect(indexer.revisit(TRAIL)).toBeUndefined();
    await fill(table, 10);
    expect(await indexed()).toBe(16);
    await fill(table, 1);
    expect(await indexed()).toBe(16);
    await indexer.run(TRAIL, { force: true });
    expect((await readIndexSnapshot(table, TRAIL)).size).toBe(17);
    expect(indexer.revisit(TRAIL)).toBeUndefined();
  });

  it('stops between two steps when it is told to', async () => {
    const table = new MemoryTable();
    await fill(table, 7, 700);
    const stop = new AbortController();
    const process = table.restarted();
    const indexer = new Indexer({ table: process, files: filesOf(process), maxRecords: 4096 });
    const transact = process.transact.bind(process);
    process.transact = (writes) => {
      stop.abort();
      return transact(writes);
    };
    await indexer.run(TRAIL, { signal: stop.signal });
    const { size } = await readIndexSnapshot(table, TRAIL);
    expect(size).toBe(4200);
    await indexer.run(TRAIL, { force: true });
    await checkIndex(table, 4900);
  });

  it('keeps superseded files as long as a query may read them, and then removes them', async () => {
    const table = new MemoryTable();
    let now = START;
    const indexer = new Indexer({ table, files: filesOf(table), now: () => now, graceMs: 60_000 });
    for (let n = 0; n < 16; n++) {
      await fill(table, 1);
      await indexer.run(TRAIL, { force: true });
    }
    expect(await storedRuns(table)).toHaveProperty('size', 17);
    expect(indexer.revisit(TRAIL)).toBe(60_000);
    now += 60_000;
    await indexer.run(TRAIL);
    expect(indexer.revisit(TRAIL)).toBeUndefined();
    await checkIndex(table, 16);
  });

  it('writes an index anew whose files were removed, and raises the alarm over one that was changed', async () => {
    const table = new MemoryTable();
    await fill(table, 20);
    await run(table);
    filesOf(table).files.clear();
    // Queries scan meanwhile.
    expect((await readAll(openQueries(table), ask({ actor: ['first'] }))).matches).toHaveLength(1);
    await run(table);
    await checkIndex(table, 20);
    for (const [key, bytes] of filesOf(table).files) filesOf(table).files.set(key, bytes.with(0, (bytes[0] ?? 0) ^ 1));
    for (let n = 0; n < 15; n++) {
      await fill(table, 16);
      await run(table).catch((error) => expect(error).toMatchObject({ code: 'store_corrupt' }));
    }
    await run(table);
    expect((await readIndexSnapshot(table, TRAIL)).size).toBe(260);
    expect((await openQueries(table).summary(TRAIL)).total).toBe(260);
  });

  it('states every run in the trail of the index, and that of the index itself only by thousands', async () => {
    const table = new MemoryTable();
    const ledger = openLedger(table);
    const indexer = new Indexer({ table, files: filesOf(table), ledger });
    for (let n = 0; n < 16; n++) {
      await fill(table, 1);
      await indexer.run(TRAIL, { force: true });
      await indexer.run('_index', { force: true });
    }
    const records = await allRecords(table, '_index');
    const { runs, record } = await readIndexSnapshot(table, TRAIL);
    expect([records.length, record]).toEqual([17, 16]);
    expect(runs.map(({ size }) => size)).toEqual([16]);
    const [run] = runs;
    expect(records.at(-1)?.record).toMatchObject({
      submitter: 'sealtrail:indexer',
      event: {
        type: 'index.run',
        resource: { type: 'trail', id: TRAIL },
        details: {
          rules: INDEX_RULES,
          run: { from: 0, to: 16, leaves: run?.leaves, root: Buffer.from(run?.root ?? []).toString('hex') },
          index: { size: 16, runs: 1, root: Buffer.from(indexRoot(runs)).toString('hex') },
        },
      },
    });
    expect((await readIndexSnapshot(table, '_index')).runs).toEqual([]);
  });

  it('leaves a trail alone that does not exist', async () => {
    const table = new MemoryTable();
    await new Indexer({ table, files: filesOf(table) }).run('nowhere', { force: true });
    expect(table.faults.writes).toBe(0);
  });
});

/** A day in the life of a trail: how many blocks come, one after the other, before each run of the indexer. */
type Day = { readonly blocks: readonly number[]; readonly hoursApart: number };

/** Appends blocks of one record to a trail of `size` records, the nth at its nth hour (or all at once). */
async function grow(table: MemoryTable, size: number, count: number, hoursApart: number): Promise<void> {
  for (let n = size; n < size + count; n++) {
    await append(table, [{ id: `e-${n}`, actor: { id: `actor-${n % 3}` } }], START + n * hoursApart * 3_600_000);
  }
}

const DAY: Day = { blocks: [15, 1, 3, 12, 1], hoursApart: 0 };

describe('a failure among the writes of runs and merges', () => {
  it.each(
    (['table', 'files'] as const).flatMap((store) =>
      (['unpersisted', 'persisted', 'cut_before', 'cut_after'] as const).map((effect) => [store, effect] as const),
    ),
  )('is made good by the next run, whichever write it hits: in the %s, %s', async (store, effect) => {
    let hit = 0;
    for (let nth = 1, isHit = true; isHit; nth++) {
      const table = new MemoryTable();
      const process = { table: table.restarted(), files: filesOf(table).restarted() };
      process[store].faults.add({ effect, nth });
      const indexer = new Indexer({ ...process, graceMs: 0 });
      let size = 0;
      for (const count of DAY.blocks) {
        await grow(table, size, count, DAY.hoursApart);
        size += count;
        await despite(indexer.run(TRAIL, { force: true }));
        // Some of it is indexed and some is not; no one can tell from the answers.
        const { matches } = await readAll(openQueries(table), ask({ type: ['data.read'] }));
        expect(matches.map(({ seq }) => seq)).toEqual(Array.from({ length: size }, (_, n) => size - 1 - n));
        expect((await openQueries(table).summary(TRAIL)).total).toBe(size);
      }
      isHit = process[store].faults.writes >= nth;
      if (isHit) hit = nth;
      // What a crash has left goes once no one can be at it any more.
      await run(table.restarted());
      await grow(table, size++, 1, 0);
      await run(table.restarted());
      await checkIndex(table, size);
    }
    expect(hit).toBeGreaterThan(7);
  });
});

describe('two indexers on one trail', () => {
  it('do each other no harm, wherever one of them is held up', async () => {
    const [before, after] = [17, 20];
    for (const store of ['table', 'files'] as const) {
      for (let hold = 1, isHeld = true; isHeld; hold++) {
        const table = new MemoryTable();
        await grow(table, 0, before, 0);
        const slow = { table: table.restarted(), files: filesOf(table).restarted() };
        const { promise, resolve: release } = Promise.withResolvers<void>();
        slow[store].faults.add({ effect: promise, nth: hold, matching: () => true });
        let isDone = false;
        const slowly = new Indexer({ ...slow, graceMs: 0 }).run(TRAIL, { force: true }).finally(() => {
          isDone = true;
        });
        while (slow[store].faults.calls.length < hold && !isDone) await setImmediate();
        isHeld = !isDone;
        // The slow one stands still at a read or a write, while the other one does everything there is, and more.
        await run(table);
        await grow(table, before, after, 0);
        await run(table);
        release();
        await slowly;
        await run(table);
        await checkIndex(table, before + after);
      }
    }
  });
});

describe('an index that cannot be right', () => {
  const spoil = async (state: Record<string, string | number | Uint8Array>) => {
    const table = new MemoryTable();
    await fill(table, 3);
    await run(table);
    const key = { partition: `follower/${TRAIL}`, sort: 'indexer' };
    const item = await table.get(key);
    await table.transact([{ put: { ...key, attributes: { ...item?.attributes, ...state } } }]);
    return table;
  };
  const message = 'the state of the indexer of trail payments is not readable';

  it.each([
    ['of runs that end early', { files: Uint8Array.of(1) }],
    ['of fewer runs than the watermark says', { files: Uint8Array.of() }],
    ['of no runs at all', { files: 'none' }],
    ['of a list that is none', { superseded: '{' }],
  ])('is an error: %s', async (_, state) => {
    const table = await spoil(state);
    await expect(run(table)).rejects.toMatchObject({ code: 'store_corrupt', message });
    await expect(openQueries(table).page(TRAIL, ask({ actor: ['first'] }))).rejects.toMatchObject({
      code: 'store_corrupt',
      message,
    });
  });

  it('is not touched where a newer version wrote it', async () => {
    const table = await spoil({ format: 3 });
    await expect(run(table)).rejects.toMatchObject({
      code: 'unavailable',
      message:
        'the index state (follower/payments indexer) was written by a newer version: it has format 3, and this version knows 2',
    });
  });
});
