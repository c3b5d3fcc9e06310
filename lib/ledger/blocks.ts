import { SealtrailError } from '../log/error.ts';
import type { Item, Table } from '../store/ports.ts';
import { type Block, loadBlock } from './block.ts';
import { readHead } from './commit.ts';
import { blockPartition, sortableNumber } from './layout.ts';

/** Records by sequence number: `from` inclusive, `to` exclusive. */
export interface RecordRange {
  readonly from: number;
  readonly to: number;
  /** Default `ascending`. */
  readonly order?: 'ascending' | 'descending';
}

/**
 * Every block that overlaps a range, whole, in order. The range is clipped to the trail's size at the time of the call.
 *
 * @throws `store_corrupt` when a block is damaged, or missing where the head says that there is one: an answer is never
 *   shorter than the trail.
 */
export async function* readBlocks(table: Table, trail: string, range: RecordRange): AsyncGenerator<Block, void, void> {
  const { size } = await readHead(table, trail);
  const from = Math.max(0, range.from);
  const to = Math.min(size, range.to);
  if (from >= to) return;
  const descending = range.order === 'descending';
  const items = descending ? itemsDown(table, trail, to) : itemsUp(table, trail, from, to);
  // The near edge of what is still to come: it closes up to the far end of the range, block by block.
  let edge = descending ? to : from;
  for await (const item of items) {
    const block = await loadBlock(table, trail, item);
    const end = block.first + block.count;
    const reaches = block.first <= edge && edge <= end;
    const starts = descending ? edge === to || end === edge : edge === from || block.first === edge;
    if (!reaches || !starts) throw missing(trail, descending ? edge - 1 : edge);
    if (end <= from || block.first >= to) throw missing(trail, edge);
    yield block;
    edge = descending ? block.first : end;
    if (descending ? edge <= from : edge >= to) return;
  }
  throw missing(trail, descending ? edge - 1 : edge);
}

/** The items from the block that holds record `from` to the one that holds record `to - 1`. */
async function* itemsUp(table: Table, trail: string, from: number, to: number): AsyncGenerator<Item, void, void> {
  const partition = blockPartition(trail);
  let start = sortableNumber(from);
  const holder = table.query({ partition, to: start, order: 'descending', limit: 1 });
  for await (const item of holder) start = item.sort;
  yield* table.query({ partition, from: start, to: sortableNumber(to - 1) });
}

/** The items from the block that holds record `to - 1` downwards. */
function itemsDown(table: Table, trail: string, to: number): AsyncIterable<Item> {
  return table.query({ partition: blockPartition(trail), to: sortableNumber(to - 1), order: 'descending' });
}

const missing = (trail: string, seq: number): SealtrailError =>
  new SealtrailError('store_corrupt', `record ${seq} of trail ${trail} is missing from the ledger`);
