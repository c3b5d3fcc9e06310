import { type Move, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table } from '../../store/ports.ts';
import { endOf, type Run } from './runs.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/** Names the indexer's watermark. */
export const INDEXER = 'indexer';

/** How the index is laid out; a change of it needs a number of its own. */
const FORMAT = 1;

/**
 * What the indexer has set out to do in more than one transaction. It is stored before the first of them, so whoever
 * continues does the same, byte by byte, and repeating it does no harm:
 *
 * - `index`: write the run from the watermark to before record `end`
 * - `merge`: write the run that the runs `start` to before `end` of the list become
 * - `remove`: remove the items of runs that were merged
 */
export type Plan =
  | { readonly step: 'index'; readonly end: number }
  | { readonly step: 'merge'; readonly start: number; readonly end: number }
  | { readonly step: 'remove'; readonly runs: readonly Run[] };

/** What the indexer remembers beside its watermark. */
export interface IndexState {
  /** The runs that make up the index, in order, from record 0 to the watermark. */
  readonly runs: readonly Run[];
  readonly plan?: Plan;
}

/** The index of a trail as queries see it. */
export interface IndexSnapshot {
  /** How often the indexer has moved on: what was read at the same revision is the same. */
  readonly revision: number;
  /** Records 0 to `size - 1` are indexed. */
  readonly size: number;
  readonly runs: readonly Run[];
}

/** Reads which runs make up a trail's index now. @throws `store_corrupt` */
export async function readIndexSnapshot(table: Table, trail: string): Promise<IndexSnapshot> {
  const mark = await readWatermark(table, trail, INDEXER);
  return { revision: mark.revision, size: mark.size, runs: stateOf(mark).runs };
}

/**
 * Whether everything in `snapshot` is still there: runs may have been added since, but none was merged away. Items
 * that were read in between are then all there were.
 */
export async function isCurrent(table: Table, trail: string, snapshot: IndexSnapshot): Promise<boolean> {
  const mark = await readWatermark(table, trail, INDEXER);
  if (mark.revision === snapshot.revision) return true;
  const { runs } = stateOf(mark);
  return snapshot.runs.every((run, i) => runs[i]?.size === run.size);
}

/** Where the watermark moves, with what is remembered beside it. */
export function moveTo(size: number, { runs, plan }: IndexState): Move {
  const sizes = new VarintWriter();
  for (const run of runs) sizes.put(run.size);
  const state = { format: FORMAT, runs: sizes.bytes() };
  return { size, state: plan === undefined ? state : { ...state, plan: JSON.stringify(plan) } };
}

/** What a watermark of the indexer remembers. @throws `store_corrupt`, `unavailable` when a newer version wrote it. */
export function stateOf(mark: Watermark): IndexState {
  if (mark.revision === 0) return { runs: [] };
  const { format, runs, plan } = mark.state;
  if (typeof format !== 'number' || !(runs instanceof Uint8Array)) throw corrupt(mark.trail);
  if (format > FORMAT) {
    throw new SealtrailError('unavailable', `the index of trail ${mark.trail} was written by a newer version`);
  }
  const state = { runs: runsOf(mark, runs) };
  return plan === undefined ? state : { ...state, plan: planOf(mark, plan) };
}

function runsOf(mark: Watermark, sizes: Uint8Array): Run[] {
  const runs: Run[] = [];
  const reader = new VarintReader(sizes);
  let first = 0;
  while (!reader.isAtEnd) {
    const run = { first, size: reader.next() };
    runs.push(run);
    first = endOf(run);
  }
  if (first !== mark.size) throw corrupt(mark.trail);
  return runs;
}

function planOf(mark: Watermark, plan: Attribute): Plan {
  try {
    return JSON.parse(String(plan)) as Plan; // what moveTo wrote, or the store is damaged in a way JSON cannot show
  } catch (cause) {
    throw corrupt(mark.trail, cause);
  }
}

const corrupt = (trail: string, cause?: unknown): SealtrailError =>
  new SealtrailError('store_corrupt', `what the indexer remembers of trail ${trail} is not readable`, { cause });
