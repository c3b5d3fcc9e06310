import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { FIRST_LINK, producerLink } from '../../../lib/log/producer.ts';
import { parseTrustedKeys, type Report, verifyArchive, type WorkerPlan } from '../../../lib/verify/index.ts';
import { splitJob } from '../../../lib/verify/shards/join-shards.ts';
import type { ShardJob, ShardResult } from '../../../lib/verify/shards/shard-job.ts';
import { WorkerPool } from '../../../lib/verify/shards/worker-pool.ts';
import { type Archive, buildTrail, copyOf, KEY, objectsOf, TRAIL } from '../archive-builder.ts';

const trust = parseTrustedKeys(KEY.pem);
const MODULE = new URL('../memory-archive.ts', import.meta.url).href;
const planOf = (archive: Archive, count = 2): WorkerPlan => ({ count, module: MODULE, args: archive });

/** Just large enough for the trail to be cut in two, and with short lines, to be built fast. */
const SIZE = 100_000;
const RUNS = [1000, 40_000, 70_000, 70_300, SIZE];
/** Some of the records near where the trail is cut are numbered, and two events are missing, one behind a cut. */
const NUMBERED = ((): Record<number, string> => {
  const events: Record<number, string> = {};
  let prev = FIRST_LINK;
  for (let seq = 0; seq < 2000; seq++) {
    const mark = { id: 'p', prev, seq };
    const json = JSON.stringify({ id: `e-${seq}`, producer: mark });
    prev = producerLink(`e-${seq}`, mark);
    if (seq !== 700 && seq !== 1700) events[seq * 50] = json;
  }
  return events;
})();
const large = buildTrail({
  runs: RUNS,
  seals: [1000, SIZE],
  stepMs: 10,
  event: (seq) => NUMBERED[seq] ?? `{"n":${seq}}`,
});
const small = buildTrail({ trail: 'payments', runs: [3, 300], seals: [300] });
const archive: Archive = new Map([...large.archive, ...small.archive]);

/** What does not depend on the clock. */
const essence = ({ startedAt: _, finishedAt: __, ...rest }: Report): Omit<Report, 'startedAt' | 'finishedAt'> => rest;

async function both(edited: Archive): Promise<{ alone: Report; together: Report }> {
  const objects = await objectsOf(edited);
  const options = { trust, segmentLimits: { records: 30_000, bytes: 1e9 } };
  return {
    alone: await verifyArchive(objects, options),
    together: await verifyArchive(objects, { ...options, workers: planOf(edited) }),
  };
}

