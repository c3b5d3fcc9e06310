import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditLogger, createAuditLogger, type LogEvent } from '../lib/client/index.ts';
import { auditedFetch } from '../lib/client/middleware/audited-fetch.ts';
import type { Figure } from './report.ts';
import { serveForBench } from './serve.ts';

/** The client's cost to its application: the caller's time, events per second into each sink, and memory under saturation. */

/** A typical event: about 500 bytes as JSON. */
const event = (n: number): LogEvent => ({
  type: 'invoice.paid',
  outcome: 'success',
  actor: { id: `user-${n % 997}`, type: 'user', ip: '192.0.2.1' },
  resource: { type: 'invoice', id: `inv-${n}` },
  context: { tenant: `tenant-${n % 17}`, session: 's-1', request: `req-${n}` },
  details: {
    total: 1200 + n,
    currency: 'EUR',
    lines: [
      { sku: 'a-1', n: 2 },
      { sku: 'b-2', n: 1 },
    ],
    note: 'paid by card',
  },
});

export async function benchClient(milliseconds = 8_000): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const { stop, env, cpuSeconds } = await serveForBench(join(folder, 'log'));
  Object.assign(process.env, env);
  const toFile = (): AuditLogger => createAuditLogger({ file: { dir: join(folder, 'audit') } });
  const toLog = (): AuditLogger => createAuditLogger({ api: { trail: 'bench' } });
  try {
    return [
      await callerTime('the file sink', toFile()),
      await callerTime('the API sink', toLog()),
      await throughput('the file sink, synced', '50,000 events/s', toFile(), milliseconds),
      await throughput(
        'the API sink, each receipt checked',
        'a saturated server, and no growth',
        toLog(),
        milliseconds,
        cpuSeconds,
      ),
      await fetchOverhead(toFile()),
    ];
  } finally {
    await stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * `log` alone, in batches of 20 as in a busy server: work between them is not the caller's time. In rounds, since other
 * processes take the processor away for longer than a call takes.
 */
async function callerTime(sink: string, audit: AuditLogger, warmUps = 3, rounds = 9, count = 10_000): Promise<Figure> {
  const quantiles: { readonly p50: number; readonly p99: number }[] = [];
  for (let round = -warmUps; round < rounds; round++) {
    const times = new Float64Array(count);
    for (let n = 0; n < count; n++) {
      const one = event(n);
      const start = performance.now();
      const { accepted } = audit.log(one);
      times[n] = (performance.now() - start) * 1000;
      if (n % 20 === 0) await new Promise(setImmediate);
      await accepted;
    }
    times.sort();
    const at = (share: number): number => Number(times[Math.floor(share * (count - 1))]?.toFixed(2));
    // Skips warm-up rounds, in which code is compiled and the heap grows.
    if (round >= 0) quantiles.push({ p50: at(0.5), p99: at(0.99) });
    await audit.flush(); // A backlog would make callers wait for `accepted`, and lose the processor meanwhile.
  }
  await audit.close();
  quantiles.sort((a, b) => a.p99 - b.p99);
  const [quietest, median] = [quantiles[0], quantiles[rounds >> 1]];
  return {
    what: `log(), the caller's time, into ${sink}`,
    goal: 'p99 under 10 µs',
    measured: {
      ...{ 'p50 µs': median?.p50 ?? 0, 'p99 µs, quietest round': quietest?.p99 ?? 0 },
      'p99 µs, median round': median?.p99 ?? 0,
    },
  };
}

/** Logs events as fast as the sink takes them. @param serverCpu returns the server's processor time in seconds */
async function throughput(
  sink: string,
  goal: string,
  audit: AuditLogger,
  milliseconds: number,
  serverCpu?: () => Promise<number>,
): Promise<Figure> {
  const cpuBefore = await serverCpu?.();
  const ownBefore = process.cpuUsage();
  const heaps: number[] = [];
  let count = 0;
  let nextLook = milliseconds / 4;
  const start = performance.now();
  for (let passed = 0; passed < milliseconds; passed = performance.now() - start) {
    for (let i = 0; i < 200; i++) await audit.log(event(count++)).accepted;
    await new Promise(setImmediate);
    if (passed < nextLook) continue;
    nextLook += milliseconds / 4;
    globalThis.gc?.();
    heaps.push(Math.round(process.memoryUsage().heapUsed / 1024 ** 2));
  }
  await audit.flush();
  const seconds = (performance.now() - start) / 1000;
  const own = process.cpuUsage(ownBefore);
  const server = cpuBefore === undefined ? undefined : ((await serverCpu?.()) ?? 0) - cpuBefore;
  await audit.close();
  const cores = (used: number): number => Number((used / seconds).toFixed(2));
  return {
    what: `events into ${sink}`,
    goal,
    measured: {
      ...{ 'events/s': Math.round(count / seconds), 'heap MiB over time': heaps.join(' → ') },
      'client cores': cores((own.user + own.system) / 1e6),
      ...(server === undefined ? {} : { 'server cores': cores(server) }),
    },
  };
}

/** Audits a fetch that takes no time, to measure only the overhead. */
async function fetchOverhead(audit: AuditLogger, count = 20_000): Promise<Figure> {
  const answer = new Response('x', { headers: { 'content-type': 'text/plain', 'content-length': '1' } });
  const fetch = auditedFetch(audit, { fetch: async () => answer });
  const times = new Float64Array(count);
  const init = { method: 'POST', headers: { authorization: 'Bearer x', accept: 'text/plain' }, body: '{}' };
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    await fetch('https://api.example.com/v1/invoices?page=2', init);
    times[n] = performance.now() - start;
    if (n % 20 === 0) await audit.flush();
  }
  await audit.close();
  times.sort();
  const at = (share: number): number => Number(times[Math.floor(share * (count - 1))]?.toFixed(3));
  return {
    what: 'auditedFetch, what it adds',
    goal: 'at most 1 ms',
    measured: { 'p50 ms': at(0.5), 'p99 ms': at(0.99) },
  };
}
