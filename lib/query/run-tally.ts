import { COUNTED, type Counted } from '../contract/summary.ts';
import type { IndexSnapshot } from '../index/format/index-state.ts';
import { HOUR_MS, MINUTE_MS, pairsOf, type RunCounts } from '../index/format/run-counts.ts';
import { endOf } from '../index/format/runs.ts';
import type { RunFiles } from '../index/reader/run-file.ts';
import type { Span } from './span.ts';

/** Records by dimension and value. */
export type ValueCounts = Readonly<Record<Counted, Map<string, number>>>;

/** No records. */
export function noValues(): ValueCounts {
  return Object.fromEntries(COUNTED.map((name) => [name, new Map<string, number>()])) as ValueCounts; // every dimension
}

/** Adds to the count of a value. */
export function addCount<K>(counts: Map<K, number>, value: K, count: number): void {
  counts.set(value, (counts.get(value) ?? 0) + count);
}

/** Runs whose counts are read together. */
const AT_ONCE = 8;

/** The counts of the runs that have records of the whole hours of a span. @throws as the methods of {@link RunFile} */
export async function* readCounts(
  files: RunFiles,
  trail: string,
  { runs }: Pick<IndexSnapshot, 'runs'>,
  { lowHour, highHour }: Span,
): AsyncGenerator<RunCounts, void, void> {
  const needed = runs.filter((run) => run.first < highHour && endOf(run) > lowHour);
  for (let next = 0; next < needed.length; next += AT_ONCE) {
    const some = needed.slice(next, next + AT_ONCE);
    yield* await Promise.all(some.map((run) => files.open(trail, run).counts()));
  }
}

/** Adds up the counts of a span's whole hours. `onMinutes` gets the records of each minute, by its start in Unix milliseconds. */
export function tallyHours(
  { values, hours }: RunCounts,
  { fromHour, toHour }: Span,
  into: ValueCounts,
  onMinutes?: (start: number, count: number) => void,
): number {
  const counts = new Float64Array(values.length);
  let total = 0;
  for (const { hour, ...of } of hours) {
    if (hour < fromHour || hour >= toHour) continue;
    total += of.total;
    for (let i = 0; i < of.values.length; i += 2) {
      const place = of.values[i] ?? 0;
      counts[place] = (counts[place] ?? 0) + (of.values[i + 1] ?? 0);
    }
    if (onMinutes === undefined) continue;
    for (const [minute, count] of pairsOf(of.minutes)) onMinutes(hour * HOUR_MS + minute * MINUTE_MS, count);
  }
  for (const [place, [dimension, value]] of values.entries()) {
    const count = counts[place] ?? 0;
    if (count > 0) addCount(into[dimension], value, count);
  }
  return total;
}
