import { beforeEach, describe, expect, it } from 'vitest';
import { DueList } from '../../../lib/followers/runtime/due-list.ts';
import type { Follower } from '../../../lib/followers/runtime/follower.ts';
import { FullPass } from '../../../lib/followers/runtime/full-pass.ts';
import { RestingTrails } from '../../../lib/followers/runtime/resting-trails.ts';
import { type SweepOptions, type Swept, sweepTrails } from '../../../lib/followers/runtime/sweep.ts';
import { duePartition, fullPassKey, restKey } from '../../../lib/ledger/items/layout.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

const DAY = 86_400_000;
const all = Array.from({ length: 300 }, (_, n) => `trail-${String(n).padStart(3, '0')}`);

let table: MemoryTable;
let clock: number;
let list: DueList;
let visits: string[];
let running: Set<string>;
let failing: Set<string>;
beforeEach(() => {
  table = new MemoryTable();
  clock = Date.parse('2026-11-21T12:00:00Z');
  list = new DueList({ table, name: 'follow', now: () => clock });
  visits = [];
  running = new Set();
  failing = new Set();
});

/** A process that is stopped after so many visits. */
function sweep(most = Number.POSITIVE_INFINITY, options: Partial<SweepOptions> = {}): Promise<Swept> {
  const stopping = new AbortController();
  let left = most;
  const follower: Follower = {
    name: 'follower',
    async run(trail) {
      expect(running.has(trail)).toBe(false);
      running.add(trail);
      await new Promise((resolve) => setImmediate(resolve));
      running.delete(trail);
      if (failing.has(trail)) throw new Error('it fails');
      visits.push(trail);
      if (--left <= 0) stopping.abort();
    },
  };
  return sweepTrails({
    followers: [follower],
    list,
    pass: new FullPass({ table, name: 'follow', now: () => clock }),
    trails: async function* (after) {
      yield* all.filter((trail) => trail > after);
    },
    settings: 's',
    signal: stopping.signal,
    ...{ concurrency: 8, leaseMs: 60_000, aheadMs: 0, retryMs: 1000 },
    nextAt: () => undefined,
    onError: () => undefined,
    now: () => clock,
    ...options,
  });
}
const note = async (trails: readonly string[]) => {
  for (const trail of trails) await list.note(trail);
};
const counts = () => new Set(Object.values(Object.groupBy(visits, (trail) => trail)).map((of) => of?.length));

describe('a sweep', () => {
  beforeEach(async () => {
    await sweep(); // the full pass of the day
    expect([...visits].sort()).toEqual(all);
    visits = [];
  });

  it('visits the trails with work, and costs four reads and one of the pass where there is none', async () => {
    const before = table.faults.calls.length;
    expect(await sweep()).toEqual({ failed: new Set(), visited: 0, unreached: 0, overdueMs: 0, passMs: 0 });
    expect(visits).toEqual([]);
    expect(table.faults.calls.length - before).toBe(5);
    await note(['trail-007', 'trail-290']);
    await sweep();
    expect([...visits].sort()).toEqual(['trail-007', 'trail-290']);
  });

  it('starves no trail when there is never enough time: the next one begins with what waits longest', async () => {
    const busy = all.slice(0, 150); // all of them have work all the time
    const lastVisit = new Map<string, number>();
    for (let round = 0; round < 12; round++) {
      clock += 30_000;
      for (const [n, trail] of busy.entries()) await list.note(trail, clock + n);
      visits = [];
      clock += 1000;
      expect((await sweep(50)).unreached).toBeGreaterThan(0);
      for (const trail of visits) lastVisit.set(trail, round);
    }
    // 50 visits a sweep come to all 150 in three.
    expect(busy.filter((trail) => (lastVisit.get(trail) ?? -1) < 12 - 4)).toEqual([]);
  });

  it('shares the work with others that run at the same time, and never visits a trail twice at once', async () => {
    await note(all);
    await Promise.all([sweep(), sweep(), sweep()]);
    expect([...visits].sort()).toEqual(all);
  });

  it('says how long what it did not reach has been waiting', async () => {
    await note(all);
    clock += 5000;
    const { unreached, overdueMs } = await sweep(10);
    expect(unreached).toBeGreaterThan(0);
    expect(overdueMs).toBe(5000);
  });

  it('lets trails that fail wait, so that the others come first', async () => {
    failing = new Set(['trail-001']);
    await note(['trail-001']);
    expect((await sweep()).failed).toEqual(new Set(['trail-001']));
    await note(['trail-002']);
    expect((await list.all()).map(({ trail }) => trail)).toEqual(['trail-002', 'trail-001']);
  });
});

