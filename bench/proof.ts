import { hash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Principal } from '../lib/api/core/principal.ts';
import { answer, type Route } from '../lib/api/core/route.ts';
import { getConsistency, getProof } from '../lib/api/routes/proofs.ts';
import type { ReadServices } from '../lib/api/services.ts';
import { Archiver } from '../lib/followers/archive/archiver.ts';
import { commit } from '../lib/ledger/commit.ts';
import type { Head } from '../lib/ledger/items/head.ts';
import { Ledger } from '../lib/ledger/ledger.ts';
import { nodeReader } from '../lib/ledger/tree/nodes.ts';
import { TileCache } from '../lib/ledger/tree/tile-cache.ts';
import { pemOf } from '../lib/log/note.ts';
import { DEFAULT_POLICY } from '../lib/privacy/policy.ts';
import { Queries } from '../lib/query/queries.ts';
import { FolderFiles } from '../lib/store/folder/files.ts';
import { FolderObjects } from '../lib/store/folder/objects.ts';
import { KeyFileSigner } from '../lib/store/keyfile/signer.ts';
import { SqliteTable } from '../lib/store/sqlite/table.ts';
import { checkConsistencyFile, checkProofFile, parseTrustedKeys, type TrustedKeys } from '../lib/verify/index.ts';
import type { Figure } from './report.ts';

/**
 * Proofs of random records, made like the API's (record, checkpoint, path through the archived tiles, and a check) and
 * checked like those of `sealtrail verify-proof`. SQLite and a folder, records sealed 100 at a time.
 */

const TRAIL = 'bench';
const BLOCK = 100;
const ROUNDS = 1000;
const principal = new Principal({ name: 'bench', actions: ['read'], trails: ['*'] });

export async function benchProof(records = 1_000_000): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const table = await SqliteTable.open(join(folder, 'ledger.db'));
  const objects = await FolderObjects.open(join(folder, 'archive'));
  const files = await FolderFiles.open(join(folder, 'index'));
  try {
    const signer = await KeyFileSigner.create(join(folder, 'key.pem'), 'ed25519');
    const ledger = new Ledger({ table, signers: [signer], logName: 'bench.example.com' });
    const archiver = new Archiver({ objects, table, ledger });
    const sizes = await fill(table, ledger, records);
    await archiver.seal(TRAIL);
    const trust = parseTrustedKeys((await ledger.verifiers(TRAIL)).map(pemOf).join(''));
    const servicesWith = (cache: TileCache): ReadServices => ({
      ledger,
      queries: new Queries({ table, files, secret: randomBytes(32) }),
      nodes: (trail) => nodeReader({ objects, table, ledger, cache }, trail),
      logName: 'bench.example.com',
      witnessed: async () => {
        throw new RangeError('no one asks for witnesses here');
      },
      policyOf: () => DEFAULT_POLICY,
      recordsReads: false,
    });
    const shared = servicesWith(new TileCache());
    const caches: readonly (readonly [string, () => ReadServices])[] = [
      ['with the tiles used last in memory', () => shared],
      ['with no tile in memory', () => servicesWith(new TileCache())],
    ];
    // A warm-up, while code is compiled.
    await inclusionFigure('to warm up', () => shared, ledger, records, trust);
    const figures: Figure[] = [];
    for (const [how, services] of caches) {
      figures.push(await inclusionFigure(`${records} records, ${how}`, services, ledger, records, trust));
      figures.push(await consistencyFigure(`${records} records, ${how}`, services, sizes, trust));
    }
    return figures;
  } finally {
    await objects.close();
    await table.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns the sizes that have a checkpoint */
async function fill(table: SqliteTable, ledger: Ledger, records: number): Promise<number[]> {
  const sizes: number[] = [];
  let known: Head | undefined;
  for (let first = 0; first < records; first += BLOCK) {
    const events = Array.from({ length: BLOCK }, (_, n) => eventOf(first + n));
    known = (await commit({ table, trail: TRAIL, now: Date.now, known }, [{ submitter: 'bench', events }])).head;
    if ((first + BLOCK) % (records / 20) !== 0) continue;
    await ledger.seal(TRAIL);
    sizes.push(first + BLOCK);
  }
  return sizes;
}

function eventOf(seq: number): { id: string; json: string } {
  const id = hash('md5', `id ${seq}`);
  const note = 'Something happened to something, and it is written down here in as many words as people use. '.repeat(
    3,
  );
  const json = JSON.stringify({
    actor: { id: `user-${seq % 997}` },
    description: note,
    id,
    severity: 'info',
    type: 'data.read',
  });
  return { id, json };
}

async function inclusionFigure(
  what: string,
  services: () => ReadServices,
  ledger: Ledger,
  records: number,
  trust: TrustedKeys,
): Promise<Figure> {
  const made: number[] = [];
  const checked: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const seq = Number.parseInt(hash('md5', `${round}`).slice(0, 8), 16) % records;
    const proof = await timed(made, () => ask(getProof, services(), `events/${seq}/proof`, { seq: String(seq) }));
    const line = (await ledger.record(TRAIL, seq)) ?? '';
    await timed(checked, async () => checkProofFile(proof, line, trust));
  }
  return figure(`inclusion proof, ${what}`, made, checked);
}

async function consistencyFigure(
  what: string,
  services: () => ReadServices,
  sizes: readonly number[],
  trust: TrustedKeys,
): Promise<Figure> {
  const made: number[] = [];
  const checked: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [a = 0, b = 0] = [sizes[(round * 7) % sizes.length], sizes[(round * 13 + 5) % sizes.length]];
    const query = `consistency?from=${Math.min(a, b)}&to=${Math.max(a, b)}`;
    const proof = await timed(made, () => ask(getConsistency, services(), query, {}));
    await timed(checked, async () => checkConsistencyFile(proof, trust));
  }
  return figure(`consistency proof, ${what}`, made, checked);
}

async function ask(
  route: Route<ReadServices>,
  services: ReadServices,
  path: string,
  segments: Readonly<Record<string, string>>,
): Promise<string> {
  const { pathname, searchParams } = new URL(`http://bench/v1/trails/${TRAIL}/${path}`);
  const request = { method: 'GET', path: pathname, query: searchParams, headers: {}, body: new Uint8Array() };
  const { body } = await answer(
    route,
    services,
    { ...request, principal, requestId: 'bench' },
    { ...segments, trail: TRAIL },
  );
  return String(body);
}

async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  into.push(performance.now() - started);
  return result;
}

function figure(what: string, made: readonly number[], checked: readonly number[]): Figure {
  return {
    what,
    goal: 'made in at most 5 ms, checked in under 1 ms',
    measured: {
      ...percentiles('made', made),
      ...percentiles('checked', checked),
    },
  };
}

function percentiles(name: string, latencies: readonly number[]): Record<string, number> {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.floor(share * (sorted.length - 1))] ?? 0) * 100) / 100;
  return { [`${name} p50 ms`]: at(0.5), [`${name} p99 ms`]: at(0.99) };
}
