import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { readReceipt } from '../../lib/client/event/receipt.ts';
import { SignedHttp } from '../../lib/client/http/http.ts';
import type { Receipt } from '../../lib/contract/receipt.ts';
import { toHex } from '../../lib/log/encoding.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { leafHash } from '../../lib/log/hash.ts';
import { parseCredentials } from '../../lib/server/access.ts';
import { FolderObjects } from '../../lib/store/folder/objects.ts';
import { verifyArchive } from '../../lib/verify/archive/verify-archive.ts';
import { parseTrustedKeys } from '../../lib/verify/evidence/trust.ts';
import { folderUntil } from '../store/temporary.ts';
import { type Server, serve, start } from './process.ts';

/** `npm run test:durability` kills many more times. */
const KILLS = Number(process.env.SEALTRAIL_KILLS ?? 3);
/** Each run has other moments; to repeat one, set the seed that its name shows. */
const SEED = Number(process.env.SEALTRAIL_SEED ?? Date.now() % 1_000_000);
const TRAILS = ['orders', 'payments'];
const WRITERS = 6;

const cleanUps: (() => void)[] = [];
afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp();
});

/** What one request holds, and what came of it. */
interface Batch {
  readonly key: string;
  readonly trail: string;
  readonly ids: readonly string[];
  receipt?: Receipt;
}

/** Reproducible numbers from 0 to 1 (mulberry32, public domain). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(SEED);
const between = (least: number, most: number): number => Math.floor(least + random() * (most - least));

/** Appends batches as long as the server lives. What was cut off is sent again first, under its own key. */
class Writer {
  readonly batches: Batch[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  async writeTo(http: SignedHttp): Promise<void> {
    try {
      for (;;) {
        const open = this.batches.find((batch) => batch.receipt === undefined);
        await this.#send(http, open ?? this.#next());
      }
    } catch (error) {
      // The server is dead. Anything but that is a finding.
      if (!(error instanceof SealtrailError) || error.code !== 'unavailable') throw error;
    }
  }

  /** Sends what was cut off, until it is acknowledged. */
  async settle(http: SignedHttp): Promise<void> {
    for (const batch of this.batches) if (batch.receipt === undefined) await this.#send(http, batch);
  }

  /** True if a request of this writer has no answer. */
  get isCutOff(): boolean {
    return this.batches.some((batch) => batch.receipt === undefined);
  }

  #next(): Batch {
    const key = `${this.#name}-${this.batches.length}`;
    const trail = TRAILS[between(0, TRAILS.length)] ?? 'orders';
    const batch = { key, trail, ids: Array.from({ length: between(1, 30) }, (_, i) => `${key}-${i}`) };
    this.batches.push(batch);
    return batch;
  }

