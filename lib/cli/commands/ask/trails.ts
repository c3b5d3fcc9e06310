import { utc } from '../../output/records.ts';
import { renderTable } from '../../output/table.ts';
import { count, painter, type Terminal, widthOf, write, writeLines } from '../../output/terminal.ts';
import { connect, type Install, type ServerOptions, withJson, withServer } from '../../shell/shell.ts';
import { listTrails } from '../../shell/trails.ts';

interface Options extends ServerOptions {
  readonly json?: true;
}

export const installTrails: Install = (program, shell) => {
  const command = program
    .command('trails')
    .summary('list the trails')
    .description('Lists the trails that you may read, with the number of their records and the time of the newest.');
  withJson(withServer(command)).action((options: Options) => trails(shell.terminal, options));
};

async function trails(terminal: Terminal, options: Options): Promise<void> {
  const { stdout, signal } = terminal;
  const known = await listTrails(connect(terminal, options), signal);
  if (options.json) return write(stdout, `${JSON.stringify({ trails: known })}\n`);
  if (known.length === 0) return write(stdout, 'No trail yet, or none that you may read.\n');
  const columns = [
    { title: 'trail' },
    { title: 'records', align: 'right', rigid: true },
    { title: 'newest (UTC)', rigid: true },
  ] as const;
  const rows = known.map(({ trail, size, receivedAt }) => [trail, count(size), size === 0 ? '' : utc(receivedAt)]);
  const heading = (text: string): string => painter(stdout)('bold', text);
  await writeLines(stdout, renderTable(columns, rows, widthOf(stdout), heading));
}
