import { defined } from '../base/defined.ts';
import type { ClockName, Histogram, Summary } from '../contract/summary.ts';
import { SealtrailError } from '../log/error.ts';
import { parseRecord } from '../log/record.ts';
import { Tally } from '../question/tally.ts';
import { offsetAt, startOf, UTC } from '../question/zones.ts';
import type { Filters, Page, Query } from './query.ts';
import type { SummaryRequest } from './summary.ts';

/** A request for a summary of the records that pass filters. */
export interface CountRequest extends SummaryRequest, Pick<Query, 'seqs' | 'cursor'> {
  /** @default none */
  readonly filters?: Filters;
  /** Fields to group by. @default none */
  readonly by?: readonly string[];
  /** The clock of counts over time. @default received */
  readonly clock?: ClockName;
  /** The time zone of days and hours. @default UTC */
  readonly zone?: string;
}

/** True if the index's counts answer it, with no record read. */
export function isCounted({ filters = {}, by = [], clock = 'received', seqs, cursor }: CountRequest): boolean {
  return (
    Object.keys(filters).length === 0 &&
    by.length === 0 &&
    clock === 'received' &&
    seqs === undefined &&
    cursor === undefined
  );
}

/** How long one call may take. */
const MAX_MS = 8_000;
/** How much counted values may take in memory and in the answer, in characters. */
const MAX_CHARACTERS = 1_000_000;

/** Reads a page of matches, newest first. */
export type ReadPage = (cursor: string | undefined) => Promise<Page>;

/**
 * Counts matches page by page, as many as one call may. A part, that is an answer with `more` or to a cursor, lists every value, so
 * that parts add up to the whole.
 *
 * @param budget records that one call looks at, at most to within a page
 * @throws `invalid_parameter` for a field that cannot be counted by; as `read`
 */
export async function countPages(
  request: CountRequest,
  bucket: Histogram['bucket'],
  budget: number,
  read: ReadPage,
): Promise<Summary> {
  const { from, to, by, clock, zone, top } = request;
  const tally = new Tally({ bucket, by, clock, zone });
  const until = performance.now() + MAX_MS;
  let { cursor } = request;
  let scanned = 0;
  for (;;) {
    const page = await read(cursor);
    for (const { line } of page.matches) tally.add(parseRecord(line));
    scanned += page.scanned;
    cursor = page.more ? page.cursor : undefined;
    const isSpent = scanned >= budget || tally.characters >= MAX_CHARACTERS || performance.now() >= until;
    if (cursor !== undefined && !isSpent) continue;
    const isPart = cursor !== undefined || request.cursor !== undefined;
    const counts = tally.counts(isPart ? Number.POSITIVE_INFINITY : top);
    return {
      ...defined({ from, to }),
      asOf: page.asOf,
      ...counts,
      ...defined({ masked: page.masked }),
      scanned,
      more: cursor !== undefined,
      ...defined({ cursor }),
    };
  }
}

/**
 * A summary by the index's counts with its days and hours of a time zone. The index counts by hours of UTC and by minutes, so it is
 * asked again for what is fine enough.
 *
 * @param summarise counts in buckets of UTC
 * @throws `invalid_parameter` where the period is too long for that; as `summarise`
 */
export async function inZone(
  request: CountRequest,
  summarise: (request: SummaryRequest) => Promise<Summary>,
): Promise<Summary> {
  const { zone = UTC } = request;
  const summary = await summarise(request);
  const { bucket, counts } = summary.histogram;
  if (zone === UTC) return summary;
  const isWhole = counts.every(({ from }) => offsetAt(zone, from) % 3_600_000 === 0);
  const fine = bucket === 'minute' || (bucket === 'hour' && isWhole) ? undefined : isWhole ? 'hour' : 'minute';
  if (fine === undefined) return { ...summary, histogram: { ...summary.histogram, tz: zone } };
  const finer = await summarise({ ...request, bucket: fine }).catch((error: unknown) => {
    if (!(error instanceof SealtrailError) || error.field !== 'bucket') throw error;
    const message = `tz: the period is too long for ${bucket}s of ${zone}: choose a shorter one, or leave out tz`;
    throw new SealtrailError('invalid_parameter', message, { field: 'tz', cause: error });
  });
  const starts = new Map<number, number>();
  for (const { from, count } of finer.histogram.counts) {
    const start = startOf(bucket, zone, from);
    starts.set(start, (starts.get(start) ?? 0) + count);
  }
  const regrouped = [...starts].map(([from, count]) => ({ from, count })).sort((a, b) => a.from - b.from);
  return { ...finer, histogram: { bucket, tz: zone, counts: regrouped } };
}
