import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readArchived } from '../ledger/blocks.ts';
import { blockPartition, sortableNumber } from '../ledger/items/layout.ts';
import type { Table } from '../store/ports.ts';

/** The part of a trail's head that is needed here. */
export interface TrailEnd {
  readonly size: number;
  /** Of the newest record, Unix milliseconds. */
  readonly receivedAt: number;
}

/**
 * The number of the first record received at `time` or later; the trail's size if there is none. Exact, since `receivedAt`
 * never decreases along a trail. Reads O(log n) blocks, and fewer if events are spread evenly.
 *
 * @param time Unix milliseconds
 * @param archive reads records that have left the hot store
 * @throws as {@link readArchived}
 */
export async function seqAt(
  table: Table,
  trail: string,
  end: TrailEnd,
  time: number,
  archive?: ArchivedRecords,
): Promise<number> {
  if (end.size === 0 || time <= 0) return 0;
  if (time > end.receivedAt) return end.size;
  // The result is in [low, high]: records before low are earlier, record high is not.
  let [low, lowTime] = [0, Number.NaN];
  let [high, highTime] = [end.size - 1, end.receivedAt];
  for (let step = 0; low < high; step++) {
    // Interpolates as if events were spread evenly; every other step bisects, which bounds the number of steps.
    const share = step % 2 === 0 && highTime > lowTime ? (time - lowTime) / (highTime - lowTime) : 0.5;
    const guess = Math.min(high - 1, low + Math.floor(share * (high - low)));
    const block = await blockHeader(table, trail, guess, archive);
    if (block.receivedAt >= time) [high, highTime] = [Math.max(low, block.first), block.receivedAt];
    else [low, lowTime] = [Math.min(high, block.first + block.count), block.receivedAt];
  }
  return low;
}

async function blockHeader(
  table: Table,
  trail: string,
  seq: number,
  archive: ArchivedRecords | undefined,
): Promise<{ first: number; count: number; receivedAt: number }> {
  const range = { partition: blockPartition(trail), to: sortableNumber(seq), order: 'descending', limit: 1 } as const;
  for await (const { attributes } of table.query(range)) {
    const { first, count, receivedAt } = attributes;
    if (typeof first !== 'number' || typeof count !== 'number' || typeof receivedAt !== 'number') break;
    if (first <= seq && seq < first + count) return { first, count, receivedAt };
  }
  const around = await readArchived(table, trail, [seq], archive);
  const block = around.find(({ first, count }) => first <= seq && seq < first + count);
  if (block === undefined) throw new RangeError('a requested record was not returned');
  return block;
}
