import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseQuery } from '../lib/api/routes/query-parameters.ts';
import { moveTo } from '../lib/index/format/index-state.ts';
import type { StoredRun } from '../lib/index/format/run-layout.ts';
import { RunContent } from '../lib/index/writer/collect.ts';
import { writeRun } from '../lib/index/writer/run-files.ts';
import { INDEXER, moveWatermark, readWatermark } from '../lib/ledger/items/watermark.ts';
import { Queries } from '../lib/query/queries.ts';
import { FolderFiles } from '../lib/store/folder/files.ts';
import type { Files } from '../lib/store/ports.ts';
import { BLOCK, QUESTIONS, receivedAt, TRAIL, World } from './query.ts';
import type { Figure } from './report.ts';
import { WorldTable } from './world-table.ts';

/**
 * First pages out of ten million events. Runs are written at once, as long as merging would make them, and blocks are made when they
 * are first read: an append for each event would take hours.
 */

const ROUNDS = 20;
/** Milliseconds of a read from S3: assumed. */
const READ_MS = 20;
/** How long runs are, longest first, and how many there may be of each but the first before they are merged. */
const SIZES: readonly (readonly [least: number, most: number])[] = [
  [2 ** 20, Number.POSITIVE_INFINITY],
  [262_144, 3],
  [65_536, 3],
  [4096, 15],
];

export async function benchLongIndex(events = 10_000_000): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await WorldTable.create(events);
  try {
    const files = await FolderFiles.open(join(folder, 'index'));
    const written = await writeRuns(table, files, events);
    return [
      written,
      ...(await firstPages(table, files, events, 0)),
      ...(await firstPages(table, files, events, READ_MS)),
    ];
  } finally {
    await table.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function writeRuns(table: WorldTable, files: Files, events: number): Promise<Figure> {
  const world = new World(events);
  const runs: StoredRun[] = [];
  let cpu = 0;
  for (const size of sizesOf(events)) {
    const first = runs.reduce((sum, run) => sum + run.size, 0);
    const content = new RunContent(first);
    for (let block = first; block < first + size; block += BLOCK) {
      const records = Array.from({ length: BLOCK }, (_, n) => ({
        submitter: 'bench',
        event: world.content(block + n),
      }));
      const before = process.cpuUsage();
      content.addBlock({ first: block, receivedAt: receivedAt(block, events) }, records);
      cpu += since(before);
    }
    const before = process.cpuUsage();
    runs.push(await writeRun(files, TRAIL, { first, size }, content));
    cpu += since(before);
  }
  const size = runs.reduce((sum, run) => sum + run.size, 0);
  const mark = await readWatermark(table, TRAIL, INDEXER);
  await moveWatermark(table, mark, moveTo(size, { runs, superseded: [], hasRows: false }));
  return {
    what: `writing the runs of ${events} events`,
    goal: 'at most 80 bytes an event',
    measured: {
      runs: runs.length,
      'bytes/event': rounded(runs.reduce((sum, run) => sum + run.bytes, 0) / size),
      'µs/event of CPU, with neither blocks nor JSON': rounded(cpu / size),
    },
  };
}

/** The sizes of the runs of a trail, from its beginning: what is left at its end is scanned. */
function sizesOf(events: number): number[] {
  const sizes: number[] = [];
  let left = events;
  for (const [least, most] of SIZES) {
    const size = BLOCK * Math.ceil(least / BLOCK); // a run ends with a block
    const count = Math.min(most, Math.floor(left / size));
    for (let n = 0; n < count; n++) sizes.push(size);
    left -= count * size;
  }
  return sizes;
}

/** @param readMs how long each read of the index takes beside what the folder takes */
async function firstPages(table: WorldTable, files: Files, events: number, readMs: number): Promise<Figure[]> {
  const world = new World(events);
  const slow: Pick<Files, 'read'> = {
    read: async (...args) => {
      if (readMs > 0) await sleep(readMs);
      return files.read(...args);
    },
  };
  const figures: Figure[] = [];
  for (const [name, parameters] of Object.entries(QUESTIONS)) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const query = parseQuery(new URLSearchParams(`${parameters(world, round)}&limit=25`));
      // Makes the blocks. Nothing else is kept from one to the next.
      await new Queries({ table, files, secret: randomBytes(32) }).page(TRAIL, query);
      const queries = new Queries({ table, files: slow, secret: randomBytes(32) });
      const started = performance.now();
      await queries.page(TRAIL, query);
      times.push(performance.now() - started);
    }
    times.sort((a, b) => a - b);
    figures.push({
      what: `first page of 25 of ${events} by ${name}${readMs > 0 ? `, with ${readMs} ms for each read of the index` : ''}`,
      goal: readMs > 0 ? 'p50 under 200 ms' : 'known, with the index in a folder',
      measured: { 'p50 ms': rounded(times[times.length >> 1] ?? 0), 'most ms': rounded(times.at(-1) ?? 0) },
    });
  }
  return figures;
}

function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;
