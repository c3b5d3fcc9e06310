import { defined } from '../base/defined.ts';
import { dimensionsOf } from '../contract/dimensions.ts';
import { type Bucket, COUNTED, type Counted, type Summary } from '../contract/summary.ts';
import { DAY_MS } from '../contract/time.ts';
import { type IndexSnapshot, NO_INDEX, readIndexSnapshot } from '../index/format/index-state.ts';
import { HOUR_MS, MINUTE_MS, type RunCounts } from '../index/format/run-counts.ts';
import { type RunFiles, RunGone } from '../index/reader/run-file.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readBlocks } from '../ledger/blocks.ts';
import { readHead } from '../ledger/commit.ts';
import { SealtrailError } from '../log/error.ts';
import { parseRecord } from '../log/record.ts';
import { breakdown, bucketFor, DEFAULT_TOP } from '../question/tally.ts';
import type { Table } from '../store/ports.ts';
import type { Period } from './query.ts';
import { addCount, noValues, readCounts, tallyHours, type ValueCounts } from './run-tally.ts';
import { readSpan, type Span } from './span.ts';

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: MINUTE_MS, hour: HOUR_MS, day: DAY_MS };
/** Maximum buckets of a histogram: two weeks of minutes, more than two years of hours. */
const MAX_BUCKETS = 20_160;
/** A request for a summary. */
export interface SummaryRequest extends Period {
  /** Default: minutes up to three hours, hours up to a week, else days. */
  readonly bucket?: Bucket;
  /** Values to list per dimension, most frequent first. @default {@link DEFAULT_TOP} */
  readonly top?: number;
}

/** The sources that a summary is made from. */
export interface SummarySources {
  readonly table: Table;
  /** Reads the runs of the index. */
  readonly runs: RunFiles;
  /** Reads records that have left the hot store. */
  readonly archive?: ArchivedRecords | undefined;
}

/**
 * Summarises a period: from the index's counts for whole hours, from the ledger for the rest of the first and the last hour and
 * for records that are not indexed yet.
 *
 * @throws `invalid_parameter` if the histogram would have too many buckets; `store_corrupt`; the stores' errors
 */
export async function summarise(sources: SummarySources, trail: string, request: SummaryRequest): Promise<Summary> {
  const { table, archive } = sources;
  for (let gone: IndexSnapshot | undefined; ; ) {
    const current = await readIndexSnapshot(table, trail);
    // Where the files are gone and nothing took their place, everything is counted anew.
    const index = current.revision === gone?.revision ? NO_INDEX : current;
    const head = await readHead(table, trail);
    const span = await readSpan(table, trail, head, request, archive);
    const tally = new Tally(bucketOf(span, request));
    try {
      await countPeriod(sources, trail, index, span, tally);
      return tally.summary(request, head.size);
    } catch (error) {
      if (!(error instanceof RunGone)) throw error;
      gone = current;
    }
  }
}

/** @throws `invalid_parameter` if the histogram would have too many buckets */
export function bucketOf(
  { milliseconds }: Pick<Span, 'milliseconds'>,
  { bucket }: Pick<SummaryRequest, 'bucket'>,
): Bucket {
  if (bucket === undefined) return bucketFor(milliseconds);
  if (milliseconds / BUCKET_MS[bucket] <= MAX_BUCKETS) return bucket;
  const message = `bucket: the period has more than ${MAX_BUCKETS} ${bucket}s: choose a longer one, or a shorter period`;
  throw new SealtrailError('invalid_parameter', message, { field: 'bucket' });
}

async function countPeriod(
  sources: SummarySources,
  trail: string,
  index: IndexSnapshot,
  span: Span,
  tally: Tally,
): Promise<void> {
  const { low, high, lowHour, highHour } = span;
  // The records that the counts of whole hours cover; none if those hours are not indexed.
  const [from, to] = [lowHour, Math.max(lowHour, Math.min(highHour, index.size))];
  await recountRecords(sources, trail, low, from, tally);
  if (from < to) for await (const counts of readCounts(sources.runs, trail, index, span)) tally.addRun(counts, span);
  await recountRecords(sources, trail, to, high, tally);
}

async function recountRecords(
  { table, archive }: SummarySources,
  trail: string,
  from: number,
  to: number,
  tally: Tally,
): Promise<void> {
  if (from >= to) return;
  for await (const block of readBlocks(table, trail, { from, to }, archive)) {
    const lines = block.lines.slice(Math.max(0, from - block.first), to - block.first);
    tally.addRecords(lines, block.receivedAt);
  }
}

const isCounted = (dimension: string): dimension is Counted => (COUNTED as readonly string[]).includes(dimension);

/** Accumulates counts. */
class Tally {
  readonly bucket: Bucket;
  #total = 0;
  readonly #values: ValueCounts = noValues();
  /** Records by the start of their bucket. */
  readonly #buckets = new Map<number, number>();

  constructor(bucket: Bucket) {
    this.bucket = bucket;
  }

  addRecords(lines: readonly string[], receivedAt: number): void {
    this.#addTo(receivedAt, lines.length);
    this.#total += lines.length;
    for (const line of lines) {
      for (const [dimension, value] of dimensionsOf(parseRecord(line))) {
        if (isCounted(dimension)) addCount(this.#values[dimension], value, 1);
      }
    }
  }

  addRun(counts: RunCounts, span: Span): void {
    this.#total += tallyHours(counts, span, this.#values, (start, count) => this.#addTo(start, count));
  }

  summary({ from, to, top = DEFAULT_TOP }: SummaryRequest, asOf: number): Summary {
    const by = Object.fromEntries(COUNTED.map((name) => [name, breakdown(this.#values[name], top)]));
    const counts = [...this.#buckets].map(([start, count]) => ({ from: start, count })).sort((a, b) => a.from - b.from);
    return {
      ...defined({ from, to }),
      asOf,
      total: this.#total,
      by: by as Summary['by'], // one by one above
      histogram: { bucket: this.bucket, counts },
    };
  }

  #addTo(time: number, count: number): void {
    const start = time - (time % BUCKET_MS[this.bucket]);
    this.#buckets.set(start, (this.#buckets.get(start) ?? 0) + count);
  }
}
