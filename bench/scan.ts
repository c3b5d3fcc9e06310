import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseQuery } from '../lib/api/routes/query-parameters.ts';
import { Indexer } from '../lib/followers/indexing/indexer.ts';
import { Queries } from '../lib/query/queries.ts';
import { FolderFiles } from '../lib/store/folder/files.ts';
import { SqliteTable } from '../lib/store/sqlite/table.ts';
import { fill, TRAIL } from './query.ts';
import type { Figure } from './report.ts';

/**
 * What it takes to look at a record, where the index does not carry a filter: in processor time, which says more than the clock on a
 * machine that others share. Events of about 600 bytes in SQLite.
 */

const EVENTS = 100_000;
const ROUNDS = 5;

const QUESTIONS: Readonly<Record<string, string>> = {
  '--text, in no record': 'text=no such words',
  '--text, in one of thirty': 'text=STEP 7',
  '--where on a field': 'where=action = "step 7"',
  '--not-actor': 'notActor=user-1*',
  '--time-from, by the producer’s clock': 'timeFrom=2026-01-15',
  '--text beside --tenant, which the index carries': 'text=no such words&tenant=tenant-7',
};

export async function benchScan(events = EVENTS): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  try {
    await fill(table, events);
    const files = await FolderFiles.open(join(folder, 'index'));
    await new Indexer({ table, files }).run(TRAIL, { force: true });
    const figures: Figure[] = [];
    for (const [name, parameters] of Object.entries(QUESTIONS)) {
      const queries = new Queries({ table, files, secret: randomBytes(32) });
      figures.push(await figureOf(name, queries, parameters));
    }
    return figures;
  } finally {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function figureOf(name: string, queries: Queries, parameters: string): Promise<Figure> {
  let [scanned, found] = [0, 0];
  const times: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    [scanned, found] = await ask(queries, parameters);
    const { user, system } = process.cpuUsage(before);
    if (round >= 0) times.push(user + system);
  }
  const micros = times.toSorted((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  return {
    what: `a question with ${name}`,
    goal: 'none: it says what a question without the index costs',
    measured: {
      ...{ 'records looked at': scanned, found },
      'µs of processor a record': Math.round((micros / scanned) * 10) / 10,
      'records a second of it': Math.round(scanned / (micros / 1e6)),
    },
  };
}

/** Pages to the end. @returns how many records were looked at, and found */
async function ask(queries: Queries, parameters: string): Promise<[scanned: number, found: number]> {
  const query = parseQuery(new URLSearchParams(`${parameters}&limit=1000`));
  let [scanned, found] = [0, 0];
  for (let cursor: string | undefined; ; ) {
    const page = await queries.page(TRAIL, cursor === undefined ? query : { ...query, cursor });
    scanned += page.scanned;
    found += page.matches.length;
    if (!page.more) return [scanned, found];
    cursor = page.cursor;
  }
}
