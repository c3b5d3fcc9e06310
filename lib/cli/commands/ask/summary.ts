import { Option } from 'commander';
import { BUCKETS } from '../../../contract/summary.ts';
import { type Terminal, write, writeLines } from '../../output/terminal.ts';
import { explainAbsence } from '../../shell/absence.ts';
import { withPeriod } from '../../shell/filters.ts';
import {
  connect,
  type Install,
  integer,
  type ServerOptions,
  trailName,
  withJson,
  withServer,
} from '../../shell/shell.ts';

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
    .addOption(new Option('--bucket <name>', 'how fine the counts over time are').choices([...BUCKETS]))
    .option('--top <n>', 'values of each kind, those with the most records', integer('--top', 1, 10_000), 10);
  withJson(withServer(withPeriod(command))).action((trail: string, options: Options) =>
    summarize(shell.terminal, trail, options),
  );
};

async function summarize(terminal: Terminal, trail: string, options: Options): Promise<void> {
  const { from, to, bucket, top } = options;
  const http = connect(terminal, options);
  const path = `/v1/trails/${trail}/summary`;
  const answer = await http.send({ path, query: { from, to, bucket, top }, signal: terminal.signal });
  const { readSummary, summaryLines } = await import('../../output/summary-lines.ts');
  const summary = readSummary(answer.json());
  if (summary.total === 0) await explainAbsence(http, { trails: [trail], query: { from, to } }, terminal);
  if (options.json) return write(terminal.stdout, answer.text());
  await writeLines(terminal.stdout, summaryLines(trail, summary, terminal.stdout));
}