describe('workers', () => {
  test('reach the same verdict as one thread, on the same records', async () => {
    const { alone, together } = await both(archive);
    expect(alone.problemCounts).toEqual({ missing_events: 2 });
    expect(alone.trails[0]?.producers).toMatchObject({ producers: 1, numbered: 1998, missing: 2 });
    expect(essence(together)).toEqual(essence(alone));
    expect(together.trails.map(({ records }) => records)).toEqual([SIZE, 300]);
  });

  test('find the same damage, wherever it is', async () => {
    const edited = copyOf(archive);
    const keys = [...edited.keys()];
    const segments = keys.filter((key) => key.startsWith(`${TRAIL}/records/`)).sort();
    const flip = (key: string, at: number): void => {
      const bytes = edited.get(key) ?? expect.fail(`there is no ${key}`);
      bytes[at] = (bytes[at] ?? 0) ^ 4;
    };
    flip(segments[1] ?? '', 4000);
    flip(`${TRAIL}/tile/0/300`, 77);
    flip(`${TRAIL}/tile/entries/380`, 2000);
    flip(`${TRAIL}/tile/1/000`, 9);
    flip(`${TRAIL}/checkpoints/70300`, 60);
    edited.set(segments[3] ?? '', gzipSync('nothing\n'));
    edited.delete(`${TRAIL}/tile/0/200`);
    const { alone, together } = await both(edited);
    expect(alone.verdict).toBe('damaged');
    expect(essence(together)).toEqual(essence(alone));
  });

  test('do not go by a tile that is wrong where they begin: the records before count', async () => {
    const edited = copyOf(archive);
    // The second part begins on the word of these; every hash in them is another.
    for (const key of [...edited.keys()].filter((name) => name.startsWith(`${TRAIL}/tile/1/`)))
      edited.get(key)?.fill(7);
    const { alone, together } = await both(edited);
    expect(Object.keys(alone.problemCounts)).toEqual(['tile_mismatch', 'missing_events']);
    expect(essence(together)).toEqual(essence(alone));
    expect(alone.trails[0]?.covered).toEqual({ from: 0, to: SIZE });
  });

  test('pass on what went wrong in them', async () => {
    const failing = { count: 2, module: MODULE, args: 'no archive' };
    await expect(verifyArchive(await objectsOf(archive), { trust, workers: failing })).rejects.toMatchObject({
      code: 'internal',
      message: 'there is no archive to open',
    });
    const missing = { count: 2, module: new URL('./nowhere.ts', import.meta.url).href, args: archive };
    await expect(verifyArchive(await objectsOf(archive), { trust, workers: missing })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('nowhere.ts'),
    });
  });

  test('stop when they are told to, each by itself, before the verification is over', async () => {
    const controller = new AbortController();
    const threads = new Int32Array(new SharedArrayBuffer(8));
    const verification = verifyArchive(await objectsOf(archive), {
      trust,
      workers: { ...planOf(archive), args: { archive, threads } },
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(verification).rejects.toThrow('enough');
    const [opened, ended] = threads;
    expect(opened).toBeGreaterThan(0);
    expect(ended).toBe(opened);
  });

  test('a thread that stops when it is told to, too', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const verification = verifyArchive(await objectsOf(archive), {
      trust,
      signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(verification).rejects.toThrow('enough');
  });

  test('a pool that is closed takes no more', async () => {
    expect(() => new WorkerPool(planOf(archive, 0))).toThrow('a pool has at least one worker');
    const pool = new WorkerPool(planOf(archive));
    await pool.close();
    await pool.close();
    const job = {
      inventory: {
        segments: { overlapping: () => [] },
        checkpoints: [],
        tiles: new Map(),
        bundles: { pairs: () => [] },
      },
    };
    const run = (): Promise<ShardResult> => pool.run(job as unknown as ShardJob, () => undefined); // never looked at
    await expect(run()).rejects.toMatchObject({ code: 'unavailable', message: 'the verification was stopped' });
  });
});

describe('progress', () => {
  test('grows to the number of records, and counts problems', async () => {
    const short = buildTrail({ runs: [1000, 5000], seals: [5000] });
    const edited = new Map([...short.archive, ...small.archive]);
    edited.get(`${TRAIL}/tile/0/000`)?.fill(1, 0, 1);
    const seen: { records: number; totalRecords: number; problems: number }[] = [];
    await verifyArchive(await objectsOf(edited), { trust, onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.every(({ totalRecords, problems }) => totalRecords === 5300 && problems === 1)).toBe(true);
    expect(seen.map(({ records }) => records)).toEqual(seen.map(({ records }) => records).toSorted((a, b) => a - b));
  });

  test('of a range is measured by what is looked at for it', async () => {
    const totals = new Set<number>();
    const onProgress = ({ totalRecords }: { totalRecords: number }) => void totals.add(totalRecords);
    await verifyArchive(await objectsOf(archive), { trust, trails: [TRAIL], range: { from: 0, to: 10 }, onProgress });
    expect([...totals]).toEqual([RUNS[0]]);
  });
});

describe('the parts of a trail', () => {
  const jobOf = (to: number): ShardJob =>
    ({
      span: { from: 0, to },
      isFirst: true,
      isLast: true,
      inventory: { segments: { overlapping: (seq: number) => [{ first: seq - 100, last: seq + 100 }] } },
    }) as unknown as ShardJob; // splitJob looks at nothing else

  test('begin at whole tiles where a segment begins, and cover everything once', () => {
    const parts = splitJob(jobOf(1_000_000), 4);
    expect(parts.map(({ span }) => span)).toEqual([
      { from: 0, to: 250_112 },
      { from: 250_112, to: 499_968 },
      { from: 499_968, to: 750_080 },
      { from: 750_080, to: 1_000_000 },
    ]);
    expect(parts.map(({ isFirst, isLast }) => [isFirst, isLast])).toEqual([
      [true, false],
      [false, false],
      [false, false],
      [false, true],
    ]);
  });

  test('are no more than are worth it', () => {
    expect(splitJob(jobOf(90_000), 8)).toHaveLength(1);
    expect(splitJob(jobOf(200_000), 8)).toHaveLength(3);
    expect(splitJob(jobOf(0), 8)).toHaveLength(1);
  });
});
