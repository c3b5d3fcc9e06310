import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseQuery } from '../lib/api/routes/query-parameters.ts';
import { Archiver } from '../lib/followers/archive/archiver.ts';
import { Indexer } from '../lib/followers/indexing/indexer.ts';
import { readIndexSnapshot } from '../lib/index/format/index-state.ts';
import { RunContent } from '../lib/index/writer/collect.ts';
import { writeRun } from '../lib/index/writer/run-files.ts';
import { readBlocks } from '../lib/ledger/blocks.ts';
import { Ledger } from '../lib/ledger/ledger.ts';
import { nodeReader } from '../lib/ledger/tree/nodes.ts';
import { TileCache } from '../lib/ledger/tree/tile-cache.ts';
import { pemOf } from '../lib/log/note.ts';
import { Queries } from '../lib/query/queries.ts';
import { FolderFiles } from '../lib/store/folder/files.ts';
import { FolderObjects } from '../lib/store/folder/objects.ts';
import { KeyFileSigner } from '../lib/store/keyfile/signer.ts';
import type { Files } from '../lib/store/ports.ts';
import { SqliteTable } from '../lib/store/sqlite/table.ts';
import { MemoryFiles } from '../lib/testing/memory/files.ts';
import { checkAnswer } from '../lib/verify/answers/check-answer.ts';
import { parseTrustedKeys } from '../lib/verify/index.ts';
import { fill, QUESTIONS, TRAIL, World } from './query.ts';
import type { Figure } from './report.ts';

/** The index: its size, how fast it is made, first pages where each read takes as long as from S3, and proofs of answers. */

const ROUNDS = 20;
/** Milliseconds of a read from S3: assumed. */
const READ_MS = 20;

export async function benchIndex(events = 1_000_000): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  const objects = await FolderObjects.open(join(folder, 'archive'));
  const files = await FolderFiles.open(join(folder, 'index'));
  try {
    await fill(table, events);
    const signer = await KeyFileSigner.create(join(folder, 'key.pem'), 'ed25519');
    const ledger = new Ledger({ table, signers: [signer], logName: 'bench.example.com' });
    await ledger.seal(TRAIL);
    const before = process.cpuUsage();
    await new Indexer({ table, files, ledger }).run(TRAIL, { force: true });
    const { user, system } = process.cpuUsage(before);
    const { runs } = await readIndexSnapshot(table, TRAIL);
    const bytes = runs.reduce((sum, run) => sum + run.bytes, 0);
    const figures: Figure[] = [
      {
        what: `indexing ${events} events, their records in ${runs.length} runs`,
        goal: '40,000 events/s of one core',
        measured: {
          'events/s of CPU': Math.round(events / ((user + system) / 1e6)),
          'bytes/event': round(bytes / events),
        },
      },
    ];
    for (const [size, goal] of [
      [4096, 130],
      [65_536, 80],
    ] as const) {
      figures.push({
        what: `a run of ${size}`,
        goal: `at most ${goal} bytes an event`,
        measured: { 'bytes/event': round(await bytesAt(table, size)) },
      });
    }
    figures.push(...(await slowPages(table, files, events)));
    const archiver = new Archiver({ objects, table, ledger });
    for (const trail of [TRAIL, '_index']) await archiver.seal(trail);
    const cache = new TileCache();
    const nodes = (trail: string) => nodeReader({ objects, table, ledger, cache }, trail);
    const trust = parseTrustedKeys((await ledger.verifiers(TRAIL)).map(pemOf).join(''));
    const queries = new Queries({ table, files, secret: randomBytes(32), proofs: { ledger, nodes } });
    const world = new World(events);
    for (const [name, parameters] of Object.entries(QUESTIONS)) {
      const times: number[] = [];
      const checks: number[] = [];
      let most = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const query = parseQuery(new URLSearchParams(`${parameters(world, round)}&limit=25`));
        const started = performance.now();
        const { proof } = await queries.provenPage(TRAIL, query);
        times.push(performance.now() - started);
        const text = JSON.stringify({ ...proof, records: [] });
        most = Math.max(most, text.length);
        const checking = performance.now();
        checkAnswer(JSON.parse(JSON.stringify(proof)), trust);
        checks.push(performance.now() - checking);
      }
      figures.push({
        what: `the proof of a first page of 25 by ${name}`,
        goal: 'at most 40,000 bytes besides the records, p50 50 ms',
        measured: { bytes: most, 'p50 ms': median(times), 'to check, p50 ms': median(checks) },
      });
    }
    return figures;
  } finally {
    await table.close();
    await objects.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function bytesAt(table: SqliteTable, size: number): Promise<number> {
  const content = new RunContent(0);
  for await (const block of readBlocks(table, TRAIL, { from: 0, to: size - (size % 100) })) content.add(block);
  const run = await writeRun(new MemoryFiles(), TRAIL, { first: 0, size: content.size }, content);
  return run.bytes / content.size;
}

async function slowPages(table: SqliteTable, files: Files, events: number): Promise<Figure[]> {
  const world = new World(events);
  const slow: Pick<Files, 'read'> = {
    read: async (...args) => {
      await sleep(READ_MS);
      return files.read(...args);
    },
  };
  const figures: Figure[] = [];
  for (const [name, parameters] of Object.entries(QUESTIONS)) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      // Nothing is kept from the round before.
      const queries = new Queries({ table, files: slow, secret: randomBytes(32) });
      const query = parseQuery(new URLSearchParams(`${parameters(world, round)}&limit=25`));
      const started = performance.now();
      await queries.page(TRAIL, query);
      times.push(performance.now() - started);
    }
    figures.push({
      what: `first page of 25 by ${name}, with ${READ_MS} ms for each read of the index`,
      goal: 'p50 under 200 ms',
      measured: { 'p50 ms': median(times) },
    });
  }
  return figures;
}

const median = (times: readonly number[]): number => round(times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0);
const round = (value: number): number => Math.round(value * 10) / 10;
