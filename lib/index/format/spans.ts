/**
 * Record numbers as spans: the start and the end of each, alternating, ascending, without two that touch. The end is one past the
 * last number.
 */
export type Spans = readonly number[];

/** No numbers. */
export const NO_SPANS: Spans = [];

/** Adds a span to a list, at its end or after it. Joins it to the last if they touch or overlap. */
export function pushSpan(spans: number[], from: number, to: number): void {
  const last = spans.length - 1;
  if (last > 0 && from <= (spans[last] ?? 0)) {
    if (to > (spans[last] ?? 0)) spans[last] = to;
  } else spans.push(from, to);
}

/** How many numbers there are. */
export function countSpans(spans: Spans): number {
  let count = 0;
  for (let i = 0; i + 1 < spans.length; i += 2) count += (spans[i + 1] ?? 0) - (spans[i] ?? 0);
  return count;
}

/** The numbers in `[from, to)`. */
export function clipSpans(spans: Spans, from: number, to: number): Spans {
  const { length } = spans;
  if (length === 0 || ((spans[0] ?? 0) >= from && (spans[length - 1] ?? 0) <= to)) return spans;
  const clipped: number[] = [];
  for (let i = firstEndingAfter(spans, from); i < length && (spans[i] ?? 0) < to; i += 2) {
    clipped.push(Math.max(from, spans[i] ?? 0), Math.min(to, spans[i + 1] ?? 0));
  }
  return clipped;
}

/** The numbers in both. */
export function intersectSpans(a: Spans, b: Spans): Spans {
  const both: number[] = [];
  for (let i = 0, k = 0; i < a.length && k < b.length; ) {
    const from = Math.max(a[i] ?? 0, b[k] ?? 0);
    const to = Math.min(a[i + 1] ?? 0, b[k + 1] ?? 0);
    if (from < to) both.push(from, to);
    if ((a[i + 1] ?? 0) <= (b[k + 1] ?? 0)) i += 2;
    else k += 2;
  }
  return both;
}

/** The numbers in any. */
export function unionSpans(lists: readonly Spans[]): Spans {
  const filled = lists.filter(({ length }) => length > 0);
  const [only] = filled;
  if (only === undefined) return NO_SPANS;
  if (filled.length === 1) return only;
  const pairs = filled.flatMap((spans) => {
    const found: [number, number][] = [];
    for (let i = 0; i < spans.length; i += 2) found.push([spans[i] ?? 0, spans[i + 1] ?? 0]);
    return found;
  });
  const all: number[] = [];
  for (const [from, to] of pairs.sort(([a], [b]) => a - b)) pushSpan(all, from, to);
  return all;
}

/** The numbers one by one, ascending or descending. */
export function* numbersOf(spans: Spans, isDescending = false): Generator<number, void, void> {
  if (!isDescending) {
    for (let i = 0; i < spans.length; i += 2) {
      for (let n = spans[i] ?? 0; n < (spans[i + 1] ?? 0); n++) yield n;
    }
    return;
  }
  for (let i = spans.length - 2; i >= 0; i -= 2) {
    for (let n = (spans[i + 1] ?? 0) - 1; n >= (spans[i] ?? 0); n--) yield n;
  }
}

/** The index of the first span that ends after `at`. */
function firstEndingAfter(spans: Spans, at: number): number {
  let [low, high] = [0, spans.length / 2];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((spans[2 * middle + 1] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return 2 * low;
}
