import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Item, Range, Table } from '../../lib/store/ports.ts';
import { itemsContract } from './table-items.contract.ts';
import { rangesContract } from './table-ranges.contract.ts';
import { transactionsContract } from './table-transactions.contract.ts';

/** What a contract suite needs of a driver. */
export interface TableDriver {
  /** Opens the store. Called again after `close`, it opens the same data. */
  open(): Promise<Table>;
  /** Bytes of transactions that an emulator takes where it falls short of the port. @default 3,990,000 */
  readonly takesBytes?: number;
}

/** Gives each test its own partition of the table that all share: making a table takes a cloud store seconds. */
export interface TableUnderTest {
  readonly table: () => Table;
  readonly takesBytes: number;
}

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

/** A partition that no other test uses. */
export function freshPartition(): string {
  return `test#${randomUUID()}`;
}

/** The sort keys that a query gives, in its order. */
export async function sorts(table: Table, range: Range): Promise<string[]> {
  return (await items(table, range)).map((item) => item.sort);
}

/** The items that a query gives. */
export async function items(table: Table, range: Range): Promise<Item[]> {
  return Array.fromAsync(table.query(range));
}
