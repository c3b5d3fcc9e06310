import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Table } from '../../store/ports.ts';
import { freshPartition, sorts, type TableDriver } from './table-driver.ts';
import { itemsContract } from './table-items.ts';
import { rangesContract } from './table-ranges.ts';
import { transactionsContract } from './table-transactions.ts';

/**
 * The contract of the port `Table`, sentence by sentence. Every driver runs it.
 *
 * @example
 * tableContract('SqliteTable', { open: () => SqliteTable.open(file) });
 */
export function tableContract(name: string, driver: TableDriver): void {
  describe(`${name} keeps the contract of Table`, () => {
    let table: Table;
    beforeAll(async () => {
      table = await driver.open();
    });
    afterAll(() => table.close());
    const underTest = { table: () => table, takesBytes: driver.takesBytes ?? 3_990_000 };

    itemsContract(underTest);
    rangesContract(underTest);
    transactionsContract(underTest);

    describe('the end of it', () => {
      it('keeps what it acknowledged when it is closed and opened again', async () => {
        const partition = freshPartition();
        const item = { partition, sort: 'a', attributes: { text: 'kept', bytes: Uint8Array.of(1, 2, 3) } };
        expect(await table.transact([{ put: item }])).toEqual({ committed: true });
        await table.close();
        table = await driver.open();
        expect(await table.get(item)).toEqual(item);
      });

      it('finishes the transactions under way before it closes', async () => {
        const partition = freshPartition();
        const puts = ['a', 'b', 'c'].map((sort) => table.transact([{ put: { partition, sort, attributes: {} } }]));
        await table.close();
        expect(await Promise.all(puts)).toEqual(Array(3).fill({ committed: true }));
        table = await driver.open();
        expect(await sorts(table, { partition })).toEqual(['a', 'b', 'c']);
      });

      it('refuses every call once it is closed, and closing again is nothing', async () => {
        const key = { partition: freshPartition(), sort: 'a' };
        const closed = table;
        await closed.close();
        await closed.close();
        const refused = { code: 'unavailable', message: expect.stringContaining('closed') };
        await expect(closed.get(key)).rejects.toMatchObject(refused);
        await expect(closed.transact([{ remove: key }])).rejects.toMatchObject(refused);
        await expect(sorts(closed, key)).rejects.toMatchObject(refused);
        table = await driver.open();
        expect(await table.get(key)).toBeUndefined();
      });
    });
  });
}
