import { type Move, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table } from '../../store/ports.ts';
import { INDEX_RULES } from './index-rules.ts';
import { endOf, mergedRun, type Run } from './runs.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/** Names the indexer's watermark. */
export const INDEXER = 'indexer';

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
  /** Whether the runs were written by other rules (see {@link INDEX_RULES}): then they must not be read, but removed. */
  readonly isOutdated: boolean;
}

/** The index of a trail as queries see it: an empty one while it is outdated, so that they scan the records instead. */
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
  const { runs, isOutdated } = stateOf(mark);
  return isOutdated
    ? { revision: mark.revision, size: 0, runs: [] }
    : { revision: mark.revision, size: mark.size, runs };
}

/**
 * Whether everything in `snapshot` is still there: runs may have been added since, but none was merged away. Items
 * that were read in between are then all there were.
 */
export async function isCurrent(table: Table, trail: string, snapshot: IndexSnapshot): Promise<boolean> {
  const mark = await readWatermark(table, trail, INDEXER);
  if (mark.revision === snapshot.revision) return true;
  const { runs, isOutdated } = stateOf(mark);
  return !isOutdated && snapshot.runs.every((run, i) => runs[i]?.size === run.size);
}

/** Where the watermark moves, with what is remembered beside it. */
export function moveTo(size: number, { runs, plan }: Pick<IndexState, 'runs' | 'plan'>): Move {
  const sizes = new VarintWriter();
  for (const run of runs) sizes.put(run.size);
  const state = { rules: INDEX_RULES, runs: sizes.bytes() };
  return { size, state: plan === undefined ? state : { ...state, plan: JSON.stringify(plan) } };
}

/**
 * How an outdated index is replaced: its runs, and those that were being written, are removed before the first record is indexed
 * again, since runs of the same numbers would stand under the same keys.
 */
export function startOver({ runs, plan }: IndexState): Move {
  const remains = [...runs, ...(plan === undefined ? [] : runsIn(plan, runs))];
  const none: Pick<IndexState, 'runs' | 'plan'> = { runs: [] };
  const state = remains.length === 0 ? none : { ...none, plan: { step: 'remove', runs: remains } as const };
  return { ...moveTo(0, state), restart: true };
}

/** The runs whose items a plan writes or removes. */
function runsIn(plan: Plan, runs: readonly Run[]): readonly Run[] {
  if (plan.step === 'remove') return plan.runs;
  if (plan.step === 'merge') return [mergedRun(runs.slice(plan.start, plan.end))];
  const last = runs.at(-1);
  const first = last === undefined ? 0 : endOf(last);
  return [{ first, size: plan.end - first }];
}

/** What a watermark of the indexer remembers. @throws `store_corrupt` */
export function stateOf(mark: Watermark): IndexState {
  if (mark.revision === 0) return { runs: [], isOutdated: false };
  const { rules, runs, plan } = mark.state;
  if (!(runs instanceof Uint8Array)) throw corrupt(mark.trail);
  const state = { runs: runsOf(mark, runs), isOutdated: rules !== INDEX_RULES };
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
