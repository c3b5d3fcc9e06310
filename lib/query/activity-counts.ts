import { emptyCounts } from '../index/format/counts.ts';
import { isCurrent, readIndexSnapshot } from '../index/format/index-state.ts';
import { findPostings, fingerprintOf } from '../index/format/postings.ts';
import { classOf, endOf, type Run, TOP_CLASS } from '../index/format/runs.ts';
import { MergedAway, RunPostings, runGroups } from '../index/reader/run-postings.ts';
import type { Table } from '../store/ports.ts';
import { ACTIVITY_COUNTED, type ActivityCounts, noActivity } from './activity.ts';
import { readWholeHours, type Span } from './span.ts';

/** Counts of an actor's records in `[from, to)`. */
export interface IndexedActivity {
  readonly from: number;
  readonly to: number;
  readonly counts: ActivityCounts;
}

/** Values whose postings are read concurrently. */
const AT_ONCE = 16;

/**
 * Counts an actor's records in the whole hours of a span from the index alone, by intersecting the actor's postings with
 * those of each type and outcome. Two values may share a fingerprint, by chance or by design, so postings may name too many
 * records but never too few. The result is therefore exact if all of them name as many records as the index has counted
 * for the value; otherwise it is discarded.
 *
 * @param actors the values that identify the actor
 * @returns undefined if the index cannot tell, or if reading the actor's records is cheaper
 */
export async function countByIndex(
  table: Table,
  trail: string,
  actors: readonly string[],
  span: Span,
): Promise<IndexedActivity | undefined> {
  const index = await readIndexSnapshot(table, trail);
  const [from, to] = [span.lowHour, Math.min(span.highHour, index.size)];
  if (from >= to) return undefined;
  const hours = emptyCounts(0);
  for await (const { part } of readWholeHours(table, trail, index.runs, span)) part.addTo(hours);

  const total = actors.reduce((sum, actor) => sum + (hours.values.actor.get(actor) ?? 0), 0);
  const values = ACTIVITY_COUNTED.flatMap((dimension) =>
    [...hours.values[dimension]].map(([value, records]) => new CountedValue(dimension, value, records)),
  );
  const groups = runGroups(index.runs, from, to).flatMap(boundedGroups);
  // Compares one index read for each of these with one block read for each of the actor's records.
  if (values.length * groups.length >= total) return undefined;

  const counts = noActivity();
  try {
    for (const runs of groups) {
      const range = { table, trail, runs, from, to };
      const { marks, marked } = await markRecords(range, actors);
      counts.total += marked;
      for (let next = 0; next < values.length; next += AT_ONCE) {
        await Promise.all(values.slice(next, next + AT_ONCE).map((value) => value.countIn(range, marks)));
      }
    }
  } catch (error) {
    if (error instanceof MergedAway) return undefined;
    throw error;
  }
  const isExact = counts.total === total && values.every((value) => value.isExact);
  if (!isExact || !(await isCurrent(table, trail, index))) return undefined;
  for (const { dimension, value, shared } of values) if (shared > 0) counts.values[dimension].set(value, shared);
  return { from, to, counts };
}

/** Records of some runs in which to read postings. */
interface PostingsRange {
  readonly table: Table;
  readonly trail: string;
  /** Consecutive runs of one class. */
  readonly runs: readonly Run[];
  readonly from: number;
  readonly to: number;
}

/** Splits runs of the top class into groups of one, since a group takes a byte of memory for each of its records. */
const boundedGroups = (runs: Run[]): Run[][] =>
  classOf(runs[0]?.size ?? 0) === TOP_CLASS ? runs.map((run) => [run]) : [runs];

const firstOf = ({ runs }: PostingsRange): number => runs[0]?.first ?? 0;

/** A byte for each record of the runs: 1 if the actor's postings name it, else 0; and how many they name. */
async function markRecords(
  range: PostingsRange,
  actors: readonly string[],
): Promise<{ readonly marks: Uint8Array; readonly marked: number }> {
  const [first, last] = [firstOf(range), range.runs.at(-1)];
  const marks = new Uint8Array(last === undefined ? 0 : endOf(last) - first);
  let marked = 0;
  for (const actor of actors) {
    for await (const seqs of seqsOf(range, fingerprintOf('actor', actor))) {
      for (const seq of seqs) {
        marked += marks[seq - first] === 0 ? 1 : 0;
        marks[seq - first] = 1;
      }
    }
  }
  return { marks, marked };
}

/** A type or an outcome, and its number of records. */
class CountedValue {
  readonly dimension: (typeof ACTIVITY_COUNTED)[number];
  readonly value: string;
  /** Records with this value that are marked. */
  shared = 0;
  /** Records not yet named by its postings; negative if they named too many. */
  #left: number;

  constructor(dimension: (typeof ACTIVITY_COUNTED)[number], value: string, records: number) {
    this.dimension = dimension;
    this.value = value;
    this.#left = records;
  }

  get isExact(): boolean {
    return this.#left === 0;
  }

  async countIn(range: PostingsRange, marks: Uint8Array): Promise<void> {
    const first = firstOf(range);
    for await (const seqs of seqsOf(range, fingerprintOf(this.dimension, this.value))) {
      this.#left -= seqs.length;
      for (const seq of seqs) this.shared += marks[seq - first] ?? 0;
    }
  }
}

/** The records of runs with a fingerprint, ascending, in batches. @throws {@link MergedAway} */
async function* seqsOf(
  { table, trail, runs, from, to }: PostingsRange,
  fingerprint: number,
): AsyncGenerator<readonly number[], void, void> {
  const found = await findPostings(table, trail, runs, fingerprint);
  for (const run of runs) {
    const entry = found.get(run.first);
    if (entry === undefined) continue;
    const postings = new RunPostings(table, trail, run, [entry]);
    const starts = postings.windows();
    for (const [i, start] of starts.entries()) {
      const end = starts[i + 1] ?? endOf(run);
      if (start < to && end > from) yield await postings.within(Math.max(from, start), Math.min(to, end));
    }
  }
}
