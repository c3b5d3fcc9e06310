import { INDEX_RUN, INDEX_SUBMITTER, INDEX_TRAIL } from '../../contract/system-trails.ts';
import { INDEX_RULES } from '../../index/format/index-rules.ts';
import { endOf } from '../../index/format/runs.ts';
import { indexRoot, type StatedRun } from '../../index/format/statement.ts';
import { fromHex, toHex } from '../../log/encoding.ts';
import { isCount, isObject } from '../../log/json.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import type { Objects } from '../../store/ports.ts';
import { type ArchivedLine, readSegment, type Segment, segmentsOf } from '../evidence/segments.ts';
import { type RunProgress, RunSlice } from './run-slices.ts';

/** A run as a record of `_index` states it. */
export interface Statement {
  readonly trail: string;
  /** The number of the record. */
  readonly record: number;
  readonly rules: string;
  readonly run: StatedRun;
  readonly index: { readonly size: number; readonly runs: number; readonly root: string };
}

/** A statement that is not true, or that could not be looked at. */
export interface DoubtedRun {
  readonly trail: string;
  readonly from: number;
  readonly to: number;
  /** The number of the record in `_index`. */
  readonly record: number;
  /** True if the records contradict it; else they could not be asked. */
  readonly isFalse: boolean;
  readonly reason: string;
}

/** The result of a check of an index. */
export interface IndexReport {
  /** Runs whose roots and counts are those of their records. */
  readonly runs: number;
  readonly doubted: readonly DoubtedRun[];
}

/** The trails and records to check. */
export interface IndexScope {
  /** @default all */
  readonly trails?: readonly string[] | undefined;
  readonly signal?: AbortSignal;
  /** Records of which the terms are in memory at a time: a longer run takes several goes through its records. @default 262,144 */
  readonly sliceRecords?: number;
}

/**
 * Computes the root and counts of every run that `_index` states from the records in an archive, and compares. Reads the records of
 * each trail once, and those of runs beyond 262,144 records once for every 262,144, so that memory is bounded. It goes by what the archive holds: `verifyArchive`
 * judges that.
 *
 * @throws the errors of the store; `archive_damaged` naming a segment that is not readable; the signal's reason
 */
export async function checkRuns(objects: Objects, scope: IndexScope = {}): Promise<IndexReport> {
  const { trails, signal } = scope;
  const stated = new Map<string, Statement[]>();
  for await (const { line } of recordsOf(objects, INDEX_TRAIL, signal)) {
    const statement = statementIn(line);
    if (statement === undefined || trails?.includes(statement.trail) === false) continue;
    const known = stated.get(statement.trail);
    if (known === undefined) stated.set(statement.trail, [statement]);
    else known.push(statement);
  }
  let runs = 0;
  const doubted: DoubtedRun[] = [];
  for (const [trail, all] of stated) {
    doubted.push(...doubtedLists(all));
    const found = await doubtedRuns(objects, trail, all, scope);
    runs += all.length - found.length;
    doubted.push(...found);
  }
  return { runs, doubted };
}

async function* recordsOf(
  objects: Objects,
  trail: string,
  signal?: AbortSignal,
  wants: (segment: Segment) => boolean = () => true,
): AsyncGenerator<ArchivedLine, void, void> {
  for await (const segment of segmentsOf(objects, trail)) {
    signal?.throwIfAborted();
    if (wants(segment)) yield* await readSegment(objects, segment);
  }
}

/** The statement that a line makes; undefined if it states no run. */
export function statementIn(line: string): Statement | undefined {
  const { seq, submitter, event } = parseRecord(line);
  const { resource, details } = event;
  if (event.type !== INDEX_RUN || submitter !== INDEX_SUBMITTER) return undefined;
  if (!isObject(resource) || !isObject(details) || !isObject(details.run) || !isObject(details.index)) return undefined;
  const { from, to, leaves, root, counts } = details.run;
  const { size, runs, root: whole } = details.index;
  if (![from, to, leaves, size, runs].every(isCount)) return undefined;
  const run = {
    first: Number(from),
    size: Number(to) - Number(from),
    leaves: Number(leaves),
    root: fromHex(String(root)),
    counts: fromHex(String(counts)),
  };
  const index = { size: Number(size), runs: Number(runs), root: String(whole) };
  return { trail: String(resource.id), record: seq, rules: String(details.rules), run, index };
}

/** Earlier lists that a statement may build on: two processes at once may state what only one of them brings about. */
const LISTS = 64;

