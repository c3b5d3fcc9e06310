import { setTimeout as delay } from 'node:timers/promises';
import { Option } from 'commander';
import type { HttpRequest, SignedHttp } from '../../../client/http/http.ts';
import { SealtrailError } from '../../../log/error.ts';
import { parseRecord } from '../../../log/record.ts';
import { type LinePage, queryPages } from '../../output/pages.ts';
import { GrowingTable, parseLines } from '../../output/records.ts';
import { type Terminal, write, writeData, writeLines } from '../../output/terminal.ts';
import { explainAbsence } from '../../shell/absence.ts';
import { assertColumned, columnsOption, recordCsv } from '../../shell/columns.ts';
import { filtersOf, withFilters } from '../../shell/filters.ts';
import { connect, type Install, integer, type ServerOptions, trailName, withServer } from '../../shell/shell.ts';
import { saveOption } from './save-option.ts';

interface Options extends ServerOptions, Readonly<Record<string, unknown>> {
  readonly lines: number;
  readonly follow?: true;
  readonly format: 'table' | 'json' | 'ndjson' | 'csv';
  readonly json?: true;
  readonly columns?: readonly string[];
}

/** Milliseconds between two looks at a trail that is followed. */
const INTERVAL = 1000;

export const installTail: Install = (program, shell) => {
  const command = program
    .command('tail')
    .alias('recent')
    .argument('<trail>', 'the trail', trailName)
    .summary('show the newest records, and go on')
    .description('Shows the newest records of a trail, the newest last; with -f goes on with new ones as they come.')
    .option('-n, --lines <n>', 'records to begin with', integer('--lines', 0, 1_000_000), 10)
    .option('-f, --follow', 'go on until Ctrl-C')
    .addOption(
      new Option('--format <name>', 'how to print; as json, one record a line')
        .choices(['table', 'json', 'ndjson', 'csv'])
        .default('table'),
    )
    .option('--json', 'the same as --format json')
    .addOption(columnsOption())
    .addOption(saveOption());
  withServer(withFilters(command)).action((trail: string, options: Options) => tail(shell.terminal, trail, options));
};

async function tail(terminal: Terminal, trail: string, options: Options): Promise<void> {
  const follower = new Tail(terminal, connect(terminal, options), trail, options);
  try {
    await follower.begin();
    while (options.follow) {
      await delay(INTERVAL, undefined, { signal: terminal.signal });
      await follower.poll();
    }
  } catch (error) {
    // Ctrl-C is how following ends.
    if (!(options.follow && terminal.signal.aborted)) throw error;
  }
}

class Tail {
  readonly #terminal: Terminal;
  readonly #http: SignedHttp;
  readonly #trail: string;
  readonly #options: Options;
  /** The next record to look at, and how to ask for it. */
  #next = 0;
  #since: { readonly from?: string; readonly cursor?: string } = {};
  #complained = false;
  readonly #table: GrowingTable;
  readonly #csv: ReturnType<typeof recordCsv>;
  #isHeaded = false;

  constructor(terminal: Terminal, http: SignedHttp, trail: string, options: Options) {
    this.#terminal = terminal;
    this.#http = http;
    this.#trail = trail;
    this.#options = options;
    const { columns, json, format } = options;
    assertColumned(json ? 'json' : format, columns);
    const { tz } = filtersOf(options);
    this.#table = new GrowingTable(terminal.stdout, { columns, ...(typeof tz === 'string' && { zone: tz }) });
    this.#csv = recordCsv(columns);
  }

  /** Prints the newest records, the oldest of them first. */
  async begin(): Promise<void> {
    const { lines: limit, from } = this.#options;
    // The end of the trail is noted first: what comes while the newest are fetched is printed by poll.
    for await (const { lines } of this.#pages({ order: 'newest' }, 1)) {
      for (const line of lines) {
        const { seq, receivedAt } = parseRecord(line);
        this.#next = seq + 1;
        // Times never decrease along a trail, so nothing new can be earlier.
        if (typeof from !== 'string') this.#since = { from: String(receivedAt) };
      }
    }
    const newest: string[] = [];
    const filters = filtersOf(this.#options);
    let why: LinePage['absence'] = [];
    if (limit > 0) {
      for await (const { lines, absence } of this.#pages({ ...filters, order: 'newest' }, limit)) {
        newest.push(...lines);
        why = absence;
      }
    }
    if (newest.length === 0 && !this.#options.follow) await explainAbsence(this.#http, why, this.#terminal);
    await this.#print(newest.reverse().filter((line) => parseRecord(line).seq < this.#next));
  }

  /** Prints new records. Reports a server that is away, and waits for it. */
  async poll(): Promise<void> {
    try {
      const query = { ...filtersOf(this.#options), order: 'oldest', ...this.#since };
      for await (const { lines, cursor } of this.#pages(query, Number.POSITIVE_INFINITY)) {
        await this.#print(lines.filter((line) => parseRecord(line).seq >= this.#next));
        if (cursor !== undefined) this.#since = { ...this.#since, cursor };
      }
      this.#complained = false;
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'unavailable') throw error;
      if (!this.#complained) await write(this.#terminal.stderr, `${error.message}; still trying\n`);
      this.#complained = true;
    }
  }

  #pages(query: NonNullable<HttpRequest['query']>, limit: number): AsyncIterable<LinePage> {
    return queryPages(this.#http, [this.#trail], query, limit, this.#terminal.signal);
  }

  async #print(lines: readonly string[]): Promise<void> {
    const { stdout } = this.#terminal;
    const format = this.#options.json ? 'json' : this.#options.format;
    if (lines.length === 0) return;
    if (format === 'json' || format === 'ndjson') return writeData(stdout, lines);
    if (format === 'csv') {
      const { header, row } = this.#csv;
      await write(stdout, `${this.#isHeaded ? '' : header}${lines.map(row).join('')}`);
      this.#isHeaded = true;
      return;
    }
    await writeLines(stdout, this.#table.add(parseLines(lines)));
  }
}
