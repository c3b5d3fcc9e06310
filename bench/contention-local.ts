import { randomUUID } from 'node:crypto';
import { dynamoClient } from '../lib/store/aws-clients.ts';
import { DynamoTable } from '../lib/store/dynamodb/table.ts';
import { startDynamoDbLocal } from '../test/aws/emulators.ts';
import { createTable } from '../test/aws/resources.ts';
import { event, Instances, ledgerOver, offer, quantile, Tally } from '../test/simulation/load.ts';
import type { Figure } from './report.ts';

/**
 * Many processes that append to one trail in DynamoDB Local, which does one thing at a time, on the processors that also run the
 * bench. So what it does by itself is measured first, and says how much can be expected. Needs Maven and Java 17.
 */

const SECONDS = 10;
const RATES = [20, 40, 60, 100, 200];
const RAW_SECONDS = 4;

export async function benchContentionLocal(): Promise<Figure[]> {
  const service = await startDynamoDbLocal();
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { endpoint: service.endpoint, region: 'us-east-1', credentials };
  try {
    await createTable('bench', config);
    // One client for all instances, with a connection for each request that may be under way.
    const requestHandler = { connectionTimeout: 5_000, requestTimeout: 20_000, httpAgent: { maxSockets: 4_096 } };
    const table = new DynamoTable({ client: dynamoClient({ ...config, requestHandler }), tableName: 'bench' });
    const figures = [await raw(table), await alone(table)];
    for (const rate of RATES) figures.push(await appends(table, rate));
    await table.close();
    return figures;
  } finally {
    await service.stop();
  }
}

/** Runs work in several loops for some seconds. @returns how often it was done in a second */
async function perSecond(loops: number, work: (loop: number) => Promise<unknown>): Promise<number> {
  const until = performance.now() + RAW_SECONDS * 1000;
  let done = 0;
  const run = async (_: unknown, loop: number): Promise<void> => {
    for (; performance.now() < until; done++) await work(loop);
  };
  await Promise.all(Array.from({ length: loops }, run));
  return Math.round(done / RAW_SECONDS);
}

/** What DynamoDB Local does: transactions of three small items that nothing else touches. */
async function raw(table: DynamoTable): Promise<Figure> {
  const attributes = { body: Buffer.alloc(600) };
  const put = (sort: string) => ({ put: { partition: `raw/${randomUUID()}`, sort, attributes } });
  const transact = () => table.transact([put('1'), put('2'), put('3')]);
  await perSecond(4, transact); // warm
  return {
    what: 'DynamoDB Local by itself: transactions of three items of their own, a second',
    goal: 'known',
    measured: { 'one at a time': await perSecond(1, transact), 'sixteen at once': await perSecond(16, transact) },
  };
}

async function alone(table: DynamoTable): Promise<Figure> {
  const ledgers = Array.from({ length: 8 }, () => ledgerOver(table));
  return {
    what: 'appends to trails of their own, one event each, a second',
    goal: 'known',
    measured: {
      'one at a time': await perSecond(1, () => ledgerOver(table).append(append('alone'))),
      'eight at once': await perSecond(8, async (loop) => ledgers[loop]?.append(append(`alone-${loop}`))),
    },
  };
}

const append = (trail: string) => {
  const sent = event();
  return { trail, submitter: 'app', events: [sent], idempotency: { key: sent.id, bodyHash: sent.id } };
};

async function appends(table: DynamoTable, rate: number): Promise<Figure> {
  const instances = new Instances(() => ledgerOver(table));
  const tally = new Tally();
  const trail = `busy-${rate}`;
  await offer(rate, SECONDS, () => tally.count(() => instances.serve((ledger) => ledger.append(append(trail)))));
  const size = (await ledgerOver(table).head(trail))?.size ?? 0;
  return {
    what: `DynamoDB Local: ${rate} appends a second offered to one trail, one event each`,
    goal: 'as many as it can take, and more offered never serves less; refusals within 2,000 ms',
    measured: {
      'served/s': Math.round((10 * tally.latencies.length) / SECONDS) / 10,
      p50ms: quantile(tally.latencies, 0.5),
      p99ms: quantile(tally.latencies, 0.99),
      instances: instances.most,
      refused: [...tally.errors].map(([code, count]) => `${code} ${count}`).join(', ') || 0,
      'refusal p50ms': quantile(tally.refusals, 0.5),
      slowestRefusalMs: quantile(tally.refusals, 1),
      'acknowledged and not in the trail': tally.latencies.length - size,
    },
  };
}
