import { countsPartition, longPostingsPartition, postingsPartition } from '../../ledger/items/layout.ts';
import type { Table } from '../../store/ports.ts';

/** The highest class of runs in those versions. */
const TOP_CLASS = 5;
/** Rows that one transaction removes. */
const AT_ONCE = 90;

/**
 * Removes rows of the index that earlier versions kept in the Table, some at a time.
 *
 * @returns whether there may be more
 */
export async function removeEarlierRows(table: Table, trail: string): Promise<boolean> {
  for (const partition of earlierPartitions(trail)) {
    const rows = await Array.fromAsync(table.query({ partition, limit: AT_ONCE }));
    if (rows.length === 0) continue;
    await table.transact(rows.map(({ sort }) => ({ remove: { partition, sort } })));
    return true;
  }
  return false;
}

function* earlierPartitions(trail: string): Generator<string, void, void> {
  for (let runClass = 0; runClass <= TOP_CLASS; runClass++) {
    yield postingsPartition(trail, runClass);
    yield longPostingsPartition(trail, runClass);
    for (const unit of ['hour', 'day'] as const) yield countsPartition(trail, runClass, unit);
  }
}
