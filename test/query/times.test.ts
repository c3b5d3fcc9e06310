import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seqAt } from '../../lib/query/times.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { runs } from '../runs.ts';
import { append, START, TRAIL } from './fixture.ts';

describe('the first record at a time', () => {
  it('is the one that a scan finds, however unevenly events came', async () => {
    const someBlock = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom(0, 0, 1, 7, 1000, 1e9));
    await fc.assert(
      fc.asyncProperty(
        fc.array(someBlock, { maxLength: 60 }),
        fc.array(fc.nat(2000), { maxLength: 10 }),
        async (blocks, offsets) => {
          const table = new MemoryTable();
          const times: number[] = [];
          let now = START;
          for (const [count, later] of blocks) {
            now += later;
            await append(table, new Array(count).fill({}), now);
            times.push(...new Array(count).fill(now));
          }
          const end = { size: times.length, receivedAt: times.at(-1) ?? 0 };
          const asked = [
            0,
            START - 1,
            START,
            now,
            now + 1,
            ...times,
            ...times.map((t) => t + 1),
            ...offsets.map((ms) => START + ms),
          ];
          for (const time of asked) {
            const found = times.findIndex((receivedAt) => receivedAt >= time);
            expect(await seqAt(table, TRAIL, end, time)).toBe(found < 0 ? times.length : found);
          }
        },
      ),
      runs(15),
    );
  });

  it('takes few reads, also where all but a few events came at once', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 1000; n++) await append(table, [{}], START + (n < 5 ? n * 1e9 : 5e9 + n));
    const reads = async (time: number) => {
      const before = table.faults.calls.length;
      await seqAt(table, TRAIL, { size: 1000, receivedAt: START + 5e9 + 999 }, time);
      return table.faults.calls.length - before;
    };
    // Two for each halving of a thousand, at most.
    for (const time of [1, 1e9, 3e9, 4e9 + 1, 5e9 + 500, 5e9 + 998])
      expect(await reads(START + time)).toBeLessThanOrEqual(21);
  });

  it('is an error where the ledger has a hole', async () => {
    const table = new MemoryTable();
    for (let n = 0; n < 4; n++) await append(table, [{}], START + n);
    for (const sort of ['0000000000000001', '0000000000000002']) {
      await table.transact([{ remove: { partition: `block/${TRAIL}`, sort } }]);
    }
    await expect(seqAt(table, TRAIL, { size: 4, receivedAt: START + 3 }, START + 2)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: expect.stringMatching(/^record [12] of trail payments is missing from the ledger$/),
    });
  });
});
