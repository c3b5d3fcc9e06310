import { hash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseQuery } from '../lib/api/routes/query-parameters.ts';
import { CATALOGUE } from '../lib/contract/catalogue.ts';
import { Indexer } from '../lib/followers/indexing/indexer.ts';
import { readIndexSnapshot } from '../lib/index/format/index-state.ts';
import { commit } from '../lib/ledger/commit.ts';
import type { Head } from '../lib/ledger/items/head.ts';
import { Queries } from '../lib/query/queries.ts';
import { FolderFiles } from '../lib/store/folder/files.ts';
import type { Files } from '../lib/store/ports.ts';
import { SqliteTable } from '../lib/store/sqlite/table.ts';
import type { Figure } from './report.ts';

/** Queries and summaries over a trail in SQLite: a month of events of about 600 bytes, sealed 100 at a time. */

export const TRAIL = 'bench';
/** Records of a block. */
export const BLOCK = 100;
const START = Date.UTC(2026, 0, 1);
const MONTH = 30 * 86_400_000;
/** When a record is received, of so many in a month: Unix milliseconds, the same for a block. */
export const receivedAt = (seq: number, events: number): number =>
  START + Math.floor(((seq - (seq % BLOCK)) / events) * MONTH);
const ROUNDS = 200;

interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** The figures at `events` events, next to those at a hundredth of it. */
export async function benchQuery(events = 1_000_000): Promise<Figure[]> {
  const small = await measure(events / 100);
  const large = await measure(events);
  return large.figures.map((figure, i) => {
    const before = small.figures[i]?.measured['p50 ms'];
    if (before === undefined) return figure;
    return { ...figure, measured: { ...figure.measured, [`p50 ms at ${events / 100}`]: before } };
  });
}

