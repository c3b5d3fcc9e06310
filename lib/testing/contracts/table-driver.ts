import { randomUUID } from 'node:crypto';
import type { Item, Range, Table } from '../../store/ports.ts';

/** A driver under test, and how the suite opens and inspects it. */
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
