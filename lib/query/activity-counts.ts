import { readIndexSnapshot } from '../index/format/index-state.ts';
import { endOf } from '../index/format/runs.ts';
import { countSpans, intersectSpans } from '../index/format/spans.ts';
import { keyOf } from '../index/format/term.ts';
import { type RunFile, type RunFiles, RunGone } from '../index/reader/run-file.ts';
import { RunPostings } from '../index/reader/run-postings.ts';
import type { Table } from '../store/ports.ts';
import { ACTIVITY_COUNTED, type ActivityCounts, noActivity } from './activity.ts';
import { addCount, noValues, readCounts, tallyHours } from './run-tally.ts';
import type { Span } from './span.ts';

/** Counts of an actor's records in `[from, to)`. */
export interface IndexedActivity {
  readonly from: number;
  readonly to: number;
  readonly counts: ActivityCounts;
}

/** Values whose records are read concurrently. */
const AT_ONCE = 16;

/**
 * Counts an actor's records in the whole hours of a span from the index alone, by intersecting the actor's records with
 * those of each type and outcome. Two values may share a key, by design of their senders, so that a run may name too many records
 * but never too few. The result is therefore exact if all of them name as many records as the index has counted for the
 * value; otherwise it is discarded.
 *
 * @param actors the values that identify the actor
 * @returns undefined if the index cannot tell, or if reading the actor's records is cheaper
 * @throws `store_corrupt`, the stores' errors
 */
export async function countByIndex(
  { table, runs: files }: { readonly table: Table; readonly runs: RunFiles },
  trail: string,
  actors: readonly string[],
  span: Span,
): Promise<IndexedActivity | undefined> {
  const { size, runs } = await readIndexSnapshot(table, trail);
  const [from, to] = [span.lowHour, Math.min(span.highHour, size)];
  if (from >= to) return undefined;
  try {
    const hours = noValues();
    for await (const counts of readCounts(files, trail, { runs }, span)) tallyHours(counts, span, hours);
    const total = actors.reduce((sum, actor) => sum + (hours.actor.get(actor) ?? 0), 0);
    const values = ACTIVITY_COUNTED.flatMap((dimension) =>
      [...hours[dimension]].map(([value, records]) => new CountedValue(dimension, value, records)),
    );
    const needed = runs.filter((run) => run.first < to && endOf(run) > from);
    // Compares one index read for each of these with one block read for each of the actor's records.
    if (values.length * needed.length >= total) return undefined;
    const counts = noActivity();
    for (const run of needed) counts.total += await countInRun(files.open(trail, run), actors, values, [from, to]);
    const isExact = counts.total === total && values.every((value) => value.isExact);
    if (!isExact) return undefined;
    for (const { dimension, value, shared } of values)
      if (shared > 0) addCount(counts.values[dimension], value, shared);
    return { from, to, counts };
  } catch (error) {
    if (error instanceof RunGone) return undefined;
    throw error;
  }
}

/** @returns how many records the actor has in a range of a run */
async function countInRun(
  file: RunFile,
  actors: readonly string[],
  values: readonly CountedValue[],
  [from, to]: readonly [number, number],
): Promise<number> {
  const found = await RunPostings.find(
    file,
    actors.map((actor) => keyOf('actor', actor)),
  );
  const own = await found.within(from, to);
  for (let next = 0; next < values.length; next += AT_ONCE) {
    const some = values.slice(next, next + AT_ONCE);
    await Promise.all(
      some.map(async (value) => {
        const postings = await RunPostings.find(file, [keyOf(value.dimension, value.value)]);
        const spans = await postings.within(from, to);
        value.add(countSpans(spans), countSpans(intersectSpans(own, spans)));
      }),
    );
  }
  return countSpans(own);
}

/** A type or an outcome, and its number of records. */
class CountedValue {
  readonly dimension: (typeof ACTIVITY_COUNTED)[number];
  readonly value: string;
  /** Records that are the actor's too. */
  shared = 0;
  /** Records not yet named by the index; negative if it named too many. */
  #left: number;

  constructor(dimension: (typeof ACTIVITY_COUNTED)[number], value: string, records: number) {
    this.dimension = dimension;
    this.value = value;
    this.#left = records;
  }

  get isExact(): boolean {
    return this.#left === 0;
  }

  add(named: number, shared: number): void {
    this.#left -= named;
    this.shared += shared;
  }
}
