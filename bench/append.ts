import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './load.ts';
import type { Figure } from './report.ts';
import { serveForBench } from './serve.ts';

/** Appends over HTTP against a real `sealtrail serve`: signed requests, fsync, signed checkpoints, receipts with proofs. */

const EVENT_BYTES = 600;

/** A way to append: how many events a request has, and how many connections send them. */
export interface AppendCase {
  readonly name: string;
  readonly eventsPerRequest: number;
  readonly connections: number;
}

export const BATCHES: AppendCase = { name: '100 events per request', eventsPerRequest: 100, connections: 16 };
export const SINGLES: AppendCase = { name: '1 event per request', eventsPerRequest: 1, connections: 32 };

const WARM_UP_MS = 2_000;
const BODIES = 64;

export async function benchAppend(milliseconds = 10_000): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const each of [BATCHES, SINGLES]) {
    const log = await AppendedLog.start();
    try {
      await log.load(each, WARM_UP_MS);
      const flat = await log.load(each, milliseconds);
      const half = await log.load(each, milliseconds / 2, flat.eventsPerSecond / 2);
      figures.push(figureOf(each, flat, half));
    } finally {
      await log.stop();
    }
  }
  return figures;
}

/** What a load came to. */
export interface AppendRate {
  readonly eventsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the server, all of its threads, in microseconds of processor time. */
  readonly cpuPerEvent: number;
  /** That the load generator used, on average. */
  readonly generatorCores: number;
}

/** A `sealtrail serve` in another process that is appended to. */
export class AppendedLog {
  readonly #folder: string;
  readonly #server: Awaited<ReturnType<typeof serveForBench>>;

  private constructor(folder: string, server: Awaited<ReturnType<typeof serveForBench>>) {
    this.#folder = folder;
    this.#server = server;
  }

  static async start(args: readonly string[] = []): Promise<AppendedLog> {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
    return new AppendedLog(folder, await serveForBench(folder, args));
  }

  /** Appends for so long, as fast as it goes or at most so many events a second. */
  async load(each: AppendCase, milliseconds: number, eventsPerSecond = Number.POSITIVE_INFINITY): Promise<AppendRate> {
    const { eventsPerRequest, connections } = each;
    const { endpoint, cpuSeconds } = this.#server;
    const bodies = Array.from({ length: BODIES }, (_, n) => bodyOf(n, eventsPerRequest));
    const [own, server] = [process.cpuUsage(), await cpuSeconds()];
    const { requests, latencies, ...result } = await run({
      ...{ endpoint, bodies, connections, milliseconds },
      credentials: await writerOf(this.#folder),
      path: `/v1/trails/${TRAIL}/events`,
      requestsPerSecond: eventsPerSecond / eventsPerRequest,
    });
    const generator = process.cpuUsage(own);
    const events = requests * eventsPerRequest;
    const at = (share: number) => Number((latencies[Math.floor(share * (latencies.length - 1))] ?? 0).toFixed(2));
    return {
      eventsPerSecond: Math.round((events * 1000) / result.milliseconds),
      p50: at(0.5),
      p99: at(0.99),
      cpuPerEvent: Number(((((await cpuSeconds()) - server) * 1e6) / events).toFixed(1)),
      generatorCores: Number(((generator.user + generator.system) / 1000 / result.milliseconds).toFixed(2)),
    };
  }

  async stop(): Promise<void> {
    await this.#server.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

const TRAIL = 'bench';

function figureOf({ name, eventsPerRequest, connections }: AppendCase, flat: AppendRate, half: AppendRate): Figure {
  return {
    what: `append, ${name}, ${connections} connections`,
    goal: 'see npm run bench:peers; p99 under 60 ms at half the load',
    measured: {
      'events/s': flat.eventsPerSecond,
      'requests/s': Math.round(flat.eventsPerSecond / eventsPerRequest),
      'p50 ms': flat.p50,
      'p99 ms': flat.p99,
      'p99 ms at half the load': half.p99,
      'server µs of CPU an event': flat.cpuPerEvent,
      'generator cores': flat.generatorCores,
    },
  };
}

/** An event that takes about 600 bytes as a record. */
export const eventOf = (n: number, index: number, events: number) => ({
  type: 'data.update',
  outcome: 'success',
  actor: { id: `user-${(n * events + index) % 997}`, type: 'user' },
  resource: { type: 'invoice', id: `inv-${n}-${index}` },
  context: { tenant: `tenant-${n % 17}`, request: `req-${n}-${index}`, session: `s-${n}` },
  details: { note: 'x'.repeat(EVENT_BYTES - 490), amount: 12.5, currency: 'EUR' },
});

function bodyOf(n: number, events: number): string {
  const one = (index: number) => eventOf(n, index, events);
  return JSON.stringify(events === 1 ? one(0) : { events: Array.from({ length: events }, (_, index) => one(index)) });
}

async function writerOf(folder: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const text = await readFile(join(folder, 'credentials'), 'utf8');
  const section = text.split(/^\[/m).find((part) => part.startsWith('writer]')) ?? '';
  const value = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\S+)`, 'm').exec(section)?.[1] ?? '';
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}
