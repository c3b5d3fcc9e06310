import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { GetItemCommand, QueryCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { bundleFunctions, FUNCTIONS } from '../functions/bundle/bundle.ts';
import { gatewayEvent } from '../test/functions/events.ts';
import { closed, listening } from '../test/functions/loopback.ts';
import { StandIn } from '../test/simulation/stand-in.ts';
import { Deployment, eventOf } from './deployment.ts';
import type { Figure } from './report.ts';

/**
 * What the processor does in the functions as they are deployed: the bundles, the SDK included, in processes of their own, over
 * stand-ins for DynamoDB and KMS on this machine. Waiting costs nothing here.
 */

const COLD_STARTS = 9;
const EVENTS = 100;
const WARM_UP = 100;
const REQUESTS = 300;

export async function benchHandler(): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-bench-'));
  const aws = createServer();
  try {
    const sizes = await bundleFunctions(folder);
    const environment = environmentOf(await standIn(aws));
    const colds: number[] = [];
    for (let n = 0; n < COLD_STARTS; n++) colds.push((await run(folder, environment, 0)).coldMs);
    const { eventUs } = await run(folder, environment, REQUESTS);
    const sorted = colds.sort((a, b) => a - b);
    return [
      {
        what: 'a cold start of Append to its first answer, processor time of the whole process',
        goal: 'at most 250 ms',
        measured: { 'median ms': sorted[COLD_STARTS >> 1] ?? 0, 'least ms': sorted[0] ?? 0 },
      },
      {
        what: `an append of ${EVENTS} events, processor time an event`,
        goal: 'at most 25 µs',
        measured: { 'µs an event': eventUs, 'without the requests to DynamoDB and KMS': await withoutRequests() },
      },
      {
        what: 'bytes that a cold start reads, by function',
        goal: 'at most 600,000',
        measured: Object.fromEntries(FUNCTIONS.map((name) => [name, sizes[name]])),
      },
    ];
  } finally {
    await closed(aws);
    await rm(folder, { recursive: true });
  }
}

const environmentOf = (endpoint: string): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_LAMBDA_FUNCTION_NAME: 'function',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  POWERTOOLS_SERVICE_NAME: 'bench',
  POWERTOOLS_LOG_LEVEL: 'ERROR',
  SEALTRAIL_TABLE: 'table',
  SEALTRAIL_BUCKET: 'bucket',
  SEALTRAIL_EXPORTS: 'exports',
  SEALTRAIL_INDEX: 'index',
  SEALTRAIL_SIGNING_KEYS: 'arn:aws:kms:eu-central-1:111122223333:key/1',
  SEALTRAIL_SIGNING_ALGORITHM: 'ed25519',
  SEALTRAIL_LOG_NAME: 'audit.example.com',
  SEALTRAIL_RETENTION: '{"default":{"hotDays":7,"archiveDays":1,"lock":"governance"}}',
});

/** Runs the bundle of Append in a process of its own. */
async function run(
  folder: string,
  env: Record<string, string>,
  requests: number,
): Promise<{ readonly coldMs: number; readonly eventUs: number }> {
  const bodies = Array.from({ length: 32 }, (_, n) =>
    JSON.stringify({ events: Array.from({ length: EVENTS }, (__, at) => eventOf(n * EVENTS + at)) }),
  );
  const event = gatewayEvent({
    route: 'POST /v1/trails/{trail}/events',
    parameters: { trail: `orders-${randomUUID()}` },
    headers: { 'content-type': 'application/json' },
    body: '',
  });
  const script = `
    const { handler } = await import('./append/index.mjs');
    const event = ${JSON.stringify(event)};
    const bodies = ${JSON.stringify(bodies)};
    const call = async (n) => {
      const headers = { ...event.headers, 'idempotency-key': 'k-' + n };
      const { statusCode, body } = await handler({ ...event, headers, body: bodies[n % bodies.length] }, { awsRequestId: String(n) });
      if (statusCode !== 201) throw new Error('an append was answered ' + statusCode + ': ' + body);
    };
    await call(0);
    const { user, system } = process.cpuUsage();
    const cold = user + system;
    for (let n = 1; n <= ${requests === 0 ? 0 : WARM_UP}; n++) await call(n);
    const before = process.cpuUsage();
    for (let n = 0; n < ${requests}; n++) await call(${WARM_UP + 1} + n);
    process.stderr.write(JSON.stringify({ cold, warm: process.cpuUsage(before) }));
    process.exit();`;
  const file = join(folder, 'bench.mjs');
  await writeFile(file, script);
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (!said.startsWith('{"cold"')) throw new Error(`the function failed: ${said.slice(-2000)}`);
  const { cold, warm }: { readonly cold: number; readonly warm: NodeJS.CpuUsage } = JSON.parse(said);
  const round = (value: number): number => Math.round(value * 10) / 10;
  const each = (us: number): number => round(us / Math.max(1, requests) / EVENTS);
  return { coldMs: round(cold / 1000), eventUs: each(warm.user + warm.system) };
}

/** The same from the gateway to the table's driver, over stores in memory. @returns microseconds of processor time an event */
async function withoutRequests(): Promise<number> {
  const deployment = new Deployment();
  deployment.stores.takesTime = false;
  for (let n = 0; n < WARM_UP; n++) await deployment.append('orders', EVENTS);
  const before = process.cpuUsage();
  for (let n = 0; n < REQUESTS; n++) await deployment.append('orders', EVENTS);
  const { user, system } = process.cpuUsage(before);
  return Math.round((10 * (user + system)) / REQUESTS / EVENTS) / 10;
}

/** A table and a key. @returns their URL */
async function standIn(server: Server): Promise<string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
  const table = new StandIn({ network: 0, read: 0, hold: 0 });
  const reply = async (request: IncomingMessage): Promise<unknown> => {
    const body = JSON.parse(await text(request));
    switch (String(request.headers['x-amz-target']).split('.').at(-1)) {
      case 'GetPublicKey':
        return { PublicKey: spki };
      case 'Sign':
        return { Signature: sign(null, Buffer.from(body.Message, 'base64'), privateKey).toString('base64') };
      case 'GetItem':
        return table.send(new GetItemCommand(body));
      case 'Query':
        return table.send(new QueryCommand(body));
      default:
        return table.send(new TransactWriteItemsCommand(body));
    }
  };
  server.on('request', (request, response) => {
    void reply(request).then((answer) =>
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer)),
    );
  });
  return listening(server);
}
