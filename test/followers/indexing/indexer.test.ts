import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Indexer, type IndexerOptions } from '../../../lib/followers/indexing/indexer.ts';
import { readIndexSnapshot } from '../../../lib/index/format/index-state.ts';
import { classOf } from '../../../lib/index/format/runs.ts';
import type { FaultEffect } from '../../../lib/testing/memory/faults.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { append, ask, despite, openQueries, readAll, START, TRAIL } from '../../query/fixture.ts';

/**
 * The indexer follows a trail. What it has done is a matter of its watermark alone: whoever continues after a crash,
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
  new Indexer({ table, ...options }).run(TRAIL, { force: true });

/** Class and first record of every run that has items in the index. */
async function storedRuns(table: MemoryTable): Promise<Set<string>> {
  const stored = new Set<string>();
  for (const runClass of [0, 1, 2, 3, 4, 5]) {
    const kinds = [`postings/${TRAIL}/${runClass}`, `long-postings/${TRAIL}/${runClass}`];
    for (const unit of ['hour', 'day']) kinds.push(`counts/${TRAIL}/${runClass}/${unit}`);
    for (const partition of kinds) {
      // In all of them the run's first record comes second.
      for await (const { sort } of table.query({ partition })) stored.add(`${runClass} ${Number(sort.split('/')[1])}`);
    }
  }
  return stored;
}

