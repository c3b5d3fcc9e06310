import { SealtrailError } from '../log/error.ts';
import type { Item, Table } from '../store/ports.ts';
import { type ArchivedRecords, recordsInBundles } from './archived-records.ts';
import { readHead } from './commit.ts';
import type { Block, RecordRange } from './items/block.ts';
import { blockKey, blockPartition, sortableNumber } from './items/layout.ts';
import { loadBlock, OpenBlock } from './items/stored-block.ts';

/**
 * Every block that overlaps a range, whole, in order. The range is clipped to the trail's size at the time of the call.
 * Records that have left the hot store are read from the archive, in blocks that are cut to its bundles and the range.
 *
 * @param archive where blocks are read that are not there any more; without it they cannot be
 * @throws `store_corrupt` when a block is damaged, or missing where the head says that there is one, and not in the archive
 *   either: an answer is never shorter than the trail. `archive_damaged` naming the object. `records_archived` without an
 *   archive to read from.
 */
export async function* readBlocks(
  table: Table,
  trail: string,
  range: RecordRange,
  archive?: ArchivedRecords,
): AsyncGenerator<Block, void, void> {
  const { size } = await readHead(table, trail);
  const from = Math.max(0, range.from);
  const to = Math.min(size, range.to);
  if (from >= to) return;
  const clipped = { ...range, from, to };
  const absent: Absent = (low, high) => archivedBlocks(table, trail, { ...clipped, from: low, to: high }, archive);
  yield* range.order === 'descending'
    ? blocksDown(table, trail, clipped, absent)
    : blocksUp(table, trail, clipped, absent);
}

/** Records from `low` to before `high`, which no block in the hot store holds. */
type Absent = (low: number, high: number) => AsyncIterable<Block>;

async function* blocksUp(
  table: Table,
  trail: string,
  { from, to }: RecordRange,
  absent: Absent,
): AsyncGenerator<Block, void, void> {
  let edge = from;
  for await (const item of itemsUp(table, trail, from, to)) {
    const block = await loadHeld(loadBlock, table, trail, item);
    if (block === undefined) continue;
    const end = block.first + block.count;
    if (edge === from && end <= from) continue; // it stands before the range: what held the first record is gone
    if (edge !== from && block.first < edge) throw overlapping(trail, block.first);
    if (block.first > edge) yield* absent(edge, Math.min(block.first, to));
    yield block;
    edge = end;
    if (edge >= to) return;
  }
  yield* absent(edge, to);
}

async function* blocksDown(
  table: Table,
  trail: string,
  { from, to }: RecordRange,
  absent: Absent,
): AsyncGenerator<Block, void, void> {
  let edge = to;
  for await (const item of itemsDown(table, trail, to)) {
    const block = await loadHeld(loadBlock, table, trail, item);
    if (block === undefined) continue;
    const end = block.first + block.count;
    if (edge !== to && end > edge) throw overlapping(trail, block.first);
    if (end < edge) yield* absent(Math.max(end, from), edge);
    if (end <= from) return;
    yield block;
    edge = block.first;
    if (edge <= from) return;
  }
  yield* absent(from, edge);
}

type Load<T> = (table: Table, trail: string, item: Item) => Promise<T>;

/** A block; undefined when it is on its way out and not all of it is there any more. */
async function loadHeld<T>(load: Load<T>, table: Table, trail: string, item: Item): Promise<T | undefined> {
  try {
    return await load(table, trail, item);
  } catch (error) {
    // Whatever carries a time to expire at was in the archive before: that copy is as good, and is checked.
    const isExpiring = item.expiresAt !== undefined;
    if (isExpiring && error instanceof SealtrailError && error.code === 'store_corrupt') return undefined;
    throw error;
  }
}

/**
 * The block whose first record is this one; undefined when it is not in the hot store (any more).
 *
 * @throws `store_corrupt` when it is damaged; the Table's errors
 */
export async function readBlockAt(table: Table, trail: string, first: number): Promise<OpenBlock | undefined> {
  const item = await table.get(blockKey(trail, first));
  return item === undefined ? undefined : loadHeld(OpenBlock.open, table, trail, item);
}

/**
 * One record's line, or undefined beyond the trail's end. Of its block only the lines around it are made.
 *
 * @throws as {@link readBlocks}
 */
export async function readRecord(
  table: Table,
  trail: string,
  seq: number,
  archive?: ArchivedRecords,
): Promise<string | undefined> {
  const { size } = await readHead(table, trail);
  if (seq >= size) return undefined;
  const lineOf: Load<string | undefined> = async (...where) => {
    const block = await OpenBlock.open(...where);
    return seq >= block.first && seq < block.first + block.count ? block.line(seq) : undefined;
  };
  for await (const item of holderOf(table, trail, seq)) {
    const line = await loadHeld(lineOf, table, trail, item);
    if (line !== undefined) return line;
  }
  const found = archivedBlocks(table, trail, { from: seq, to: seq + 1 }, archive);
  for await (const { first, lines } of found) return lines[seq - first];
  return undefined;
}

/** The source of records that are not in the hot store. @throws as {@link readBlocks} */
export async function readArchived(
  table: Table,
  trail: string,
  seqs: readonly number[],
  archive: ArchivedRecords | undefined,
): Promise<readonly Block[]> {
  const source = await assertArchived(table, trail, Math.min(...seqs), Math.max(...seqs) + 1, archive);
  return source.around(trail, seqs);
}

/** Records that are not in the hot store. */
async function* archivedBlocks(
  table: Table,
  trail: string,
  range: RecordRange,
  archive: ArchivedRecords | undefined,
): AsyncGenerator<Block, void, void> {
  const { from, to } = range;
  if (from >= to) return;
  yield* (await assertArchived(table, trail, from, to, archive)).blocks(trail, range);
}

/** @throws `store_corrupt` unless the archive has these records; `records_archived` where it is not read */
async function assertArchived(
  table: Table,
  trail: string,
  from: number,
  to: number,
  archive: ArchivedRecords | undefined,
): Promise<ArchivedRecords> {
  const end = await recordsInBundles(table, trail);
  if (to > end) throw missing(trail, Math.max(from, end));
  if (archive !== undefined) return archive;
  const message = `record ${from} of trail ${trail} has left the hot store: it is in the archive, which is not read here`;
  throw new SealtrailError('records_archived', message);
}

/** The items from the block that holds record `from` to the one that holds record `to - 1`. */
async function* itemsUp(table: Table, trail: string, from: number, to: number): AsyncGenerator<Item, void, void> {
  let start = sortableNumber(from);
  for await (const item of holderOf(table, trail, from)) start = item.sort;
  yield* table.query({ partition: blockPartition(trail), from: start, to: sortableNumber(to - 1) });
}

/** The item of the block that holds a record, if it is in the hot store; else the one before it. */
function holderOf(table: Table, trail: string, seq: number): AsyncIterable<Item> {
  return table.query({ partition: blockPartition(trail), to: sortableNumber(seq), order: 'descending', limit: 1 });
}

/** The items from the block that holds record `to - 1` downwards. */
function itemsDown(table: Table, trail: string, to: number): AsyncIterable<Item> {
  return table.query({ partition: blockPartition(trail), to: sortableNumber(to - 1), order: 'descending' });
}

const missing = (trail: string, seq: number): SealtrailError =>
  new SealtrailError('store_corrupt', `record ${seq} of trail ${trail} is missing from the ledger`);

const overlapping = (trail: string, first: number): SealtrailError =>
  new SealtrailError(
    'store_corrupt',
    `the block at ${first} of trail ${trail} does not stand where the one before it ends`,
  );
