import { describe, expect, it } from 'vitest';
import { watermarkKey } from '../../../lib/ledger/items/layout.ts';
import { moveWatermark, readWatermark } from '../../../lib/ledger/items/watermark.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import type { Attribute } from '../../../lib/store/ports.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

const read = (table: MemoryTable) => readWatermark(table, 'orders', 'indexer');

describe('a watermark', () => {
  it('stands at 0 with nothing remembered before it was ever moved', async () => {
    expect(await read(new MemoryTable())).toEqual({
      trail: 'orders',
      follower: 'indexer',
      size: 0,
      revision: 0,
      state: {},
    });
  });

  it('keeps where it was moved to, and the newest state as a whole', async () => {
    const table = new MemoryTable();
    const first = await moveWatermark(table, await read(table), { size: 7, state: { plan: 'a', runs: 2 } });
    expect(first).toEqual(await read(table));
    await moveWatermark(table, await read(table), { size: 9, state: { bytes: Uint8Array.of(1) } });
    expect(await read(table)).toMatchObject({ size: 9, revision: 2, state: { bytes: Uint8Array.of(1) } });
    await moveWatermark(table, await read(table), { size: 9 });
    expect(await read(table)).toMatchObject({ size: 9, revision: 3, state: {} });
  });

  it('is one for each follower and trail', async () => {
    const table = new MemoryTable();
    await moveWatermark(table, await read(table), { size: 7 });
    expect(await readWatermark(table, 'orders', 'archiver')).toMatchObject({ size: 0 });
    expect(await readWatermark(table, 'payments', 'indexer')).toMatchObject({ size: 0 });
  });

  it('is moved by one of several who read it at the same place, the others writing nothing', async () => {
    const table = new MemoryTable();
    for (const size of [3, 6]) {
      const from = await read(table);
      const moves = [1, 2, 3].map((n) => {
        const put = { partition: 'index', sort: `${size}-${n}`, attributes: { n } };
        return moveWatermark(table, from, { size }, [{ put }]);
      });
      expect((await Promise.all(moves)).filter((moved) => moved !== undefined)).toHaveLength(1);
    }
    const written: string[] = [];
    for await (const { sort } of table.query({ partition: 'index' })) written.push(sort);
    expect(written).toHaveLength(2);
  });

  it('is not moved when a write that goes with it is refused', async () => {
    const table = new MemoryTable();
    const also = [{ check: { partition: 'p', sort: 's' }, when: { is: 'present' } as const }];
    expect(await moveWatermark(table, await read(table), { size: 1 }, also)).toBeUndefined();
    expect(await read(table)).toMatchObject({ size: 0, revision: 0 });
  });

  it('never goes back, and keeps its own names to itself', async () => {
    const table = new MemoryTable();
    const at = await moveWatermark(table, await read(table), { size: 5 });
    if (at === undefined) throw new RangeError('nobody else is here');
    await expect(moveWatermark(table, at, { size: 4 })).rejects.toThrow(
      new RangeError('the watermark of the indexer cannot move from 5 to 4'),
    );
    await expect(moveWatermark(table, at, { size: 5.5 })).rejects.toThrow(RangeError);
    await expect(moveWatermark(table, at, { size: 6, state: { revision: 1 } })).rejects.toThrow(
      new RangeError('revision belongs to the watermark, not to its state'),
    );
  });

  it('has moved or not when the answer got lost, and reading it tells', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'persisted' });
    const from = await read(table);
    await expect(moveWatermark(table, from, { size: 5 })).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(await read(table)).toMatchObject({ size: 5, revision: 1 });
    expect(await moveWatermark(table, from, { size: 5 })).toBeUndefined();
  });

  it.each<[string, Record<string, Attribute>]>([
    ['no size', { revision: 1 }],
    ['no revision', { size: 1 }],
    ['a revision before the first', { size: 1, revision: 0 }],
    ['a size below 0', { size: -1, revision: 1 }],
    ['a size in words', { size: '12', revision: 1 }],
  ])('with %s is damage, not a fresh start', async (_what, attributes) => {
    const table = new MemoryTable();
    await table.transact([{ put: { ...watermarkKey('orders', 'indexer'), attributes } }]);
    await expect(read(table)).rejects.toThrow(
      new SealtrailError('store_corrupt', 'the watermark of the indexer in trail orders is not readable'),
    );
  });
});