async function measure(events: number): Promise<{ figures: Figure[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  try {
    await fill(table, events);
    const started = performance.now();
    const files = await FolderFiles.open(join(folder, 'index'));
    await new Indexer({ table, files }).run(TRAIL, { force: true });
    const seconds = (performance.now() - started) / 1000;
    const bytes = await indexBytes(table);
    const index: Figure = {
      what: `indexing ${events} events`,
      goal: '40,000 events/s, 80 bytes/event',
      measured: { 'events/s': Math.round(events / seconds), 'bytes/event': Math.round(bytes / events) },
    };
    const stores = { table, files };
    return { figures: [index, ...(await queryFigures(stores, events)), ...(await summaryFigures(stores, events))] };
  } finally {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Bytes of the runs that make up the index. */
async function indexBytes(table: SqliteTable): Promise<number> {
  const { runs } = await readIndexSnapshot(table, TRAIL);
  return runs.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What queries read. */
interface Stores {
  readonly table: SqliteTable;
  readonly files: Files;
}

async function queryFigures(stores: Stores, events: number): Promise<Figure[]> {
  const world = new World(events);
  const figures: Figure[] = [];
  const goal = 'p50 under 10 ms, p99 under 50 ms, p50 at most 1.5 times that at a hundredth of the events';
  for (const limit of [25, 100]) {
    for (const [name, parameters] of Object.entries(QUESTIONS)) {
      const latency = await time(stores, async (queries, round) => {
        await queries.page(TRAIL, parseQuery(new URLSearchParams(`${parameters(world, round)}&limit=${limit}`)));
      });
      figures.push({ what: `first page of ${limit} by ${name}`, goal, measured: shown(latency) });
    }
  }
  figures.push(...(await pageFigures(stores, world)));
  return figures;
}

export const QUESTIONS: Readonly<Record<string, (world: World, round: number) => string>> = {
  actor: (world, round) => `actor=${world.actor(round * 31)}`,
  type: (world, round) => `type=${world.type(round * 7)}`,
  'project, rare in the long log': (world, round) => `project=${world.project(round * 31)}`,
  resource: (world, round) => `resource=${world.resource(round * 101)}`,
  correlation: (world, round) => `correlation=${world.correlation(round * 7919)}`,
  tenant: (world, round) => `tenant=${world.tenant(round)}`,
  'actor and type': (world, round) => `actor=${world.actor(round * 31)}&type=${world.type(round * 7)}`,
  'nothing, the newest': () => 'order=newest',
  'a value that does not exist': (_, round) => `session=none-${round}`,
};

async function pageFigures(stores: Stores, world: World): Promise<Figure[]> {
  const queries = open(stores);
  const query = parseQuery(new URLSearchParams(`tenant=${world.tenant(1)}&limit=10`));
  const latencies: number[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 1000; page++) {
    const started = performance.now();
    const found = await queries.page(TRAIL, cursor === undefined ? query : { ...query, cursor });
    latencies.push(performance.now() - started);
    if (!found.more) break;
    cursor = found.cursor;
  }
  const share = (from: number, to: number) => shown(percentiles(latencies.slice(from, to)));
  return [
    { what: 'pages 1 to 50 of 10 by tenant', goal: 'the measure for the next', measured: share(0, 50) },
    {
      what: 'pages 951 to 1,000 of 10 by tenant',
      goal: 'as fast as the first',
      measured: share(-50, latencies.length),
    },
  ];
}

async function summaryFigures(stores: Stores, events: number): Promise<Figure[]> {
  const whole = await time(stores, (queries) => queries.summary(TRAIL), 30);
  const step = MONTH / events;
  const cut = await time(
    stores,
    (queries, round) =>
      queries.summary(TRAIL, { from: START + round * 1234 * step, to: START + MONTH - round * 777 * step }),
    30,
  );
  const activity = await time(
    stores,
    (queries, round) => queries.activity(TRAIL, new World(events).actor(round * 31)),
    10,
  );
  return [
    { what: 'summary of a month', goal: 'under 50 ms', measured: shown(whole) },
    { what: 'summary of a month from and to the middle of an hour', goal: 'under 50 ms', measured: shown(cut) },
    { what: 'activity of an actor over the month', goal: 'tens of milliseconds', measured: shown(activity) },
  ];
}

const open = (stores: Stores): Queries => new Queries({ ...stores, secret: randomBytes(32) });

/** Each round begins with nothing kept in memory but what SQLite and the operating system keep. */
async function time(stores: Stores, work: (queries: Queries, round: number) => Promise<unknown>, rounds = ROUNDS) {
  const latencies: number[] = [];
  const warmUp = Math.min(10, rounds);
  for (let round = -warmUp; round < rounds; round++) {
    const queries = open(stores);
    const started = performance.now();
    await work(queries, round + warmUp);
    if (round >= 0) latencies.push(performance.now() - started);
  }
  return percentiles(latencies);
}

function percentiles(latencies: readonly number[]): Latency {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

const shown = ({ p50, p99 }: Latency) => ({ 'p50 ms': rounded(p50), 'p99 ms': rounded(p99) });
const rounded = (value: number): number => Math.round(value * 100) / 100;

/** A month of events in a trail. */
export async function fill(table: SqliteTable, events: number): Promise<void> {
  const world = new World(events);
  let known: Head | undefined;
  for (let first = 0; first < events; first += BLOCK) {
    const now = () => receivedAt(first, events);
    const block = Array.from({ length: BLOCK }, (_, n) => world.event(first + n));
    const done = await commit({ table, trail: TRAIL, now, known }, [{ submitter: 'bench', events: block }]);
    known = done.head;
  }
}

/** Spreads numbers without a pattern that the index could gain from: 0 to before `among`. */
const spread = (n: number, among: number): number => Number.parseInt(hash('md5', `${n}`).slice(0, 8), 16) % among;

/**
 * Who does what to what. Where a question finds more than a page, its share of the events is the same however many there
 * are, so that pages come out of as many blocks: the figures differ by the log's length and by nothing else.
 */
export class World {
  readonly #events: number;

  constructor(events: number) {
    this.#events = events;
  }

  /** A hundred, some of whom do most of the work. */
  actor(n: number): string {
    return `user-${Math.floor(100 * (spread(n, 10_000) / 10_000) ** 2)}@example.com`;
  }

  /** A thousand events each: in a long log, a page of them comes out of as many blocks as it has records. */
  project(n: number): string {
    return `project-${spread(n + 3, Math.ceil(this.#events / 1000))}`;
  }

  type(n: number): string {
    return CATALOGUE[spread(n, CATALOGUE.length)]?.name ?? 'data.read';
  }

  /** Twenty events each. */
  resource(n: number): string {
    return `document-${spread(n + 1, Math.ceil(this.#events / 20))}`;
  }

  tenant(n: number): string {
    return `tenant-${spread(n + 2, 40)}`;
  }

  /** Eight events each, one after the other. */
  correlation(n: number): string {
    return hash('md5', `correlation ${Math.floor((n % this.#events) / 8)}`);
  }

  event(n: number): { id: string; json: string } {
    const event = this.content(n);
    return { id: event.id, json: JSON.stringify(event) };
  }

  /** Keys in canonical order (RFC 8785), so that their JSON is what intake would store. */
  content(n: number) {
    return {
      action: `step ${spread(n + 5, 30)}`,
      actor: { id: this.actor(n), ip: '203.0.113.***', type: 'user' },
      context: {
        correlation: this.correlation(n),
        project: this.project(n),
        request: hash('md5', `request ${n}`),
        session: hash('md5', `session ${spread(n + 4, Math.ceil(this.#events / 50))}`),
        tenant: this.tenant(n),
      },
      description: 'Something happened to something, and it is written down here in as many words as people use.',
      id: hash('md5', `id ${n}`),
      outcome: spread(n + 6, 10) === 0 ? 'failure' : 'success',
      resource: { id: this.resource(n), type: 'document' },
      severity: spread(n + 7, 20) === 0 ? 'warning' : 'info',
      type: this.type(n),
    };
  }
}