describe('the full pass', () => {
  it('visits every trail once a day, however often it is interrupted', async () => {
    for (let round = 0; round < 12 && (await sweep(40)).passMs >= 0 && visits.length < 300; round++) clock += 30_000;
    await sweep();
    expect(new Set(visits)).toEqual(new Set(all));
    visits = [];
    await sweep();
    expect(visits).toEqual([]);
    clock += DAY;
    await sweep();
    expect([...visits].sort()).toEqual(all);
    expect(counts()).toEqual(new Set([1]));
  });

  it('visits a trail that was due only once, though it passes over all of them', async () => {
    clock += DAY;
    await note(['trail-007', 'trail-290']);
    await sweep();
    expect([...visits].sort()).toEqual(all);
  });

  it('begins anew under other settings, since they may give every trail work', async () => {
    await sweep();
    visits = [];
    await sweep(undefined, { settings: 'another table' });
    expect(visits).toHaveLength(all.length);
  });

  it('passes over trails at rest, whose size has not changed since nothing was left to be done, under the same settings', async () => {
    const sizes = new Map(all.map((trail) => [trail, 10]));
    const sizeOf = async (trail: string) => sizes.get(trail) ?? 0;
    const resting = (settings: string) => new RestingTrails({ table, name: 'follow', settings, sizeOf });
    const isDone = async (trail: string) => trail !== 'trail-001';
    const aDayLater = async (settings = 's') => {
      visits = [];
      clock += DAY;
      await sweep(undefined, { resting: resting(settings), isDone });
      return [...visits].sort();
    };
    failing.add('trail-002');
    expect((await aDayLater()).length).toBe(all.length - 1);
    failing.clear();
    sizes.set('trail-003', 11);
    await table.transact([{ put: { ...restKey('follow', 'trail-004'), attributes: { garbled: 'x' } } }]);
    await table.transact([
      { put: { ...restKey('follow', 'trail-005'), attributes: { format: 9, size: 10, settings: 's' } } },
    ]);
    await note(['trail-006']);
    expect(await aDayLater()).toEqual(all.slice(1, 7));
    // What was on the list was not found at rest by the pass.
    expect(await aDayLater()).toEqual(['trail-001', 'trail-002']);
    expect(await aDayLater()).toEqual(['trail-001']);
    expect(await aDayLater('others')).toEqual(all);
  });

  it('is followed by another at once where wake-ups get lost', async () => {
    await sweep(undefined, { onVisit: async (trail) => trail === 'trail-123' });
    visits = [];
    await sweep();
    expect(visits).toHaveLength(all.length);
    visits = [];
    await sweep();
    expect(visits).toEqual([]);
  });
});

it('visits every trail though the list and the pass hold items that cannot be read, and names both', async () => {
  await note(['trail-001', 'trail-002']);
  const garbled = { attributes: { garbled: 'x' } };
  for (let shard = 0; shard < 4; shard++) {
    for await (const { partition, sort } of table.query({ partition: duePartition('follow', shard) })) {
      if (sort === 'trail-001') await table.transact([{ put: { partition, sort, ...garbled } }]);
    }
  }
  await table.transact([{ put: { ...fullPassKey('follow'), ...garbled } }]);
  const told: string[] = [];
  const onError = (error: unknown) => void told.push(String(error));
  expect(await sweep(undefined, { onError })).toMatchObject({ failed: new Set(), passMs: 0 });
  expect(new Set(visits)).toEqual(new Set(all));
  expect(told).toEqual([
    expect.stringContaining('when trail trail-001 is due'),
    expect.stringContaining('how far the pass'),
  ]);
  expect(await sweep(undefined, { onError })).toMatchObject({ failed: new Set() });
  expect(told).toHaveLength(2);
});
