import { describe, expect, it } from 'vitest';
import { retiredKeys } from '../../lib/keys/retired-keys.ts';
import { DEPLOYMENT_PARTITION } from '../../lib/ledger/items/layout.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';

const key = { publicKey: async () => new Uint8Array(44).fill(7) };
const name = (n: number) => `trail-${'x'.repeat(50)}-${String(n).padStart(5, '0')}`;

/** A ledger of many trails, each with a checkpoint of so many records. */
const ledgerOf = (trails: number, size: number) => ({
  async *trails() {
    for (let n = 0; n < trails; n++) yield name(n);
  },
  checkpoint: async () => (size === 0 ? undefined : { size, note: '' }),
});

describe('where a retired key ended', () => {
  it.each([0, 1, 1000, 1001, 20_000])('is written down for %i trails, and read by the next process', async (trails) => {
    const table = new MemoryTable();
    const [first] = await retiredKeys(table, ledgerOf(trails, 5), [key]);
    expect(Object.keys(first?.ends ?? {})).toHaveLength(trails);
    // The trails have grown since; the key ended where it did.
    const [second] = await retiredKeys(table.restarted(), ledgerOf(trails + 1, 9), [key]);
    expect(second).toEqual(first);
  });

  it('is what the first process wrote, of several that write at once', async () => {
    const table = new MemoryTable();
    const found = await Promise.all([5, 6, 7].map((size) => retiredKeys(table, ledgerOf(2500, size), [key])));
    const ends = found.map(([one]) => one?.ends[name(2499)]);
    expect(new Set(ends).size).toBe(1);
    expect((await retiredKeys(table, ledgerOf(0, 0), [key]))[0]?.ends[name(0)]).toBe(ends[0]);
  });

  it('is not guessed where a part of it is gone', async () => {
    const table = new MemoryTable();
    await retiredKeys(table, ledgerOf(2500, 5), [key]);
    const items = await Array.fromAsync(table.query({ partition: DEPLOYMENT_PARTITION }));
    const last = items.at(-1);
    if (last === undefined) throw new Error('nothing is stored');
    await table.transact([{ remove: { partition: last.partition, sort: last.sort } }]);
    await expect(retiredKeys(table, ledgerOf(2500, 5), [key])).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
