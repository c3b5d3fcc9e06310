import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../../lib/log/error.ts';
import type { Table } from '../../lib/store/ports.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { inVirtualTime } from '../simulation/virtual-time.ts';
import {
  append,
  checkAll,
  crowded,
  idsOf,
  inLine,
  isCombined,
  isJoining,
  isSigning,
  KEYLESS,
  names,
  partitions,
} from './crowd.ts';
import { checkTrail, TRAIL } from './fixture.ts';

/** The worst days of processes that commit together: whatever dies or gets lost, nothing is lost, doubled or mixed up. */

describe('a holder of the turn', () => {
  it.each(['cut_before', 'cut_after'] as const)(
    'that dies (%s its commit) leaves the others a trail that goes on',
    async (effect) => {
      const table = new MemoryTable();
      const [dying, ...living] = Array.from({ length: 8 }, () => table.restarted());
      dying?.faults.add({ effect, matching: isCombined });
      const settled = await inVirtualTime(() => {
        // The first in line takes the turn.
        const first = append(crowded(dying ?? table), 'first');
        return Promise.allSettled([first, ...living.map((one, n) => append(crowded(one), `p${n}`))]);
      });
      const receipts = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
      expect(receipts).toHaveLength(7);
      expect(settled[0]).toMatchObject({ status: 'rejected', reason: { code: 'outcome_unknown' } });
      const ids = await checkTrail(table);
      for (const receipt of receipts) expect(ids.slice(receipt.first, receipt.first + 2)).toEqual(idsOf(receipt));
      // What was not acknowledged is found by its key, or lands now: once in either case.
      const again = await inVirtualTime(() => append(table, 'first'));
      expect(again.count).toBe(2);
      expect((await checkTrail(table)).filter((id) => id === 'e-first-0')).toHaveLength(1);
      expect(await checkTrail(table)).toHaveLength(16);
    },
  );

  it('that dies before it signs leaves receipts that are sealed all the same', async () => {
    const table = new MemoryTable();
    const [dying, ...living] = Array.from({ length: 6 }, () => table.restarted());
    dying?.faults.add({ effect: 'cut_before', matching: isSigning });
    const settled = await inVirtualTime(() => {
      const first = append(crowded(dying ?? table), 'first');
      return Promise.allSettled([first, ...living.map((one, n) => append(crowded(one), `p${n}`))]);
    });
    const receipts = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(receipts.filter(({ sealed }) => sealed).length).toBeGreaterThanOrEqual(5);
    await checkAll(table, receipts);
  });

  it.each([1, 3])('whose answer is lost %i times finds out, and commits nothing twice', async (times) => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'persisted', times, matching: isCombined });
    const receipts = await inVirtualTime(() =>
      Promise.all(names(8).map((name) => append(crowded(table), name, 1, KEYLESS))),
    );
    await checkAll(table, receipts);
  });

  it('has the store fail under it for a while, and loses nothing', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'unpersisted', times: 3, matching: isCombined });
    const receipts = await inVirtualTime(() => Promise.all(names(8).map((name) => append(crowded(table), name))));
    await checkAll(table, receipts);
  });
});

describe('joining the line', () => {
  it('with its answer lost is in line all the same, and lands once', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'persisted', times: 4, matching: isJoining });
    const receipts = await inVirtualTime(() =>
      Promise.all(names(4).map((name) => append(crowded(table), name, 1, KEYLESS))),
    );
    await checkAll(table, receipts);
  });

  it('that the store does not confirm and did not make leaves it open whether the events were stored', async () => {
    const table = new MemoryTable();
    const lossy: Table = {
      ...crowded(table),
      transact: async (writes) => {
        if (isJoining({ transact: writes })) throw new SealtrailError('outcome_unknown', 'no answer');
        return crowded(table).transact(writes);
      },
    };
    const error = await inVirtualTime(() => append(lossy, 'a', 1, KEYLESS).catch((reason: unknown) => reason));
    expect(error).toMatchObject({ code: 'outcome_unknown' });
  });
});

describe('a line that someone tampered with', () => {
  it('passes over what cannot be read, and goes on', async () => {
    const table = new MemoryTable();
    const since = String(Date.now()).padStart(16, '0');
    for (const [n, body] of [Buffer.from('no zstd'), Buffer.alloc(0)].entries()) {
      const attributes = {
        id: `x${n}`,
        since: Date.now(),
        rawBytes: 10,
        left: 0,
        submitter: 'mallory',
        count: 1,
        body,
      };
      await table.transact([{ put: { partition: `waiting/${TRAIL}/${n}`, sort: `${since}/x${n}`, attributes } }]);
    }
    const receipts = await inVirtualTime(() => Promise.all(names(4).map((name) => append(crowded(table), name))));
    await checkAll(table, receipts);
  });

  it('never has a caller told that something else was sealed in place of what it sent', async () => {
    const table = new MemoryTable();
    // A process that never gets the turn, so that another one commits what it left in line.
    const meek: Table = {
      ...crowded(table),
      transact: async (writes) => {
        if (partitions(writes)[0] === 'turn') return { committed: false, failed: [] };
        return crowded(table).transact(writes);
      },
    };
    const error = await inVirtualTime(async () => {
      const appending = append(meek, 'mine', 1, KEYLESS).catch((reason: unknown) => reason);
      while ((await inLine(table)) === 0) await new Promise(setImmediate);
      for (let lane = 0; lane < 8; lane++) {
        for await (const item of table.query({ partition: `waiting/${TRAIL}/${lane}` })) {
          await table.transact([{ put: { ...item, attributes: { ...item.attributes, submitter: 'mallory' } } }]);
        }
      }
      await append(crowded(table), 'other', 1);
      return appending;
    });
    expect(error).toMatchObject({ code: 'store_corrupt' });
  });
});
