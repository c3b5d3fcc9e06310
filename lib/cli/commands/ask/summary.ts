import { Option } from 'commander';
import { COUNTING } from '../../../api/routes/summary.ts';
import { defined } from '../../../base/defined.ts';
import { fetchSummary } from '../../../client/read/summing.ts';
import { BUCKETS, CLOCKS } from '../../../contract/summary.ts';
import { maskedSentence } from '../../output/pages.ts';
import { count, Progress, painter, plural, type Terminal, write, writeLines } from '../../output/terminal.ts';
import { explainAbsence } from '../../shell/absence.ts';
import { fieldNames } from '../../shell/columns.ts';
import { filtersOf, withFilters } from '../../shell/filters.ts';
import {
  connect,
  type Install,
  integer,
  type ServerOptions,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';
import { saveOption } from './save-option.ts';

const FORMATS = ['bars', 'table', 'csv', 'json'] as const;

interface Options extends ServerOptions, Readonly<Record<string, unknown>> {
  readonly by?: string;
  readonly bucket?: string;
  readonly clock?: string;
  readonly top: number;
  readonly format: (typeof FORMATS)[number];
  readonly json?: true;
}

export const installSummary: Install = (program, shell) => {
  const command = program
    .command('summary')
    .argument('<trail>', 'the trail', trailName)
    .summary('count records by type, outcome, severity, actor, time and any other field')
    .description('Counts the records that pass the filters: exactly, however many there are.')
    .option('--by <fields>', COUNTING.by.description ?? '', (text) => fieldNames(text).join(','))
    .addOption(new Option('--bucket <name>', 'how fine the counts over time are').choices([...BUCKETS]))
    .addOption(new Option('--clock <name>', COUNTING.clock.description).choices([...CLOCKS]))
    .option('--top <n>', 'values of each kind, those with the most records', integer('--top', 1, 10_000), 10)
    .addOption(new Option('--format <name>', 'how to print').choices([...FORMATS]).default('bars'))
    .addOption(saveOption());
  withServer(withJson(withFilters(command))).action((trail: string, options: Options) =>
    summarize(shell.terminal, trail, options),
  );
};

async function summarize(terminal: Terminal, trail: string, options: Options): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const { by, bucket, clock, top } = options;
  const format = options.json ? 'json' : options.format;
  const http = connect(terminal, options);
  const filters = filtersOf(options);
  const progress = new Progress(stderr);
  const summary = await fetchSummary(
    http,
    `/v1/trails/${trail}/summary`,
    { ...filters, ...defined({ by, bucket, clock, top }) },
    {
      signal,
      onPart: ({ scanned = 0, asOf }) =>
        progress.show(() => `looked at ${count(scanned)} of at most ${plural(asOf, 'record')}`),
    },
  ).finally(() => progress.clear());
  if (summary.total === 0) await explainAbsence(http, summary.absence, terminal);
  if (format === 'json') return write(stdout, `${JSON.stringify(summary)}\n`);
  const { summaryCsv, summaryLines } = await import('../../output/summary-lines.ts');
  if (format === 'csv') return write(stdout, summaryCsv(summary));
  const { tz: zone, from: _, to: __, ...others } = filters;
  const view = { hasBars: format === 'bars', isFiltered: Object.keys(others).length > 0 };
  await writeLines(
    stdout,
    summaryLines(trail, summary, stdout, { ...view, ...(typeof zone === 'string' && { zone }) }),
  );
  const notes = (summary.masked ?? []).map(maskedSentence);
  for (const note of notes) stderr.write(`${painter(stderr)('dim', note)}\n`);
}
