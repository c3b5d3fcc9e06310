import { dimensionsOf } from '../contract/dimensions.ts';
import {
  type Breakdown,
  type Bucket,
  COUNTED,
  type Counted,
  type Groups,
  type Histogram,
  type Summary,
} from '../contract/summary.ts';
import { DAY_MS } from '../contract/time.ts';
import type { SealedRecord } from '../log/record.ts';
import { type FieldReader, fieldReader, isUnit, type TimeView, timeOf } from './fields.ts';
import { startOf, UTC } from './zones.ts';

/** Default number of values in a breakdown. */
export const DEFAULT_TOP = 100;

/** The buckets of a histogram where none are asked for: minutes up to three hours, hours up to a week, else days. */
export function bucketFor(milliseconds: number): Bucket {
  if (milliseconds <= 3 * 3_600_000) return 'minute';
  return milliseconds <= 7 * DAY_MS ? 'hour' : 'day';
}

/** The choice of counts. */
export interface TallyOptions extends TimeView {
  readonly bucket: Bucket;
  /** Fields to group by. @default none */
  readonly by?: readonly string[] | undefined;
}

/** The counts of a summary. */
export type Counts = Pick<Summary, 'total' | 'by' | 'histogram' | 'groups'>;

/**
 * Counts records one by one, or adds up summaries of parts. The counts are exact; memory grows with the number of different values.
 *
 * @example
 * const tally = new Tally({ bucket: 'hour', by: ['tenant'] });
 * for (const record of records) tally.add(record);
 * tally.counts().groups?.rows; // [{ values: ['acme'], count: 3 }, …]
 */
export class Tally {
  readonly #options: TallyOptions;
  readonly #readers: readonly FieldReader[];
  readonly #values: Readonly<Record<Counted, Map<string, number>>>;
  readonly #buckets = new Map<number, number>();
  readonly #groups = new Map<string, number>();
  #total = 0;
  #undated = 0;
  #characters = 0;

  /** @throws `invalid_parameter` for a field that cannot be counted by */
  constructor(options: TallyOptions) {
    this.#options = options;
    this.#readers = (options.by ?? []).map((name) => fieldReader(name, options));
    // The cast: of every dimension that is counted.
    this.#values = Object.fromEntries(COUNTED.map((name) => [name, new Map()])) as Record<Counted, Map<string, number>>;
  }

  /** About how much memory the counted values take, in characters. */
  get characters(): number {
    return this.#characters;
  }

  add(record: SealedRecord): void {
    const { bucket, clock, zone = UTC } = this.#options;
    this.#total += 1;
    for (const [dimension, value] of dimensionsOf(record)) {
      const values = COUNTED.some((name) => name === dimension) ? this.#values[dimension as Counted] : undefined;
      if (values !== undefined) this.#count(values, value, 1);
    }
    const time = timeOf(record, clock);
    if (time === undefined) this.#undated += 1;
    else this.#addTime(startOf(bucket, zone, time), 1);
    if (this.#readers.length > 0) {
      for (const values of combined(this.#readers.map((read) => read(record)))) {
        this.#count(this.#groups, JSON.stringify(values), 1);
      }
    }
  }

  /** Adds the counts of a part, which lists every value. Its buckets may be finer. */
  addPart({ total, by, histogram, groups }: Counts): void {
    const { bucket, zone = UTC } = this.#options;
    this.#total += total;
    for (const name of COUNTED)
      for (const { value, count } of by[name].values) this.#count(this.#values[name], value, count);
    for (const { from, count } of histogram.counts) this.#addTime(startOf(bucket, zone, from), count);
    this.#undated += histogram.undated ?? 0;
    for (const { values, count } of groups?.rows ?? []) this.#count(this.#groups, JSON.stringify(values), count);
  }

  /** @param top values of each breakdown, and groups, to list */
  counts(top: number = DEFAULT_TOP): Counts {
    const by = Object.fromEntries(COUNTED.map((name) => [name, breakdown(this.#values[name], top)]));
    return {
      total: this.#total,
      by: by as Summary['by'], // one by one above
      histogram: this.#histogram(),
      ...(this.#readers.length === 0 ? {} : { groups: this.#grouped(top) }),
    };
  }

  #histogram(): Histogram {
    const { bucket, clock = 'received', zone = UTC } = this.#options;
    const counts = [...this.#buckets].map(([from, count]) => ({ from, count })).sort((a, b) => a.from - b.from);
    return {
      bucket,
      ...(zone === UTC ? {} : { tz: zone }),
      ...(clock === 'received' ? {} : { clock, undated: this.#undated }),
      counts,
    };
  }

  #grouped(top: number): Groups {
    const fields = this.#options.by ?? [];
    const time = fields.findIndex(isUnit);
    // The casts: it is what was counted.
    const rows = [...this.#groups].map(([key, count]) => ({ values: JSON.parse(key) as (string | null)[], count }));
    rows.sort(
      (a, b) =>
        compare(a.values[time] ?? '', b.values[time] ?? '') || b.count - a.count || compareAll(a.values, b.values),
    );
    const listed = time < 0 ? rows.slice(0, top) : rows.slice(-Math.max(top, MAX_TIMES));
    const others = this.#sum(rows) - this.#sum(listed);
    return { fields, rows: listed, distinct: rows.length, others };
  }

  #sum(rows: Groups['rows']): number {
    return rows.reduce((sum, { count }) => sum + count, 0);
  }

  #count(values: Map<string, number>, value: string, count: number): void {
    const before = values.get(value);
    if (before === undefined) this.#characters += value.length + ENTRY;
    values.set(value, (before ?? 0) + count);
  }

  #addTime(start: number, count: number): void {
    if (!this.#buckets.has(start)) this.#characters += ENTRY;
    this.#buckets.set(start, (this.#buckets.get(start) ?? 0) + count);
  }
}

/** The bytes that an entry takes besides its text. */
const ENTRY = 32;
/** Groups by time are not cut at so few as others: the newest of them are listed. */
const MAX_TIMES = 10_000;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const compareAll = (a: readonly (string | null)[], b: readonly (string | null)[]): number =>
  compare(JSON.stringify(a), JSON.stringify(b));

/** Values of one field of a record that are counted one by one: beyond that a list would make too many combinations. */
const MAX_VALUES = 10;

/** Every combination of one value of each field; null for a field without values, and the number of those that are too many. */
function combined(fields: readonly (readonly string[])[]): (string | null)[][] {
  return fields.reduce<(string | null)[][]>(
    (rows, all) => {
      const values = all.length === 0 ? [null] : all.length > MAX_VALUES ? [`(${all.length} values)`] : all;
      return rows.flatMap((row) => values.map((value) => [...row, value]));
    },
    [[]],
  );
}

/** The `top` values with the most records. */
export function breakdown(counts: ReadonlyMap<string, number>, top: number): Breakdown {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const values = sorted.slice(0, top).map(([value, count]) => ({ value, count }));
  const others = sorted.slice(top).reduce((sum, [, count]) => sum + count, 0);
  return { values, distinct: counts.size, others };
}
