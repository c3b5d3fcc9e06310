import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import { event, Instances, ledgerOver, offer, quantile, Tally } from '../test/simulation/load.ts';
import { StandIn } from '../test/simulation/stand-in.ts';
import { inVirtualTime } from '../test/simulation/virtual-time.ts';
import type { Figure } from './report.ts';

/** Many processes that append to one trail concurrently: throughput, latency and cost. */

const LATENCIES = { network: 2, read: 1, hold: 6 };
const SECONDS = 10;
const RATES = [40, 100, 200, 500, 1_000, 1_500];
/** The same over a store whose transactions take long. */
const SLOW = { ...LATENCIES, hold: 100 };
const SLOW_RATES = [20, 40, 100, 300];

export async function benchContention(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const rate of RATES) figures.push(await inVirtualTime(() => appends(rate)));
  for (const rate of SLOW_RATES) figures.push(await inVirtualTime(() => appends(rate, SLOW)));
  figures.push(await inVirtualTime(() => processes(1_000)));
  figures.push(await inVirtualTime(() => reads(1_000)));
  figures.push(await inVirtualTime(neighbours));
  return figures;
}

function stand(latencies = LATENCIES) {
  const db = new StandIn(latencies);
  const instances = new Instances(() => ledgerOver(new DynamoTable({ client: db.client, tableName: 'bench' })));
  return { db, instances };
}

const append = (trail: string) => {
  const sent = event();
  const idempotency = { key: sent.id, bodyHash: sent.id };
  return { trail, submitter: 'arn:aws:iam::123456789012:role/app', events: [sent], idempotency };
};

/** One trail, one event a request. */
async function appends(rate: number, latencies = LATENCIES): Promise<Figure> {
  const { db, instances } = stand(latencies);
  const tally = new Tally();
  await offer(rate, SECONDS, () => tally.count(() => instances.serve((ledger) => ledger.append(append('busy')))));
  const served = tally.latencies.length;
  return {
    what: `${rate} appends a second offered to one trail, one event each, transactions of ${latencies.hold} ms`,
    goal: 'up to 500/s: 90 % served, p99 below 1,500 ms; at any rate 25 write units an append, refusals within 2,000 ms',
    measured: {
      'served/s': Math.round(served / SECONDS),
      p50ms: quantile(tally.latencies, 0.5),
      p99ms: quantile(tally.latencies, 0.99),
      instances: instances.most,
      ...meters(db, served),
      ...refusals(tally),
    },
  };
}

function meters(db: StandIn, served: number) {
  const { writeUnits, readUnits, transactions, conflicts } = db.meter;
  const each = (value: number) => Math.round((10 * value) / served) / 10;
  return {
    'write units each': each(writeUnits),
    'read units each': each(readUnits),
    'transactions each': each(transactions),
    'conflicts each': each(conflicts),
    'hottest partition units/s': Math.round(Math.max(...db.partitions.values()) / SECONDS),
  };
}

const refusals = ({ errors, refusals }: Tally) => ({
  refused: [...errors].map(([code, count]) => `${code} ${count}`).join(', ') || 0,
  slowestRefusalMs: quantile(refusals, 1),
});

/** Processes that each send the events of 200 ms together, and retry refused ones until they are acknowledged. */
async function processes(count: number): Promise<Figure> {
  const { db, instances } = stand();
  const tally = new Tally();
  const until = performance.now() + SECONDS * 1000;
  const waits: number[] = [];
  const acknowledged = new Map<string, number>();
  const run = async (): Promise<number> => {
    let answered = 0;
    await sleep(200 * Math.random());
    while (performance.now() < until) {
      const request = append('busy');
      const began = performance.now();
      for (let tries = 1; ; tries++) {
        const isDone = await tally.count(async () => {
          const { first } = await instances.serve((ledger) => ledger.append(request));
          acknowledged.set(request.events[0]?.id ?? '', first);
        });
        if (isDone) break;
        await sleep(1000 + Math.random() * Math.min(20_000, 250 * 2 ** tries));
      }
      waits.push(performance.now() - began);
      answered += 1;
      await sleep(200);
    }
    return answered;
  };
  const answers = await Promise.all(Array.from({ length: count }, run));
  const ledger = ledgerOver(new DynamoTable({ client: db.client, tableName: 'bench' }));
  const found = new Map<string, number>();
  let records = 0;
  for await (const block of ledger.blocks('busy', { from: 0, to: Number.MAX_SAFE_INTEGER })) {
    for (const [at, line] of block.lines.entries()) {
      found.set(String(JSON.parse(line).event.id), block.first + at);
      records += 1;
    }
  }
  const lost = [...acknowledged].filter(([id, first]) => found.get(id) !== first).length;
  return {
    what: `${count} processes that append to one trail as the client does`,
    goal: 'none lost, none doubled, none starved',
    measured: {
      'served/s': Math.round(acknowledged.size / SECONDS),
      lost,
      doubled: records - found.size,
      unacknowledged: found.size - acknowledged.size,
      'fewest of a process': Math.min(...answers),
      'p50ms to acknowledge': quantile(waits, 0.5),
      'longest to acknowledge ms': quantile(waits, 1),
      ...meters(db, acknowledged.size),
      ...refusals(tally),
    },
  };
}

/** Reads that are recorded in `_access`. */
async function reads(rate: number): Promise<Figure> {
  const { db, instances } = stand();
  const tally = new Tally();
  const leave = () => ({ trail: '_access', submitter: 'auditor', events: [event()], seal: 'later' as const });
  await offer(rate, SECONDS, () => tally.count(() => instances.serve((ledger) => ledger.leave(leave()))));
  const ledger = ledgerOver(new DynamoTable({ client: db.client, tableName: 'bench' }));
  const sealedBefore = (await ledger.head('_access'))?.size ?? 0;
  await ledger.drain('_access');
  const sealed = (await ledger.head('_access'))?.size ?? 0;
  return {
    what: `${rate} reads a second, each recorded in _access`,
    goal: 'all recorded, none refused',
    measured: {
      'served/s': Math.round(tally.latencies.length / SECONDS),
      missing: tally.latencies.length - sealed,
      'left to the follower': sealed - sealedBefore,
      p50ms: quantile(tally.latencies, 0.5),
      p99ms: quantile(tally.latencies, 0.99),
      ...meters(db, tally.latencies.length),
      ...refusals(tally),
    },
  };
}

/** A quiet trail beside a busy one. */
async function neighbours(): Promise<Figure> {
  const { instances } = stand();
  const [busy, quiet] = [new Tally(), new Tally()];
  const to = (tally: Tally, trail: string) => () =>
    tally.count(() => instances.serve((ledger) => ledger.append(append(trail))));
  await Promise.all([offer(1_000, SECONDS, to(busy, 'busy')), offer(10, SECONDS, to(quiet, 'quiet'))]);
  return {
    what: '10 appends a second to a trail beside one that 1,000 are offered to',
    goal: 'all served, as if it were alone',
    measured: {
      'served/s': Math.round(quiet.latencies.length / SECONDS),
      p50ms: quantile(quiet.latencies, 0.5),
      p99ms: quantile(quiet.latencies, 0.99),
      ...refusals(quiet),
    },
  };
}
