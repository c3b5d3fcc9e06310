import type { Bucket, Summary } from '../../contract/summary.ts';
import { isObject } from '../../log/json.ts';
import type { Api } from './api.ts';
import { type Period, type Question, selectionOf } from './question.ts';

/** The log's counts for a question, over all of its trails. */
export interface Counted {
  readonly total: number;
  /** Ascending, without empty ones. */
  readonly bars: readonly { readonly from: number; readonly count: number }[];
  /** By dimension: most records first. */
  readonly by: Readonly<Record<string, readonly { readonly value: string; readonly count: number }[]>>;
}

/** Asks the log to count. Parts of a count are added up. @throws ApiError */
export async function counted(
  api: Api,
  question: Pick<Question, 'trails' | 'chips'>,
  period: Period,
  bucket: Bucket,
  signal: AbortSignal,
): Promise<Counted> {
  const sum = new Sum();
  for (const trail of question.trails) {
    let cursor: string | undefined;
    do {
      const query = [...selectionOf(question, period), ...pairs({ bucket, cursor })];
      const reply = await api.json(`/v1/trails/${trail}/summary`, query, signal);
      if (!isObject(reply)) break;
      // The cast: of the log. Counts are shown as the log's own, and nothing rests on them.
      const summary = reply as unknown as Summary;
      sum.add(summary);
      cursor = summary.more ? summary.cursor : undefined;
    } while (cursor !== undefined);
  }
  return sum.counted();
}

const pairs = (values: Readonly<Record<string, string | undefined>>): [string, string][] =>
  Object.entries(values).flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]]));

class Sum {
  #total = 0;
  readonly #bars = new Map<number, number>();
  readonly #by = new Map<string, Map<string, number>>();

  add({ total, histogram, by }: Summary): void {
    this.#total += total;
    for (const { from, count } of histogram.counts) increase(this.#bars, from, count);
    for (const [name, { values }] of Object.entries(by)) {
      const counts = this.#by.get(name) ?? new Map<string, number>();
      this.#by.set(name, counts);
      for (const { value, count } of values) increase(counts, value, count);
    }
  }

  counted(): Counted {
    const bars = [...this.#bars].sort(([a], [b]) => a - b).map(([from, count]) => ({ from, count }));
    const by = [...this.#by].map(([name, counts]) => {
      const values = [...counts].map(([value, count]) => ({ value, count }));
      return [name, values.sort((a, b) => b.count - a.count)] as const;
    });
    return { total: this.#total, bars, by: Object.fromEntries(by) };
  }
}

function increase<K>(counts: Map<K, number>, key: K, more: number): void {
  counts.set(key, (counts.get(key) ?? 0) + more);
}
