import * as z from 'zod';
import { type Breakdown, BUCKETS, type Bucket, type Histogram, type Summary } from '../../contract/summary.ts';
import type { Shape } from '../../json/shape.ts';
import { SealtrailError } from '../../log/error.ts';
import { renderTable } from './table.ts';
import { count, type Output, painter, plural, widthOf } from './terminal.ts';

/** What is shown of a breakdown. */
export const breakdownSchema: z.ZodType<Breakdown> = z.object({
  values: z.array(z.object({ value: z.string(), count: z.number() })),
  distinct: z.number(),
  others: z.number(),
} satisfies Shape<Breakdown>);

/** What is shown of a summary. A newer server may count by more dimensions. */
interface ShownSummary extends Pick<Summary, 'total' | 'histogram'> {
  readonly by: Readonly<Record<string, Breakdown>>;
}

const summarySchema: z.ZodType<ShownSummary> = z.object({
  total: z.number(),
  by: z.record(z.string(), breakdownSchema),
  histogram: z.object({
    bucket: z.enum(BUCKETS),
    counts: z.array(z.object({ from: z.number(), count: z.number() })),
  }),
} satisfies Shape<ShownSummary>);

/** Reads a summary from a server's answer. @throws `unavailable` for anything else */
export function readSummary(answer: unknown): ShownSummary {
  const parsed = summarySchema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new SealtrailError('unavailable', 'the server answered with something that is no summary', {
    cause: parsed.error,
  });
}

const TITLES: Readonly<Record<string, string>> = { resourceType: 'resource type' };

/** A summary for people: one small table for each dimension, with bars. */
export function summaryLines(
  trail: string,
  { total, by, histogram }: ShownSummary,
  out: Output,
  width = widthOf(out),
): string[] {
  if (total === 0) return [`The trail ${trail} has no records in this period.`];
  const lines = [`${plural(total, 'record')} in ${trail}`];
  for (const [dimension, breakdown] of Object.entries(by)) {
    lines.push(...breakdownLines(TITLES[dimension] ?? dimension, breakdown, total, out, width));
  }
  const times = timeRows(histogram);
  const busiest = Math.max(...histogram.counts.map((one) => one.count));
  return [...lines, '', ...bars(`${histogram.bucket} (UTC)`, times, busiest, out, width)];
}

/** A small table after an empty line, or nothing where no record has a value. A bar of full length stands for `total`. */
export function breakdownLines(
  title: string,
  { values, distinct, others }: Breakdown,
  total: number,
  out: Output,
  width = widthOf(out),
): string[] {
  if (values.length === 0) return [];
  const rows = values.map(({ value, count: records }) => [value, records] as const);
  const lines = ['', ...bars(title, rows, total, out, width)];
  const hidden = distinct - values.length;
  if (hidden > 0) lines.push(painter(out)('dim', `and ${count(hidden)} more, with ${plural(others, 'record')}`));
  return lines;
}

/** Values, their counts, and bars; a bar of full length stands for `whole`. */
function bars(
  title: string,
  rows: readonly (readonly [string, number])[],
  whole: number,
  out: Output,
  width: number,
): string[] {
  const paint = painter(out);
  const longest = Math.min(30, Math.max(8, Math.floor(width / 4)));
  const cells = rows.map(([value, records]) => [value, count(records), bar(records / whole, longest)]);
  const columns = [
    { title },
    { title: 'records', align: 'right', rigid: true },
    { title: '', rigid: true, style: (padded: string) => paint('cyan', padded) },
  ] as const;
  return renderTable(columns, cells, width, (heading) => paint('bold', heading));
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of block characters, in steps of an eighth of a column, and empty for nothing only. */
function bar(share: number, width: number): string {
  if (share === 0) return '';
  const eighths = Math.max(1, Math.round(share * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** Empty buckets in a row that are drawn; of more there is one line that says how many. */
const EMPTY_DRAWN = 3;

/** The buckets with those between them that the server leaves out, since nothing came then. */
function timeRows({ bucket, counts }: Histogram): (readonly [string, number])[] {
  const step = BUCKET_MS[bucket];
  return counts.flatMap(({ from, count: records }, i) => {
    const next = (counts[i - 1]?.from ?? from - step) + step;
    const missing = Math.max(0, Math.round((from - next) / step) || 0);
    const row = [bucketName(from, bucket), records] as const;
    if (missing > EMPTY_DRAWN) return [[`… ${plural(missing, bucket)}`, 0], row];
    return [...Array.from({ length: missing }, (_, n) => [bucketName(next + n * step, bucket), 0] as const), row];
  });
}

function bucketName(from: number, bucket: Bucket): string {
  const text = new Date(from).toISOString().replace('T', ' ');
  return text.slice(0, bucket === 'day' ? 10 : 16);
}
