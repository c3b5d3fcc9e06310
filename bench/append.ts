import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadResult, run } from './load.ts';
import type { Figure } from './report.ts';
import { serveForBench } from './serve.ts';

/** Appends over HTTP against a real `sealtrail serve`: signed requests, fsync, signed checkpoints, receipts with proofs. */

const EVENT_BYTES = 600;

interface Case {
  readonly name: string;
  readonly eventsPerRequest: number;
  readonly connections: number;
  readonly goal: string;
}

const CASES: readonly Case[] = [
  { name: '100 events per request', eventsPerRequest: 100, connections: 16, goal: '15,000 events/s' },
  { name: '1 event per request', eventsPerRequest: 1, connections: 32, goal: '1,500 requests/s' },
];

export async function benchAppend(milliseconds = 10_000): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const each of CASES) {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
    const { endpoint, stop } = await serveForBench(folder);
    try {
      const credentials = await writerOf(folder);
      const bodies = Array.from({ length: 64 }, (_, n) => bodyOf(n, each.eventsPerRequest));
      const load = { endpoint, credentials, path: '/v1/trails/bench/events', bodies, connections: each.connections };
      await run({ ...load, milliseconds: 2_000 });
      const before = process.cpuUsage();
      const result = await run({ ...load, milliseconds });
      const generator = process.cpuUsage(before);
      figures.push(figureOf(each, result, (generator.user + generator.system) / 1000 / result.milliseconds));
    } finally {
      await stop();
      await rm(folder, { recursive: true, force: true });
    }
  }
  return figures;
}

function figureOf(
  { name, eventsPerRequest, connections, goal }: Case,
  result: LoadResult,
  generatorCpu: number,
): Figure {
  const perSecond = (result.requests * 1000) / result.milliseconds;
  const at = (share: number) => result.latencies[Math.floor(share * (result.latencies.length - 1))] ?? 0;
  return {
    what: `append, ${name}, ${connections} connections`,
    goal,
    measured: {
      'events/s': Math.round(perSecond * eventsPerRequest),
      'requests/s': Math.round(perSecond),
      'p50 ms': Number(at(0.5).toFixed(2)),
      'p99 ms': Number(at(0.99).toFixed(2)),
      'generator cores': Number(generatorCpu.toFixed(2)),
    },
  };
}

/** A body of events that each take about 600 bytes as a record. */
function bodyOf(n: number, events: number): string {
  const one = (index: number) => ({
    type: 'data.update',
    outcome: 'success',
    actor: { id: `user-${(n * events + index) % 997}`, type: 'user' },
    resource: { type: 'invoice', id: `inv-${n}-${index}` },
    context: { tenant: `tenant-${n % 17}`, request: `req-${n}-${index}`, session: `s-${n}` },
    details: { note: 'x'.repeat(EVENT_BYTES - 490), amount: 12.5, currency: 'EUR' },
  });
  return JSON.stringify(events === 1 ? one(0) : { events: Array.from({ length: events }, (_, index) => one(index)) });
}

async function writerOf(folder: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const text = await readFile(join(folder, 'credentials'), 'utf8');
  const section = text.split(/^\[/m).find((part) => part.startsWith('writer]')) ?? '';
  const value = (name: string) => new RegExp(`^${name}\\s*=\\s*(\\S+)`, 'm').exec(section)?.[1] ?? '';
  return { accessKeyId: value('aws_access_key_id'), secretAccessKey: value('aws_secret_access_key') };
}
