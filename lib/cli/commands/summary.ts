import { Option } from 'commander';
import { z } from 'zod';
import { SealtrailError } from '../../log/error.ts';
import { connect, type Install, integer, type ServerOptions, trailName, withJson, withServer } from '../shell.ts';
import { renderTable } from '../table.ts';
import { count, type Output, painter, plural, type Terminal, widthOf, write, writeLines } from '../terminal.ts';

interface Options extends ServerOptions {
  readonly from?: string;
  readonly to?: string;
  readonly bucket?: string;
  readonly top: number;
  readonly json?: true;
}

export const installSummary: Install = (program, shell) => {
  const command = program
    .command('summary')
    .argument('<trail>', 'the trail', trailName)
    .summary('count records by type, outcome, severity, actor and time')
    .description('Counts the records of a period: exactly, however long it is.')
    .option('--from <time>', 'received at this time or later (RFC 3339, or Unix milliseconds)')
    .option('--to <time>', 'received before this time')
    .addOption(new Option('--bucket <name>', 'how fine the counts over time are').choices(['minute', 'hour', 'day']))
    .option('--top <n>', 'values of each kind, those with the most records', integer('--top', 1, 10_000), 10);
  withJson(withServer(command)).action((trail: string, options: Options) => summary(shell.terminal, trail, options));
};

const breakdownSchema = z.object({
  values: z.array(z.object({ value: z.string(), count: z.number() })),
  distinct: z.number(),
  others: z.number(),
});

/** What is needed of the server's answer. */
const summarySchema = z.object({
  total: z.number(),
  by: z.record(z.string(), breakdownSchema),
  histogram: z.object({ bucket: z.string(), counts: z.array(z.object({ from: z.number(), count: z.number() })) }),
});

/** How records spread over the values of one dimension. */
export type Breakdown = z.infer<typeof breakdownSchema>;
export type Summary = z.infer<typeof summarySchema>;

async function summary(terminal: Terminal, trail: string, options: Options): Promise<void> {
  const { from, to, bucket, top } = options;
  const http = connect(terminal, options);
  const path = `/v1/trails/${trail}/summary`;
  const answer = await http.send({ path, query: { from, to, bucket, top }, signal: terminal.signal });
  if (options.json) return write(terminal.stdout, answer.text());
  await writeLines(terminal.stdout, summaryLines(trail, readSummary(answer.json()), terminal.stdout));
}

/** Reads a summary from a server's answer. Errors: `unavailable` where it is none. */
export function readSummary(answer: unknown): Summary {
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
  { total, by, histogram }: Summary,
  out: Output,
  width = widthOf(out),
): string[] {
  if (total === 0) return [`The trail ${trail} has no records in this period.`];
  const lines = [`${plural(total, 'record')} in ${trail}`];
  for (const [dimension, breakdown] of Object.entries(by)) {
    if (breakdown.values.length === 0) continue;
    const rows = breakdown.values.map(({ value, count: records }) => [value, records] as const);
    lines.push('', ...bars(TITLES[dimension] ?? dimension, rows, total, out, width));
    const hidden = breakdown.distinct - breakdown.values.length;
    if (hidden > 0)
      lines.push(painter(out)('dim', `and ${count(hidden)} more, with ${plural(breakdown.others, 'record')}`));
  }
  const times = histogram.counts.map((one) => [bucketName(one.from, histogram.bucket), one.count] as const);
  const busiest = Math.max(...histogram.counts.map((one) => one.count));
  return [...lines, '', ...bars(`${histogram.bucket} (UTC)`, times, busiest, out, width)];
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

/** A bar of block characters, in steps of an eighth of a column, and never empty. */
function bar(share: number, width: number): string {
  const eighths = Math.max(1, Math.round(share * width * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
}

function bucketName(from: number, bucket: string): string {
  const text = new Date(from).toISOString().replace('T', ' ');
  return text.slice(0, bucket === 'day' ? 10 : 16);
}
