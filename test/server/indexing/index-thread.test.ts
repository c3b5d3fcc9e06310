import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { expect, test, vi } from 'vitest';
import type { Log } from '../../../lib/app/log.ts';
import { INDEX_TRAIL } from '../../../lib/contract/system-trails.ts';
import type { Follower } from '../../../lib/followers/runtime/follower.ts';
import { INDEXER, readWatermark } from '../../../lib/ledger/items/watermark.ts';
import { type Embedded, openEmbedded } from '../../../lib/server/embedded.ts';
import { IndexThread } from '../../../lib/server/indexing/index-thread.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { temporaryFolder } from '../../store/temporary.ts';

const { workers } = vi.hoisted(() => ({ workers: [] as { readonly file: string; readonly worker: Worker }[] }));

// The real threads, within reach of the test that has one die.
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  class Watched extends real.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      workers.push({ file: String(args[0]), worker: this });
    }
  }
  return { ...real, Worker: Watched };
});

const indexing = () => workers.filter(({ file }) => file.includes('index-worker'));
const BATCH = 1000;

async function append(log: Embedded, batches: number): Promise<void> {
  const head = await log.ledger.head('orders');
  const first = head?.size ?? 0;
  for (let batch = 0; batch < batches; batch++) {
    const events = Array.from({ length: BATCH }, (_, n) => {
      const id = `e-${first + batch * BATCH + n}`;
      return {
        id,
        json: JSON.stringify({ actor: { id: `u-${n % 7}`, type: 'user' }, id, severity: 'info', type: 'auth.login' }),
      };
    });
    await log.ledger.append({ trail: 'orders', submitter: 'test', events });
  }
}

/** Waits until the index has every record, and the check every run that was stated. */
async function caughtUp(log: Embedded): Promise<number> {
  const { table } = log as Embedded & Pick<Log, 'table'>; // what wired the log is there, though its type does not say so
  const behind = async (trail: string, name: string): Promise<number> => {
    const { size } = await readWatermark(table, trail, name);
    return ((await log.ledger.head(trail))?.size ?? 0) - size;
  };
  await vi.waitFor(
    async () => {
      expect(await behind('orders', INDEXER)).toBeLessThan(1024);
      expect(await behind(INDEX_TRAIL, 'indexCheck')).toBe(0);
    },
    { timeout: 60_000, interval: 50 },
  );
  return (await readWatermark(table, 'orders', INDEXER)).size;
}

test('a log that grows has its index made by a thread, and by another one where that dies', async () => {
  const errors: unknown[] = [];
  const dir = join(await temporaryFolder(), 'data');
  const log = await openEmbedded(dir, { intakeThreads: 1, onError: (error) => errors.push(error) });
  try {
    // What it takes to bring the trail there is no growth yet: a log that was opened and is hardly written starts no thread.
    await append(log, 2);
    await caughtUp(log);
    expect(indexing()).toHaveLength(0);

    for (let n = 0; n < 12; n++) {
      await append(log, 1);
      if (n % 4 === 0) await caughtUp(log);
    }
    await caughtUp(log);
    expect(indexing()).toHaveLength(1);

    await indexing()[0]?.worker.terminate();
    await append(log, 4);
    const indexed = await caughtUp(log);
    expect(indexing().length).toBeGreaterThan(1);
    expect(errors.map(String).join()).toContain('the thread that indexes ended by itself');

    expect(indexed).toBeGreaterThan(16_000);
    const page = await log.queries.page('orders', { filters: { actor: ['u-3'] }, order: 'oldest', limit: 1000 });
    expect(page.matches).toHaveLength(1000);
    // The index answers: but for its tail, no record of another actor is looked at.
    expect(page.scanned).toBeLessThan(2100);
  } finally {
    await log.close();
  }
});

test('a log that is closed while its index is made ends, and goes on when it is opened again', async () => {
  const dir = join(await temporaryFolder(), 'data');
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const before = indexing().length;
  const log = await openEmbedded(dir, { intakeThreads: 1, onError });
  await append(log, 1);
  await caughtUp(log);
  await append(log, 14);
  await vi.waitFor(() => expect(indexing().length).toBe(before + 1), { timeout: 30_000 });
  await log.close();
  const again = await openEmbedded(dir, { intakeThreads: 1, onError });
  await caughtUp(again);
  await again.close();
  expect(errors).toEqual([]);
});

test('a visit that comes to no end on the committing thread is asked to leave the rest to the next one', async () => {
  const thread = new IndexThread({ dir: '.', pace: {}, onError: () => undefined });
  const endless: Follower = {
    name: 'indexer',
    run: async (_, { signal } = {}) => {
      while (signal?.aborted !== true) await turn();
    },
  };
  const append = () => Promise.reject(new Error('nothing is to be appended'));
  const placed = thread.place(endless, { table: new MemoryTable(), ledger: { append } });
  await placed.run('orders');
  expect(placed.revisit?.('orders')).toBe(0);
  await thread.close();
});
