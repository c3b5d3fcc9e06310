import { INDEX_RUN, INDEX_SUBMITTER, INDEX_TRAIL } from '../../contract/system-trails.ts';
import { INDEX_RULES } from '../../index/format/index-rules.ts';
import type { StoredRun } from '../../index/format/run-layout.ts';
import { endOf } from '../../index/format/runs.ts';
import { indexRoot, type StatedRun } from '../../index/format/statement.ts';
import { RunContent } from '../../index/writer/collect.ts';
import { RunWriter } from '../../index/writer/run-writer.ts';
import { fromHex, toHex } from '../../log/encoding.ts';
import { sameBytes } from '../../log/hash.ts';
import { isCount, isObject } from '../../log/json.ts';
import { parseRecord } from '../../log/record.ts';
import type { DownloadWriter, Objects } from '../../store/ports.ts';
import { type ArchivedLine, readSegment, segmentsOf } from '../evidence/segments.ts';

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
}

/**
 * Computes the root and counts of every run that `_index` states from the records in an archive, and compares. Reads the records of
 * each trail once; memory grows with the longest run, of about a million records. It goes by what the archive holds: `verifyArchive`
 * judges that.
 *
 * @throws the errors of the store; `archive_damaged` naming a segment that is not readable; the signal's reason
 */
export async function checkRuns(objects: Objects, { trails, signal }: IndexScope = {}): Promise<IndexReport> {
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
    const found = await doubtedRuns(objects, trail, all, signal);
    runs += all.length - found.length;
    doubted.push(...found);
  }
  return { runs, doubted };
}

async function* recordsOf(
  objects: Objects,
  trail: string,
  signal?: AbortSignal,
): AsyncGenerator<ArchivedLine, void, void> {
  for await (const segment of segmentsOf(objects, trail)) {
    signal?.throwIfAborted();
    yield* await readSegment(objects, segment);
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

/** The runs whose roots or counts are not those of their records. */
async function doubtedRuns(
  objects: Objects,
  trail: string,
  all: readonly Statement[],
  signal?: AbortSignal,
): Promise<DoubtedRun[]> {
  const doubted = all
    .filter(({ rules }) => rules !== INDEX_RULES)
    .map((one) => doubt(one, false, `it was made by the rules ${one.rules}, and this version knows ${INDEX_RULES}`));
  const waiting = all.filter(({ rules }) => rules === INDEX_RULES).sort((a, b) => a.run.first - b.run.first);
  let open: { readonly statement: Statement; readonly content: RunContent }[] = [];
  for await (const { record } of recordsOf(objects, trail, signal)) {
    const { seq, receivedAt } = record;
    while ((waiting[0]?.run.first ?? Number.POSITIVE_INFINITY) <= seq) {
      const statement = waiting.shift();
      if (statement === undefined) break;
      if (statement.run.first < seq) doubted.push(doubt(statement, false, 'the archive does not hold its records'));
      else open.push({ statement, content: new RunContent(seq) });
    }
    for (const { content } of open) content.addRecord(receivedAt, record);
    for (const { statement, content } of open.filter((one) => endOf(one.statement.run) === seq + 1)) {
      if (!(await isTrue(statement.run, content))) {
        doubted.push(doubt(statement, true, 'its root or its counts are not those of its records'));
      }
    }
    open = open.filter(({ statement }) => endOf(statement.run) > seq + 1);
  }
  const missing = [...open.map(({ statement }) => statement), ...waiting];
  return [...doubted, ...missing.map((one) => doubt(one, false, 'the archive does not hold its records'))];
}

/** True if a run is what its records, which were collected, make it. */
async function isTrue(run: StatedRun, content: RunContent): Promise<boolean> {
  if (content.size !== run.size) return false;
  const writer = new RunWriter({ first: run.first, size: run.size, name: '' }, NOWHERE);
  for (const [key, spans] of content.terms()) if (writer.add(key, spans)) await writer.flush();
  const found: StoredRun = await writer.end(content.extras());
  return found.leaves === run.leaves && sameBytes(found.root, run.root) && sameBytes(found.counts, run.counts);
}

/** A file that is not kept: only its root matters. */
const NOWHERE: DownloadWriter = {
  write: async () => undefined,
  finish: async () => undefined,
  abandon: async () => undefined,
};

const doubt = ({ trail, record, run }: Statement, isFalse: boolean, reason: string): DoubtedRun => ({
  ...{ trail, from: run.first, to: endOf(run), record, isFalse, reason },
});
