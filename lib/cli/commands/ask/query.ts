import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { defined } from '../../../base/defined.ts';
import type { SignedHttp } from '../../../client/http/http.ts';
import { QUERY_FORMATS, QUERY_ORDERS, type QueryFormat, type QueryOrder } from '../../../contract/query.ts';
import { SealtrailError } from '../../../log/error.ts';
import { bounded, type LinePage, maskedSentence, queryPages } from '../../output/pages.ts';
import type { TableOptions, View } from '../../output/record-columns.ts';
import { GrowingTable, parseLines } from '../../output/records.ts';
import { count, painter, plural, type Terminal, write, writeData, writeLines } from '../../output/terminal.ts';
import { explainAbsence } from '../../shell/absence.ts';
import { assertColumned, columnsOption, recordCsv } from '../../shell/columns.ts';
import { filtersOf, withFilters, withPeriod } from '../../shell/filters.ts';
import { collect, connect, type Install, integer, type ServerOptions, withServer } from '../../shell/shell.ts';
import { namedTrails, trailOrPattern } from '../../shell/trails.ts';
import { logKeys } from '../../shell/trust.ts';
import { saveOption } from './save-option.ts';
import { ACTION_TYPES, unanswered } from './unanswered.ts';

interface Options extends ServerOptions, Readonly<Record<string, unknown>> {
  readonly format: 'table' | QueryFormat;
  readonly json?: true;
  readonly columns?: readonly string[];
  readonly limit: number;
  readonly scan: number;
  readonly all?: true;
  readonly order: QueryOrder;
  readonly cursor?: string;
  readonly unanswered?: true;
  readonly proof?: string;
  readonly key?: string;
}

export const installQuery: Install = (program, shell) => {
  const command = program
    .command('query')
    .argument(
      '<trail...>',
      'the trail, or several, merged by time; * stands for any characters',
      (text: string, before: unknown) => collect(trailOrPattern(text), before),
    )
    .summary('find records')
    .description('Finds records by what is in them. All filters must hold; every acknowledged event is seen.');
  withLimit(withFormat(command))
    .addOption(new Option('--order <name>', 'which come first').choices([...QUERY_ORDERS]).default('newest'))
    .option(
      '--proof <file>',
      'write the proof that nothing is left out of what is signed, for "sealtrail verify-answer"',
    )
    .option('--key <file>', "with --proof: the log's public key to check with (default: ask the server for it)")
    .option('--unanswered', 'requests of agents (action.requested) without an outcome in what the filters let pass');
  withServer(withFilters(command)).action((trails: string[], options: Options) =>
    query(shell.terminal, trails, options),
  );
};

export const installHistory: Install = (program, shell) => {
  const command = program
    .command('history')
    .argument('<trail>', 'the trail, or several as a pattern: * stands for any characters', trailOrPattern)
    .argument('<agent>', 'the agent')
    .summary('show what an agent did')
    .description('Shows the actions of an agent with their decisions and outcomes, the newest first.');
  withServer(withPeriod(withLimit(withFormat(command)))).action((trail: string, agent: string, options: Options) =>
    query(shell.terminal, [trail], { ...options, agent: [agent], order: 'newest' }, 'actions'),
  );
};

export const installTimeline: Install = (program, shell) => {
  const command = program
    .command('timeline')
    .argument('<trail>', 'the trail, or several as a pattern: * stands for any characters', trailOrPattern)
    .argument('<correlation>', 'the correlation id')
    .summary('show all that belongs to a correlation id')
    .description('Shows every record with a correlation id, the oldest first: one request through all of its steps.');
  withServer(withPeriod(withFormat(command))).action((trail: string, correlation: string, options: Options) =>
    query(shell.terminal, [trail], { ...options, correlation: [correlation], order: 'oldest', all: true }),
  );
};

const withFormat = (command: Command): Command =>
  command
    .addOption(new Option('--format <name>', 'how to print').choices(['table', ...QUERY_FORMATS]).default('table'))
    .option('--json', 'the same as --format json')
    .addOption(columnsOption())
    .addOption(saveOption());

const withLimit = (command: Command): Command =>
  command
    .option('--limit <n>', 'records at most', integer('--limit', 1, 1_000_000_000), 50)
    .option('--all', 'all that match, however many there are and however many have to be looked at')
    .option(
      '--scan <n>',
      'records to look at, at most, where the index does not carry a filter',
      integer('--scan', 1, 1e12),
      1_000_000,
    )
    .option('--cursor <text>', 'go on where an earlier query stopped');

async function query(
  terminal: Terminal,
  names: readonly string[],
  options: Options,
  view: View = 'events',
): Promise<void> {
  const http = connect(terminal, options);
  const trails = await namedTrails(http, names, terminal.signal);
  const format = options.json ? 'json' : options.format;
  const { columns, all, scan } = options;
  assertColumned(format, columns);
  const found =
    options.proof === undefined
      ? pagesOf(http, trails, options, terminal.signal)
      : await fetchProven(http, trails, { ...options, proof: options.proof }, terminal);
  const some = bounded(found, all || options.unanswered ? Number.POSITIVE_INFINITY : scan, terminal.stderr);
  const pages = explained(some, (page) => explainAbsence(http, page.absence, terminal));
  if (format === 'json') return printJson(terminal, pages);
  if (format === 'csv') return printCsv(terminal, pages, columns);
  if (format === 'ndjson') return writeData(terminal.stdout, linesOf(pages));
  const { tz: zone } = filtersOf(options);
  const shown = { view, namesTrails: trails.length > 1, columns, ...(typeof zone === 'string' && { zone }) };
  return printTable(terminal, pages, options, shown);
}

