/**
 * A stretch of consecutive records that were indexed together: its postings and counts are stored under its class and
 * first record. The runs of a trail follow each other without gap from record 0 to the indexer's watermark.
 */
export interface Run {
  readonly first: number;
  /** Records in it, at least one. */
  readonly size: number;
}

/** Sixteen runs of a class make one of the next: a hexadecimal digit more of the fingerprint tells its items apart. */
const FAN = 16;
/** Runs of this class, of 2^20 records and more, stay as they are. */
export const TOP_CLASS = 5;

/** A run's class: 0 for fewer than 16 records, 1 for fewer than 256, and so on up to {@link TOP_CLASS}. */
export function classOf(size: number): number {
  let runClass = 0;
  for (let bound = FAN; size >= bound && runClass < TOP_CLASS; bound *= FAN) runClass += 1;
  return runClass;
}

/** The record after a run's last one. */
export const endOf = (run: Run): number => run.first + run.size;

/** How many hexadecimal digits of a fingerprint name the item that holds it: an item then has some kilobytes. */
export const bucketDigits = (runClass: number): number => Math.max(0, runClass - 1);

/** Runs from `start` to before `end` in the list of a trail's runs. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * Which runs to merge into one next, or undefined. It keeps two promises, so that a query reads few runs however
 * slowly a trail grows, and each record is rewritten at most about once per class:
 *
 * - no run stands behind one of a lower class;
 * - fewer than sixteen runs are of the same class (but for the top class, whose runs stay).
 *
 * The merged run is always of a higher class than the first of its parts, so its items meet none of theirs.
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

/** All runs up to some class, where together they reach the next one. The highest such class spares steps between. */
function fullClass(runs: readonly Run[]): Stretch | undefined {
  let found: Stretch | undefined;
  let start = runs.length;
  let records = 0;
  for (let runClass = 0, bound = FAN; runClass < TOP_CLASS; runClass++, bound *= FAN) {
    for (; start > 0; start--) {
      const run = runs[start - 1];
      if (run === undefined || classOf(run.size) > runClass) break;
      records += run.size;
    }
    if (records >= bound) found = { start, end: runs.length };
  }
  return found;
}

/** The run that a stretch of runs becomes. */
export function mergedRun(parts: readonly Run[]): Run {
  const first = parts[0]?.first ?? 0;
  return { first, size: parts.reduce((sum, run) => sum + run.size, 0) };
}
