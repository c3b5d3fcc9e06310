import * as z from 'zod';
import {
  type Breakdown,
  BUCKETS,
  type Bucket,
  type Groups,
  type Histogram,
  type Summary,
  UNITS,
} from '../../contract/summary.ts';
import { DAY_MS } from '../../contract/time.ts';
import type { Shape } from '../../json/shape.ts';
import { csvLine } from '../../question/csv.ts';
import { isUnit } from '../../question/fields.ts';
import { shownTime, UTC } from '../../question/zones.ts';
import { placeOf } from './record-columns.ts';
import { type Column, renderTable } from './table.ts';
import { count, type Output, painter, plural, widthOf } from './terminal.ts';

/** The shown parts of a breakdown. */
export const breakdownSchema: z.ZodType<Breakdown> = z.object({
  values: z.array(z.object({ value: z.string(), count: z.number() })),
  distinct: z.number(),
  others: z.number(),
} satisfies Shape<Breakdown>);

const TITLES: Readonly<Record<string, string>> = { resourceType: 'resource type' };

/** The shown parts of a summary. A newer server may count by more dimensions. */
interface ShownSummary extends Pick<Summary, 'total' | 'histogram' | 'groups'> {
  readonly by: Readonly<Record<string, Breakdown>>;
}

/** How a summary is shown. */
export interface SummaryView {
  readonly width?: number;
  /** @default UTC */
  readonly zone?: string;
  /** True if there are bars beside the counts. @default true */
  readonly hasBars?: boolean;
  /** True if it counts what passes filters only. @default false */
  readonly isFiltered?: boolean;
}

/** A summary for people: the groups that were asked for, or one small table for each dimension and for time. */
export function summaryLines(trail: string, summary: ShownSummary, out: Output, view: SummaryView = {}): string[] {
  const { total, by, histogram, groups } = summary;
  const { width = widthOf(out), zone = UTC, isFiltered = false } = view;
  if (total === 0) {
    return [isFiltered ? `Nothing in ${trail} matches.` : `The trail ${trail} has no records in this period.`];
  }
  const lines = [`${plural(total, 'record')} in ${trail}${isFiltered ? ` ${total === 1 ? 'matches' : 'match'}` : ''}`];
  if (groups !== undefined) return [...lines, '', ...groupLines(groups, histogram, out, view)];
  for (const [dimension, breakdown] of Object.entries(by)) {
    lines.push(...breakdownLines(TITLES[dimension] ?? dimension, breakdown, total, out, width));
  }
  const times = timeRows(histogram, zone);
  const busiest = Math.max(...histogram.counts.map((one) => one.count));
  const clock = histogram.clock === 'happened' ? ', as it happened' : '';
  lines.push('', ...bars(`${histogram.bucket} (${placeOf(zone)}${clock})`, times, busiest, out, width));
  const { undated = 0 } = histogram;
  if (undated > 0)
    lines.push(
      painter(out)('dim', `and ${plural(undated, 'record')} without a time of ${undated === 1 ? 'its' : 'their'} own`),
    );
  return lines;
}

/** The text for a field that a record lacks. */
const NONE = '(none)';

/** A table of groups, with bars or without. */
function groupLines(groups: Groups, { clock }: Histogram, out: Output, view: SummaryView): string[] {
  const { fields, distinct, others } = groups;
  const { width = widthOf(out), zone = UTC, hasBars = true } = view;
  const rows = filledRows(groups, zone);
  const most = Math.max(...rows.map(({ count: records }) => records));
  const longest = Math.min(30, Math.max(8, Math.floor(width / 4)));
  const paint = painter(out);
  const columns: readonly Column[] = [
    ...fields.map((name) => ({
      title: isUnit(name) ? `${name} (${placeOf(zone)}${clock === 'happened' ? ', as it happened' : ''})` : name,
      rigid: isUnit(name),
    })),
    { title: 'records', align: 'right', rigid: true },
    ...(hasBars ? [{ title: '', rigid: true, style: (padded: string) => paint('cyan', padded) }] : []),
  ];
  const cells = rows.map(({ values, count: records }) => [
    ...values.map((value, i) => shownValue(fields[i] ?? '', value, zone)),
    count(records),
    bar(records / most, longest),
  ]);
  const lines = renderTable(columns, cells, width, (heading) => paint('bold', heading));
  const hidden = distinct - groups.rows.length;
  return hidden > 0 ? [...lines, paint('dim', `and ${count(hidden)} more, with ${plural(others, 'record')}`)] : lines;
}

/** The groups; of one unit of time also those between them in which nothing came. */
function filledRows({ fields, rows }: Groups, zone: string): Groups['rows'] {
  const [unit = ''] = fields;
  const bucket = BUCKETS.find((one) => one === unit);
  if (fields.length !== 1 || bucket === undefined) return rows;
  const dated = rows.filter(({ values: [value = null] }) => value !== null);
  const counts = dated.map(({ values, count }) => ({ from: Date.parse(values[0] ?? ''), count }));
  const filled = timeRows({ bucket, counts }, zone).map(([name, records]) => ({ values: [name], count: records }));
  return [...rows.filter(({ values: [value = null] }) => value === null), ...filled];
}

function shownValue(field: string, value: string | null, zone: string): string {
  if (value === null) return NONE;
  const unit = UNITS.find((one) => one === field);
  const time = unit === undefined ? Number.NaN : Date.parse(value);
  // What timeRows made is for people already.
  return unit === undefined || Number.isNaN(time) || !value.endsWith('Z') ? value : shownTime(zone, time, unit);
}

/** A summary as CSV: the groups that were asked for, or every dimension, value and count. Times are RFC 3339. */
export function summaryCsv({ by, histogram, groups }: ShownSummary): string {
  if (groups !== undefined) {
    const rows = groups.rows.map(({ values, count: records }) =>
      csvLine([...values.map((value) => value ?? ''), records]),
    );
    return csvLine([...groups.fields, 'records']) + rows.join('');
  }
  const values = Object.entries(by).flatMap(([name, breakdown]) =>
    breakdown.values.map(({ value, count: records }) => csvLine([name, value, records])),
  );
  const times = histogram.counts.map(({ from, count: records }) =>
    csvLine([histogram.bucket, new Date(from).toISOString(), records]),
  );
  return csvLine(['field', 'value', 'records']) + [...values, ...times].join('');
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

const BUCKET_MS: Readonly<Record<Bucket, number>> = { minute: 60_000, hour: 3_600_000, day: DAY_MS };
/** Empty buckets in a row that are drawn; of more there is one line that says how many. */
const EMPTY_DRAWN = 3;

/** The buckets with those between them that the server leaves out, since nothing came then. */
function timeRows(
  { bucket, counts }: Pick<Histogram, 'bucket' | 'counts'>,
  zone: string,
): (readonly [string, number])[] {
  const step = BUCKET_MS[bucket];
  return counts.flatMap(({ from, count: records }, i) => {
    const next = (counts[i - 1]?.from ?? from - step) + step;
    const missing = Math.max(0, Math.round((from - next) / step) || 0);
    const row = [shownTime(zone, from, bucket), records] as const;
    if (missing > EMPTY_DRAWN) return [[`… ${plural(missing, bucket)}`, 0], row];
    return [...Array.from({ length: missing }, (_, n) => [shownTime(zone, next + n * step, bucket), 0] as const), row];
  });
}
