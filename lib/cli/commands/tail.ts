import { setTimeout as delay } from 'node:timers/promises';
import type { SignedHttp } from '../../client/http.ts';
import { SealtrailError } from '../../log/error.ts';
import { parseRecord, type SealedRecord } from '../../log/record.ts';
import { filtersOf, withFilters } from '../filters.ts';
import { queryPages, recordTable } from '../records.ts';
import { connect, type Install, integer, type ServerOptions, trailName, withJson, withServer } from '../shell.ts';
import { type Terminal, writeLines } from '../terminal.ts';

interface Options extends ServerOptions, Readonly<Record<string, unknown>> {
  readonly lines: number;
  readonly follow?: true;
  readonly json?: true;
}

/** Milliseconds between two looks at a trail that is followed. */
const INTERVAL = 1000;

export const installTail: Install = (program, shell) => {
  const command = program
    .command('tail')
    .argument('<trail>', 'the trail', trailName)
    .summary('show the newest records, and go on')
    .description('Shows the newest records of a trail, the newest last; with -f goes on with new ones as they come.')
    .option('-n, --lines <n>', 'records to begin with', integer('--lines', 0, 1_000_000), 10)
    .option('-f, --follow', 'go on until Ctrl-C');
  withJson(withServer(withFilters(command))).action((trail: string, options: Options) =>
    tail(shell.terminal, trail, options),
  );
};

async function tail(terminal: Terminal, trail: string, options: Options): Promise<void> {
  const follower = new Tail(terminal, connect(terminal, options), trail, options);
  try {
    await follower.begin();
    while (options.follow) {
      await delay(INTERVAL, undefined, { signal: terminal.signal });
      await follower.goOn();
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
  /** The first record that has not been looked at. */
  #next = 0;
  #complained = false;
  #headed = false;

  constructor(terminal: Terminal, http: SignedHttp, trail: string, options: Options) {
    this.#terminal = terminal;
    this.#http = http;
    this.#trail = trail;
    this.#options = options;
  }

  async begin(): Promise<void> {
    await this.#print(await this.#newest(this.#options.lines, 0));
  }

  /** Prints what is new. A server that is away for a while is said to be, and waited for. */
  async goOn(): Promise<void> {
    try {
      await this.#print(await this.#newest(Number.POSITIVE_INFINITY, this.#next));
      this.#complained = false;
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'unavailable') throw error;
      if (!this.#complained) this.#terminal.stderr.write(`${error.message}; still trying\n`);
      this.#complained = true;
    }
  }

  /** The newest records that match, at most `limit` and from number `least` on, the oldest first. */
  async #newest(limit: number, least: number): Promise<string[]> {
    const found: string[] = [];
    const query = { ...filtersOf(this.#options), order: 'newest' };
    const { signal } = this.#terminal;
    for await (const { lines, asOf } of queryPages(this.#http, this.#trail, query, Math.max(limit, 1), signal)) {
      this.#next = Math.max(this.#next, asOf);
      const fresh = lines.filter((line) => parseRecord(line).seq >= least);
      found.push(...fresh);
      if (fresh.length < lines.length) break;
    }
    return limit === 0 ? [] : found.reverse();
  }

  async #print(lines: readonly string[]): Promise<void> {
    const { stdout } = this.#terminal;
    if (lines.length === 0) return;
    if (this.#options.json) return writeLines(stdout, lines);
    const [heading = '', ...rows] = recordTable(lines.map(parseRecord) satisfies SealedRecord[], stdout);
    await writeLines(stdout, this.#headed ? rows : [heading, ...rows]);
    this.#headed = true;
  }
}
