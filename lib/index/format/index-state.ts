import { type Move, readWatermark, type Watermark } from '../../ledger/items/watermark.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Attribute, Table } from '../../store/ports.ts';
import { INDEX_RULES } from './index-rules.ts';
import { endOf, mergedRun, type Run } from './runs.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/** The name of the indexer's watermark. */
export const INDEXER = 'indexer';

/**
 * Work of the indexer that takes several transactions. It is stored before the first of them, so that any process can
 * continue it; repeating it writes the same bytes and does no harm:
 *
 * - `index`: write the run from the watermark up to, but not including, record `end`
 * - `merge`: merge the runs `[start, end)` of the list and write the result
 * - `remove`: remove the items of merged runs
 */
export type Plan =
  | { readonly step: 'index'; readonly end: number }
  | { readonly step: 'merge'; readonly start: number; readonly end: number }
  | { readonly step: 'remove'; readonly runs: readonly Run[] };

/** The indexer's state beside its watermark. */
export interface IndexState {
  /** The runs that make up the index, in order, from record 0 to the watermark. */
  readonly runs: readonly Run[];
  readonly plan?: Plan;
  /** Whether the runs were written under other rules (see {@link INDEX_RULES}) and must be removed, not read. */
  readonly isOutdated: boolean;
}

/** The index of a trail as queries see it: empty while it is outdated, so that they scan the records instead. */
export interface IndexSnapshot {
  /** The number of changes so far: reads at the same revision agree. */
  readonly revision: number;
  /** Records 0 to `size - 1` are indexed. */
  readonly size: number;
  readonly runs: readonly Run[];
}

/** Reads the list of runs that currently make up a trail's index. @throws `store_corrupt` */
export async function readIndexSnapshot(table: Table, trail: string): Promise<IndexSnapshot> {
  const mark = await readWatermark(table, trail, INDEXER);
  const { runs, isOutdated } = stateOf(mark);
  return isOutdated
    ? { revision: mark.revision, size: 0, runs: [] }
    : { revision: mark.revision, size: mark.size, runs };
}

/**
 * Whether all runs of `snapshot` still exist: new ones may have been added, but none was merged away. If so, the items read
 * in between were complete.
 */
export async function isCurrent(table: Table, trail: string, snapshot: IndexSnapshot): Promise<boolean> {
  const mark = await readWatermark(table, trail, INDEXER);
  if (mark.revision === snapshot.revision) return true;
  const { runs, isOutdated } = stateOf(mark);
  return !isOutdated && snapshot.runs.every((run, i) => runs[i]?.size === run.size);
}

/** A move of the watermark, with the state stored beside it. */
export function moveTo(size: number, { runs, plan }: Pick<IndexState, 'runs' | 'plan'>): Move {
  const sizes = new VarintWriter();
  for (const run of runs) sizes.put(run.size);
  const state = { rules: INDEX_RULES, runs: sizes.bytes() };
  return { size, state: plan === undefined ? state : { ...state, plan: JSON.stringify(plan) } };
}

/**
 * The move that starts replacing an outdated index. Its runs, including unfinished ones, are removed before records are
 * indexed again, since new runs of the same numbers would have the same keys.
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

/** The state stored in a watermark of the indexer. @throws `store_corrupt` */
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
    return JSON.parse(String(plan)) as Plan; // written by moveTo, unless the store is damaged in a way that JSON cannot reveal
  } catch (cause) {
    throw corrupt(mark.trail, cause);
  }
}

const corrupt = (trail: string, cause?: unknown): SealtrailError =>
  new SealtrailError('store_corrupt', `the state of the indexer of trail ${trail} is not readable`, { cause });
