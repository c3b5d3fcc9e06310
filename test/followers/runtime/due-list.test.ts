import { beforeEach, describe, expect, it } from 'vitest';
import { DueList, type DueTrail } from '../../../lib/followers/runtime/due-list.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

const LEASE = 60_000;

let table: MemoryTable;
let clock: number;
let list: DueList;
beforeEach(() => {
  table = new MemoryTable();
  clock = 1_795_000_000_000;
  list = new DueList({ table, name: 'follow', now: () => clock });
});

async function claimed(trail: string): Promise<DueTrail> {
  const due = await list.find(trail);
  const claim = due && (await list.claim(due, LEASE));
  if (claim === undefined) throw new Error(`${trail} is not to be had`);
  return claim;
}
const trails = async () => (await list.all()).map(({ trail }) => trail);

describe('a list of due trails', () => {
  it('has the longest due first, and costs one read for a trail that is on it', async () => {
    await list.note('late', clock + 2);
    await list.note('early', clock + 1);
    expect(await trails()).toEqual(['early', 'late']);
    const before = { calls: table.faults.calls.length, writes: table.faults.writes };
    await list.note('early', clock + 5);
    expect(table.faults.calls.length - before.calls).toBe(1);
    expect(table.faults.writes).toBe(before.writes);
    await list.note('late', clock);
    expect(await trails()).toEqual(['late', 'early']);
  });

  it('gives a trail to one process, and forgets it when the work is done', async () => {
    await list.note('orders');
    const [due] = await list.all();
    if (due === undefined) throw new Error('nothing is due');
    const claims = await Promise.all([list.claim(due, LEASE), list.claim(due, LEASE)]);
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1);
    const claim = claims.find((one) => one !== undefined);
    if (claim !== undefined) await list.finish(claim);
    expect(await trails()).toEqual([]);
  });

  it('keeps a trail for which more work came while it was worked on, no matter who is faster', async () => {
    await list.note('orders');
    const claim = await claimed('orders');
    await list.note('orders');
    const { writes } = table.faults;
    await list.note('orders'); // and it is enough to say so once
    expect(table.faults.writes).toBe(writes);
    await list.finish(claim);
    const [left] = await list.all();
    expect(left).toMatchObject({ trail: 'orders', claimedUntil: 0 });
    expect(left !== undefined && list.isFree(left)).toBe(true);
  });

  it('takes back a trail that is left for later', async () => {
    await list.note('orders');
    await list.finish(await claimed('orders'), clock + 500);
    expect(await list.find('orders')).toMatchObject({ dueAt: clock + 500, claimedUntil: 0 });
  });

  it('lets a claim run out whose process has died, and ignores that process should it come back', async () => {
    await list.note('orders');
    const dead = await claimed('orders');
    const due = await list.find('orders');
    expect(due !== undefined && list.isFree(due)).toBe(false);
    clock += LEASE;
    const next = await claimed('orders');
    await list.finish(dead);
    expect(await list.find('orders')).toMatchObject({ revision: next.revision });
    await list.finish(next);
    expect(await trails()).toEqual([]);
  });

  it('takes an item that it cannot read for due, says which, and writes it anew', async () => {
    await list.note('orders');
    const [item] = (
      await Promise.all(
        [0, 1, 2, 3].map((shard) => Array.fromAsync(table.query({ partition: `work/follow/${shard}` }))),
      )
    ).flat();
    if (item === undefined) throw new Error('nothing is stored');
    await table.transact([{ put: { ...item, attributes: { ...item.attributes, dueAt: 'soon' } } }]);
    const unreadable = { trail: 'orders', dueAt: 0, error: expect.objectContaining({ code: 'store_corrupt' }) };
    expect(await list.all()).toEqual([expect.objectContaining(unreadable)]);
    await list.note('orders');
    const due = await list.find('orders');
    const claim = due && (await list.claim(due, 1000));
    expect((await list.find('orders'))?.error).toBeUndefined();
    if (claim !== undefined) await list.finish(claim);
    expect(await list.all()).toEqual([]);
  });
});
