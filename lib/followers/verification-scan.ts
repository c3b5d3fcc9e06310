import { type Block, loadBlock } from '../ledger/block.ts';
import { blockPartition, sortableNumber } from '../ledger/layout.ts';
import { SealtrailError } from '../log/error.ts';
import type { Item, Table } from '../store/ports.ts';

/** A block as it stands in the ledger, or what is wrong with it. */
export type Scanned =
  | { readonly block: Block }
  | { readonly damaged: string /** Undefined where its key is no number. */; readonly seq: number | undefined };

/**
 * The blocks that hold records `from` to `to - 1`, in order, damaged ones among them: unlike the ledger's reader it goes
 * on behind damage. Gaps are the caller's to see. One block at a time is in memory.
 *
 * @throws the Table's errors
 */
export async function* scanBlocks(
  table: Table,
  trail: string,
  from: number,
  to: number,
): AsyncGenerator<Scanned, void, void> {
  if (from >= to) return;
  const partition = blockPartition(trail);
  let start = sortableNumber(from);
  for await (const item of table.query({ partition, to: start, order: 'descending', limit: 1 })) start = item.sort;
  for await (const item of table.query({ partition, from: start, to: sortableNumber(to - 1) })) {
    const scanned = await load(table, trail, item);
    // What stands before the range and does not reach into it is none of its blocks.
    if ('block' in scanned && scanned.block.first + scanned.block.count <= from) continue;
    if ('damaged' in scanned && scanned.seq !== undefined && scanned.seq < from && item.sort !== start) continue;
    yield scanned;
  }
}

async function load(table: Table, trail: string, item: Item): Promise<Scanned> {
  const number = Number(item.sort);
  const seq = Number.isSafeInteger(number) && sortableNumber(number) === item.sort ? number : undefined;
  if (seq === undefined) return { seq, damaged: 'a block stands under a key that is no record number' };
  try {
    const block = await loadBlock(table, trail, item);
    return block.first === seq ? { block } : { seq, damaged: `the block at ${seq} says that it is at ${block.first}` };
  } catch (error) {
    if (error instanceof SealtrailError && error.code !== 'store_corrupt') throw error;
    // Anything else was made by hostile bytes: they are what is looked for.
    return { seq, damaged: error instanceof Error ? error.message : String(error) };
  }
}
