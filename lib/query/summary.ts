import { defined } from '../base/defined.ts';
import { dimensionsOf } from '../contract/dimensions.ts';
import { type Bucket, COUNTED, type Summary } from '../contract/summary.ts';
import {
  CELLS,
  type Counts,
  countRecord,
  emptyCounts,
  type SlicePart,
  UNIT_MS,
  type Unit,
} from '../index/format/counts.ts';
import { type IndexSnapshot, isCurrent, readIndexSnapshot } from '../index/format/index-state.ts';
import type { ArchivedRecords } from '../ledger/archived-records.ts';
import { readBlocks } from '../ledger/blocks.ts';
import { readHead } from '../ledger/commit.ts';
import { SealtrailError } from '../log/error.ts';
import { parseRecord } from '../log/record.ts';
import { breakdown, DEFAULT_TOP } from '../question/tally.ts';
import type { Table } from '../store/ports.ts';
import type { Period } from './query.ts';
import { readWholeHours, type Span, spanOf } from './span.ts';

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: 60_000, ...UNIT_MS };
/** Maximum buckets of a histogram: two weeks of minutes, more than two years of hours. */
const MAX_BUCKETS = 20_160;
/** A request for a summary. */
export interface SummaryRequest extends Period {
  /** Default: minutes up to three hours, hours up to a week, else days. */
  readonly bucket?: Bucket;
  /** Values to list per dimension, most frequent first. @default {@link DEFAULT_TOP} */
  readonly top?: number;
}

/** How often merges may interrupt a summary. */
const MAX_STALE = 10;

/**
 * Summarises a period: from the index's counts for whole hours and days, from the ledger for the rest of the first and
 * the last hour and for what is not indexed yet.
 *
 * @throws `invalid_parameter` if the histogram would have too many buckets; `store_corrupt`; the Table's errors
 */
export async function summarise(
  table: Table,
  trail: string,
  request: SummaryRequest,
  archive?: ArchivedRecords,
): Promise<Summary> {
  for (let stale = 0; stale < MAX_STALE; stale++) {
    const index = await readIndexSnapshot(table, trail);
    const head = await readHead(table, trail);
    const span = await spanOf(table, trail, head, request, archive);
    const tally = new Tally(bucketOf(span, request));
    await countPeriod(table, trail, index, span, tally, archive);
    if (await isCurrent(table, trail, index)) return tally.summary(request, head.size);
  }
  throw new SealtrailError('unavailable', 'the index is being rewritten: try again', { retryAfter: 1 });
}

/** @throws `invalid_parameter` if the histogram would have too many buckets */
export function bucketOf(
  { milliseconds }: Pick<Span, 'milliseconds'>,
  { bucket }: Pick<SummaryRequest, 'bucket'>,
): Bucket {
  if (bucket === undefined) {
    if (milliseconds <= 3 * UNIT_MS.hour) return 'minute';
    return milliseconds <= 7 * UNIT_MS.day ? 'hour' : 'day';
  }
  if (milliseconds / BUCKET_MS[bucket] <= MAX_BUCKETS) return bucket;
  const message = `bucket: the period has more than ${MAX_BUCKETS} ${bucket}s: choose a longer one, or a shorter period`;
  throw new SealtrailError('invalid_parameter', message, { field: 'bucket' });
}

async function countPeriod(
  table: Table,
  trail: string,
  { runs, size: indexed }: Pick<IndexSnapshot, 'runs' | 'size'>,
  span: Span,
  tally: Tally,
  archive: ArchivedRecords | undefined,
): Promise<void> {
  const { low, high, lowHour, highHour } = span;
  // The records that the slices of whole hours cover; none if those hours are not indexed.
  const [from, to] = [lowHour, Math.max(lowHour, Math.min(highHour, indexed))];
  const recount = (first: number, end: number) => recountRecords(table, trail, first, end, tally, archive);
  await recount(low, from);
  if (from < to) {
    // Only the slices of hours have minutes.
    const parts = readWholeHours(table, trail, runs, span, tally.bucket === 'minute');
    for await (const { unit, part } of parts) tally.addSlice(unit, part);
  }
  await recount(to, high);
}

async function recountRecords(
  table: Table,
  trail: string,
  from: number,
  to: number,
  tally: Tally,
  archive: ArchivedRecords | undefined,
): Promise<void> {
  if (from >= to) return;
  for await (const block of readBlocks(table, trail, { from, to }, archive)) {
    const lines = block.lines.slice(Math.max(0, from - block.first), to - block.first);
    tally.addRecords(lines, block.receivedAt);
  }
}

/** Accumulates counts. */
class Tally {
  readonly bucket: Bucket;
  readonly #counts: Counts = emptyCounts(0);
  /** Records by the start of their bucket. */
  readonly #buckets = new Map<number, number>();

  constructor(bucket: Bucket) {
    this.bucket = bucket;
  }

  addRecords(lines: readonly string[], receivedAt: number): void {
    this.#addTo(receivedAt, lines.length);
    for (const line of lines) countRecord(this.#counts, 0, dimensionsOf(parseRecord(line)));
  }

  addSlice(unit: Unit, part: SlicePart): void {
    part.addTo(this.#counts);
    const start = part.at * UNIT_MS[unit];
    const step = UNIT_MS[unit] / CELLS[unit];
    for (const [cell, count] of part.cells) this.#addTo(start + cell * step, count);
  }

  summary({ from, to, top = DEFAULT_TOP }: SummaryRequest, asOf: number): Summary {
    const by = Object.fromEntries(COUNTED.map((name) => [name, breakdown(this.#counts.values[name], top)]));
    const counts = [...this.#buckets].map(([start, count]) => ({ from: start, count })).sort((a, b) => a.from - b.from);
    return {
      ...defined({ from, to }),
      asOf,
      total: this.#counts.total,
      by: by as Summary['by'], // one by one above
      histogram: { bucket: this.bucket, counts },
    };
  }

  #addTo(time: number, count: number): void {
    const start = time - (time % BUCKET_MS[this.bucket]);
    this.#buckets.set(start, (this.#buckets.get(start) ?? 0) + count);
  }
}
