/**
 * Consecutive records that were indexed together, in one file. The runs of a trail cover record 0 to the indexer's watermark
 * without gaps.
 */
export interface Run {
  readonly first: number;
  /** Records in it, at least one. */
  readonly size: number;
}

/**
 * The records at which each class of runs begins. Sixteen runs of a class merge into one of the next. From 65,536 records on that
 * takes two steps of four, for a long trail has most of its records in such runs, and each costs a query some reads and a proof a
 * path.
 */
const BOUNDS = [16, 256, 4096, 65_536, 262_144, 2 ** 20] as const;
/** Runs of this class, of 2^20 records and more, are never merged. */
export const TOP_CLASS = BOUNDS.length;

/** A run's class: 0 for fewer than 16 records, 1 for fewer than 256, and so on up to {@link TOP_CLASS}. */
export const classOf = (size: number): number => BOUNDS.filter((bound) => size >= bound).length;

/** The record after a run's last one. */
export const endOf = (run: Run): number => run.first + run.size;

/** The runs `[start, end)` of a trail's list of runs. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * The runs to merge next, if any. Merging maintains two invariants, so that a query reads few runs even in a slow trail, and
 * each record is rewritten about once per class at most:
 *
 * - no run follows one of a lower class;
 * - fewer than sixteen runs are of the same class, and fewer than four where classes are four apart (except for the top class,
 *   which is never merged).
 */
export function nextMerge(runs: readonly Run[]): Stretch | undefined {
  return outOfOrder(runs) ?? fullClass(runs);
}

function outOfOrder(runs: readonly Run[]): Stretch | undefined {
  const classes = runs.map((run) => classOf(run.size));
  for (let i = runs.length - 1; i > 0; i--) {
    const here = classes[i] ?? 0;
    let start = i;
    while (start > 0 && (classes[start - 1] ?? 0) < here) start -= 1;
    if (start < i) return { start, end: i + 1 };
  }
  return undefined;
}

/** All runs up to some class that together reach the next one. Taking the highest such class saves steps in between. */
function fullClass(runs: readonly Run[]): Stretch | undefined {
  let found: Stretch | undefined;
  let start = runs.length;
  let records = 0;
  for (const [runClass, bound] of BOUNDS.entries()) {
    for (; start > 0; start--) {
      const run = runs[start - 1];
      if (run === undefined || classOf(run.size) > runClass) break;
      records += run.size;
    }
    if (records >= bound) found = { start, end: runs.length };
  }
  return found;
}

/** The run that results from merging consecutive runs. */
export function mergedRun(parts: readonly Run[]): Run {
  const first = parts[0]?.first ?? 0;
  return { first, size: parts.reduce((sum, run) => sum + run.size, 0) };
}