/** The statements whose lists of runs are not those that the statements before add up to. */
function doubtedLists(all: readonly Statement[]): DoubtedRun[] {
  const lists: (readonly StatedRun[])[] = [[]];
  return all.flatMap((statement) => {
    const { run, index } = statement;
    const list = lists
      .map((before) => [
        ...before.filter((one) => endOf(one) <= run.first),
        run,
        ...before.filter((one) => one.first >= endOf(run)),
      ])
      .findLast((one) => one.length === index.runs && toHex(indexRoot(one)) === index.root);
    if (list === undefined)
      return [doubt(statement, true, 'its list of runs is not that of the runs that were stated')];
    lists.push(list);
    // An index that is made anew begins without any.
    if (lists.length > LISTS) lists.splice(1, 1);
    return [];
  });
}

/** A run to look at, as far as it has been looked at. */
interface Pending {
  readonly statement: Statement;
  readonly done?: RunProgress;
}

/** The runs whose roots or counts are not those of their records. Long ones take several goes through the records. */
async function doubtedRuns(
  objects: Objects,
  trail: string,
  all: readonly Statement[],
  { signal, sliceRecords }: IndexScope,
): Promise<DoubtedRun[]> {
  const isKnown = ({ rules }: Statement) => rules === INDEX_RULES;
  const isEmpty = ({ run }: Statement) => run.size < 1;
  const doubted = all.flatMap((one) => {
    if (!isKnown(one)) {
      return doubt(one, false, `it was made by the rules ${one.rules}, and this version knows ${INDEX_RULES}`);
    }
    return isEmpty(one) ? doubt(one, true, 'a run has at least one record') : [];
  });
  let pending: Pending[] = all
    .filter((one) => isKnown(one) && !isEmpty(one))
    .sort((a, b) => a.run.first - b.run.first)
    .map((statement) => ({ statement }));
  while (pending.length > 0) {
    const pass = new Pass(pending, sliceRecords);
    for await (const { record } of recordsOf(objects, trail, signal, pass.wants)) await pass.add(record);
    pass.end();
    doubted.push(...pass.doubted);
    pending = pass.pending;
  }
  return doubted;
}

/** One go through the records of a trail. Of every run that begins among them a slice is looked at. */
class Pass {
  readonly doubted: DoubtedRun[] = [];
  /** Runs that need another pass. */
  readonly pending: Pending[] = [];
  /** True for a segment that has records to look at. */
  readonly wants: (segment: Segment) => boolean;
  readonly #waiting: Pending[];
  readonly #sliceRecords: number | undefined;
  #open: { readonly statement: Statement; readonly slice: RunSlice }[] = [];

  /** @param runs by their first records, ascending */
  constructor(runs: readonly Pending[], sliceRecords: number | undefined) {
    this.#waiting = [...runs];
    this.#sliceRecords = sliceRecords;
    const ranges = runs.map(({ statement: { run } }) => run);
    this.wants = ({ first, last }) => ranges.some((run) => run.first <= last && first < endOf(run));
  }

  async add(record: SealedRecord): Promise<void> {
    const { seq, receivedAt } = record;
    for (let next = this.#waiting[0]; next !== undefined && next.statement.run.first <= seq; next = this.#waiting[0]) {
      this.#waiting.shift();
      const { statement, done } = next;
      if (statement.run.first < seq) this.#miss(statement);
      else this.#open.push({ statement, slice: new RunSlice(statement.run, done, this.#sliceRecords) });
    }
    for (const { slice } of this.#open) slice.addRecord(receivedAt, record);
    const ending = this.#open.filter(({ statement }) => endOf(statement.run) === seq + 1);
    if (ending.length === 0) return;
    for (const { statement, slice } of ending) {
      const done = await slice.end();
      if (typeof done !== 'boolean') this.pending.push({ statement, done });
      else if (!done) this.doubted.push(doubt(statement, true, 'its root or its counts are not those of its records'));
    }
    this.#open = this.#open.filter(({ statement }) => endOf(statement.run) > seq + 1);
    this.pending.sort((a, b) => a.statement.run.first - b.statement.run.first);
  }

  /** Says what the archive does not have. */
  end(): void {
    for (const { statement } of [...this.#open, ...this.#waiting]) this.#miss(statement);
  }

  #miss(statement: Statement): void {
    this.doubted.push(doubt(statement, false, 'the archive does not hold its records'));
  }
}

const doubt = ({ trail, record, run }: Statement, isFalse: boolean, reason: string): DoubtedRun => ({
  ...{ trail, from: run.first, to: endOf(run), record, isFalse, reason },
});