/** That the index holds every record once, and nothing of a run that is not one of its runs. */
async function checkIndex(table: MemoryTable, size: number): Promise<void> {
  const snapshot = await readIndexSnapshot(table, TRAIL);
  expect(snapshot.size).toBe(size);
  expect(await storedRuns(table)).toEqual(new Set(snapshot.runs.map((run) => `${classOf(run.size)} ${run.first}`)));
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

  it('takes a long trail in runs of 4,096 records or so, which end with blocks', async () => {
    const table = new MemoryTable();
    await fill(table, 7, 700);
    await run(table);
    expect((await readIndexSnapshot(table, TRAIL)).runs).toEqual([
      { first: 0, size: 4200 },
      { first: 4200, size: 700 },
    ]);
    await checkIndex(table, 4900);
  });

  it('waits for a good number of records, but not for long', async () => {
    const table = new MemoryTable();
    let now = START;
    const indexer = new Indexer({ table, now: () => now, minRecords: 10, delayMs: 5000 });
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
    const indexer = new Indexer({ table: process });
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

  it('leaves a trail alone that does not exist', async () => {
    const table = new MemoryTable();
    await new Indexer({ table }).run('nowhere', { force: true });
    expect(table.faults.writes).toBe(0);
  });
});

/** A day in the life of a trail: how many blocks come, one after the other, before each run of the indexer. */
type Day = { readonly blocks: readonly number[]; readonly hoursApart: number };

const sizeOf = ({ blocks }: Day): number => blocks.reduce((sum, count) => sum + count, 0);

/** Appends blocks of one record to a trail of `size` records, the nth at its nth hour (or all at once). */
async function grow(table: MemoryTable, size: number, count: number, hoursApart: number): Promise<void> {
  for (let n = size; n < size + count; n++) {
    await append(table, [{ id: `e-${n}`, actor: { id: `actor-${n % 3}` } }], START + n * hoursApart * 3_600_000);
  }
}

describe.each<[string, Day]>([
  ['runs that fit into a transaction each', { blocks: [15, 1, 3, 12, 1], hoursApart: 0 }],
  // An item for each hour, so that nothing fits into one.
  ['runs and merges that take several', { blocks: [120, 140], hoursApart: 1 }],
])('a failure among the writes of %s', (_, day) => {
  it.each<FaultEffect & string>(['unpersisted', 'persisted', 'cut_before', 'cut_after'])(
    'is made good by the next run, whichever write it hits: %s',
    async (effect) => {
      let hit = 0;
      for (let nth = 1, isHit = true; isHit; nth++) {
        const table = new MemoryTable();
        const process = table.restarted();
        process.faults.add({ effect, nth });
        let size = 0;
        for (const count of day.blocks) {
          await grow(table, size, count, day.hoursApart);
          size += count;
          await despite(run(process));
          // Some of it is indexed and some is not; nobody can tell from the answers.
          const { matches } = await readAll(openQueries(table), ask({ type: ['data.read'] }));
          expect(matches.map(({ seq }) => seq)).toEqual(Array.from({ length: size }, (_, n) => size - 1 - n));
          expect((await openQueries(table).summary(TRAIL)).total).toBe(size);
        }
        isHit = process.faults.writes >= nth;
        if (isHit) hit = nth;
        await run(table.restarted());
        await checkIndex(table, size);
      }
      expect(hit).toBeGreaterThan(7);
    },
  );
});

describe('two indexers on one trail', () => {
  it.each<[string, Day]>([
    ['in one transaction each', { blocks: [17, 20], hoursApart: 0 }],
    ['in several transactions each', { blocks: [120, 140], hoursApart: 1 }],
  ])('do each other no harm, wherever one of them is held up: %s', async (_, day) => {
    const [before = 0, after = 0] = day.blocks;
    for (let hold = 1, isHeld = true; isHeld; hold++) {
      const table = new MemoryTable();
      await grow(table, 0, before, day.hoursApart);
      const slow = table.restarted();
      const { promise, resolve: release } = Promise.withResolvers<void>();
      slow.faults.add({ effect: promise, nth: hold, matching: () => true });
      let isDone = false;
      const slowly = run(slow).finally(() => {
        isDone = true;
      });
      while (slow.faults.calls.length < hold && !isDone) await setImmediate();
      isHeld = !isDone;
      // The slow one stands still at a read or a write, while the other one does everything there is, and more.
      await run(table);
      await grow(table, before, after, day.hoursApart);
      await run(table);
      release();
      await slowly;
      await run(table);
      await checkIndex(table, sizeOf(day));
    }
  });
});

describe('an indexer that reads what another one is removing', () => {
  it('sees that it was overtaken, and raises no alarm', async () => {
    const table = new MemoryTable();
    for (const actor of [0, 1]) {
      await append(
        table,
        Array.from({ length: 2100 }, (_, n) => ({ id: `e-${n}`, actor: { id: `actor-${actor}` } })),
      );
      // One after the other, so that there is something to merge, of lists that are long.
      if (actor === 0) await run(table);
    }
    const slow = table.restarted();
    const { promise, resolve: release } = Promise.withResolvers<void>();
    slow.faults.add({
      effect: promise,
      matching: (call) => 'get' in call && call.get.partition.startsWith('long-postings/'),
    });
    const slowly = run(slow);
    while (!slow.faults.calls.some((call) => 'get' in call && call.get.partition.startsWith('long-postings/'))) {
      await setImmediate();
    }
    await run(table);
    release();
    await slowly;
    await checkIndex(table, 4200);
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
    ['of runs that do not add up to the watermark', { runs: Uint8Array.of(1) }],
    ['of no runs at all', { runs: 'none' }],
    ['of a plan that is none', { plan: '{' }],
  ])('is an error: %s', async (_, state) => {
    const table = await spoil(state);
    await expect(run(table)).rejects.toMatchObject({ code: 'store_corrupt', message });
    await expect(openQueries(table).page(TRAIL, ask({ actor: ['first'] }))).rejects.toMatchObject({
      code: 'store_corrupt',
      message,
    });
  });

  it('is not touched where a newer version wrote it', async () => {
    const table = await spoil({ format: 2 });
    await expect(run(table)).rejects.toMatchObject({
      code: 'unavailable',
      message:
        'the watermark (follower/payments indexer) was written by a newer version: it has format 2, and this version knows 1',
    });
  });
});