  async #send(http: SignedHttp, batch: Batch): Promise<void> {
    const events = batch.ids.map((id) => ({ id, type: 'data.update', actor: { id: this.#name }, details: { id } }));
    const answer = await http.send({
      method: 'POST',
      path: `/v1/trails/${batch.trail}/events`,
      headers: { 'idempotency-key': batch.key },
      body: JSON.stringify({ events }),
    });
    batch.receipt = readReceipt(answer.json());
  }
}

/** Requests that were answered. */
const answered = (writers: readonly Writer[]): number =>
  writers.flatMap(({ batches }) => batches).filter(({ receipt }) => receipt !== undefined).length;

async function clientOf(data: string, server: Server): Promise<SignedHttp> {
  const profiles = parseCredentials(await readFile(join(data, 'credentials'), 'utf8'));
  const admin = profiles.find((profile) => profile.profile === 'admin');
  if (admin === undefined) throw new Error('there is no profile admin');
  return new SignedHttp({ endpoint: server.endpoint, credentials: async () => admin, attempts: 1 });
}

/** All record lines of a trail, in their order. */
async function linesOf(http: SignedHttp, trail: string): Promise<string[]> {
  const lines: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { format: 'ndjson', order: 'oldest', limit: 1000, cursor };
    const answer = await http.send({ path: `/v1/trails/${trail}/events`, query });
    lines.push(
      ...answer
        .text()
        .split('\n')
        .filter((line) => line !== ''),
    );
    cursor = answer.headers.get('x-more') === 'true' ? (answer.headers.get('x-next-cursor') ?? undefined) : undefined;
  } while (cursor !== undefined);
  return lines;
}

describe('a server that is killed again and again', () => {
  it(
    `keeps every acknowledged event once, where its receipt says, and an archive that verifies (seed ${SEED})`,
    async () => {
      const data = join(
        folderUntil((task) => cleanUps.push(task)),
        'data',
      );
      mkdirSync(data, { recursive: true, mode: 0o700 });
      const writers = Array.from({ length: WRITERS }, (_, i) => new Writer(`writer-${i}`));
      let cutOff = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        if (kill % 4 === 3) await killWhileStarting(data);
        const server = await serve(data);
        const http = await clientOf(data, server);
        const before = answered(writers);
        const writing = Promise.allSettled(writers.map((writer) => writer.writeTo(http)));
        // By the work that was done and not by the clock alone, but for some: the first requests are cut off too.
        while (kill % 4 !== 1 && answered(writers) === before) await delay(5);
        await delay(between(20, 500));
        await server.stop('SIGKILL');
        cutOff += writers.filter((writer) => writer.isCutOff).length;
        const failures = (await writing).filter((result) => result.status === 'rejected');
        expect({ kill, failures, complaints: server.complaints() }).toEqual({ kill, failures: [], complaints: '' });
      }

      const server = await serve(data);
      const http = await clientOf(data, server);
      for (const writer of writers) await writer.settle(http);
      const batches = writers.flatMap((writer) => writer.batches);
      // The kills came while there was work: many requests were answered, and some were cut off.
      expect(batches.length).toBeGreaterThan(KILLS / 2);
      expect(cutOff).toBeGreaterThan(KILLS / 2);

      for (const trail of TRAILS) {
        const lines = await linesOf(http, trail);
        const mine = batches.filter((batch) => batch.trail === trail);
        const found = lines.map((line) => JSON.parse(line).event.id);
        expect([...found].sort()).toEqual(mine.flatMap((batch) => batch.ids).sort());
        for (const { receipt, ids } of mine) {
          expect(receipt?.events.map((event) => event.id)).toEqual(ids);
          for (const { seq, hash, id } of receipt?.events ?? []) {
            expect({ seq, id: found[seq], hash: toHex(leafHash(lines[seq] ?? '')) }).toEqual({ seq, id, hash });
          }
        }
        await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals` });
      }
      const keys = await http.send({ path: '/v1/keys' });
      const vkeys: string[] = JSON.parse(keys.text()).keys.map((key: { vkey: string }) => key.vkey);
      // The log's own trails too: verify misses every trail that a trusted key is for.
      for (const trail of vkeys.map((vkey) => /\/(_[a-z]+)\+/.exec(vkey)?.[1]).filter((name) => name !== undefined)) {
        await http.send({ method: 'POST', path: `/v1/trails/${trail}/seals` });
      }
      expect({ code: await server.stop('SIGTERM'), complaints: server.complaints() }).toEqual({
        code: 0,
        complaints: '',
      });

      const trust = parseTrustedKeys(vkeys.join('\n'));
      const report = await verifyArchive(await FolderObjects.openReadOnly(join(data, 'archive')), { trust });
      expect(report.problems).toEqual([]);
      expect(report.verdict).toBe('ok');
      const events = batches.reduce((sum, batch) => sum + batch.ids.length, 0);
      const ours = report.trails.filter(({ trail }) => !trail.startsWith('_'));
      expect(ours.reduce((sum, trail) => sum + trail.covered.to, 0)).toBe(events);
    },
    20_000 + KILLS * 5_000,
  );
});

/** A crash while it recovers from a crash. */
async function killWhileStarting(data: string): Promise<void> {
  const child = start(['serve', '--data', data, '--port', '0'], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await delay(between(100, 900));
  child.kill('SIGKILL');
  await ended;
}