function pagesOf(http: SignedHttp, trails: readonly string[], options: Options, signal: AbortSignal) {
  const parameters = parametersOf(options);
  if (options.unanswered !== true) return queryPages(http, trails, parameters, limitOf(options), signal);
  const actions = { ...parameters, type: ACTION_TYPES, order: 'oldest', cursor: undefined };
  const pages = queryPages(http, trails, actions, Number.POSITIVE_INFINITY, signal);
  return unanswered(pages, options.order, limitOf(options));
}

/** All pages, of which the proofs were checked and are written to a file. */
async function fetchProven(
  http: SignedHttp,
  [trail = '', ...others]: readonly string[],
  options: Options & { readonly proof: string },
  { signal }: Terminal,
): Promise<AsyncIterable<LinePage>> {
  if (others.length > 0 || options.unanswered) {
    throw new SealtrailError('usage', '--proof is of a query of one trail, without --unanswered');
  }
  const { provenPages } = await import('../../output/proven-pages.ts');
  const found = await logKeys(http, trail, options.key);
  // What the server says of its own keys is good for the index as well.
  const keys = found.source === 'file' ? found.keys : found.keys.map(({ spki }) => ({ spki }));
  const pages = await Array.fromAsync(
    provenPages(http, trail, parametersOf(options), limitOf(options), { keys, signal }),
  );
  await writeFile(options.proof, `[${pages.map(({ proof }) => JSON.stringify(proof)).join(',\n')}]\n`);
  return pagesFrom(pages);
}

async function* pagesFrom(pages: readonly LinePage[]): AsyncGenerator<LinePage> {
  yield* pages;
}

/** The pages, of which an empty one is explained before it is shown. */
async function* explained(
  pages: AsyncIterable<LinePage>,
  explain: (page: LinePage) => Promise<void>,
): AsyncGenerator<LinePage> {
  let found = 0;
  for await (const page of pages) {
    found += page.lines.length;
    if (found === 0 && !page.more) await explain(page);
    yield page;
  }
}

function parametersOf(options: Options) {
  const { order, cursor } = options;
  return { ...filtersOf(options), order, ...defined({ cursor }) };
}

const limitOf = ({ all, limit }: Options): number => (all ? Number.POSITIVE_INFINITY : limit);

async function* linesOf(pages: AsyncIterable<LinePage>): AsyncGenerator<string> {
  for await (const page of pages) yield* page.lines;
}

/** `{"records": [...], "sources": …, "asOf": n, "more": …, "cursor": …}`, written as it comes; record lines are JSON already. */
async function printJson({ stdout }: Terminal, pages: AsyncIterable<LinePage>): Promise<void> {
  let between = '{"records":[';
  let last: LinePage | undefined;
  const sources = { hot: 0, archive: 0 };
  let scanned = 0;
  for await (const page of pages) {
    last = page;
    scanned += page.scanned;
    sources.archive += page.archived;
    sources.hot += page.lines.length - page.archived;
    if (page.lines.length > 0) await write(stdout, between + page.lines.join(',\n'));
    if (page.lines.length > 0) between = ',\n';
  }
  const { asOf, more, cursor, masked = [], absence = [] } = last ?? { asOf: 0, more: false, cursor: undefined };
  const rest = JSON.stringify({
    sources,
    scanned,
    asOf,
    more,
    ...(masked.length > 0 && { masked }),
    ...(absence.length > 0 && { absence }),
    cursor,
  });
  await write(stdout, `${between === ',\n' ? '' : between}],${rest.slice(1)}\n`);
}

async function printCsv(
  { stdout }: Terminal,
  pages: AsyncIterable<LinePage>,
  columns?: readonly string[],
): Promise<void> {
  const csv = recordCsv(columns);
  let header = csv.header;
  for await (const { lines } of pages) {
    await write(stdout, header + lines.map(csv.row).join(''));
    header = '';
  }
}

async function printTable(
  terminal: Terminal,
  pages: AsyncIterable<LinePage>,
  { limit, scan, all }: Options,
  options: TableOptions,
): Promise<void> {
  const { stdout, stderr } = terminal;
  const table = new GrowingTable(stdout, options);
  let last: LinePage | undefined;
  let [found, archived, scanned] = [0, 0, 0];
  const masked = new Set<string>();
  for await (const page of pages) {
    last = page;
    found += page.lines.length;
    archived += page.archived;
    scanned += page.scanned;
    for (const one of page.masked) masked.add(maskedSentence(one));
    if (page.lines.length > 0) await writeLines(stdout, table.add(parseLines(page.lines)));
  }
  const notes = [...masked];
  if (archived > 0) notes.push(`${archived === found ? 'All' : count(archived)} of these came from the archive.`);
  if (scanned > MANY && scanned > MANY_TIMES * found) {
    notes.push(`${plural(scanned, 'record')} had to be looked at, since the index does not carry a filter.`);
  }
  if (last?.more) {
    const isCut = !all && scanned >= scan && found < limit;
    const after = isCut ? `--scan ${scan} was reached. --all looks at all` : 'There is more. --all shows all';
    notes.push(`${after}; to go on after these ${count(isCut ? found : limit)}:`, `  --cursor ${last.cursor}`);
  }
  if (found === 0) await write(stdout, last?.more ? 'Nothing matches so far.\n' : 'Nothing matches.\n');
  for (const note of notes) stderr.write(`${painter(stderr)('dim', note)}\n`);
}

/** Limits beyond which a query says how much it read: so many records looked at, and so many for each that was found. */
const MANY = 1000;
const MANY_TIMES = 10;
