import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunctions, FUNCTIONS } from '../../functions/bundle/bundle.ts';
import { ROUTES } from '../../lib/api/routes.ts';
import { append } from './deployed.ts';
import { gatewayEvent } from './events.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-bundles-'));
let sizes: Awaited<ReturnType<typeof bundleFunctions>>;
beforeAll(async () => {
  sizes = await bundleFunctions(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const MAX_BYTES = 600_000;
/** What the stack says to a function. Nothing of it is asked for before someone is let in. */
const ENVIRONMENT = {
  AWS_REGION: 'eu-central-1',
  AWS_LAMBDA_FUNCTION_NAME: 'function',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  POWERTOOLS_SERVICE_NAME: 'test',
  WITNESS_TABLE: 'table',
  WITNESS_KEY: 'arn:aws:kms:eu-central-1:111122223333:key/2',
  WITNESS_NAME: 'witness.example/w1',
  WITNESS_LOGS: 'logs/v0',
  SEALTRAIL_TABLE: 'table',
  SEALTRAIL_BUCKET: 'bucket',
  SEALTRAIL_FOLLOWER: 'follow',
  SEALTRAIL_EXPORTS: 'exports',
  SEALTRAIL_INDEX: 'index',
  SEALTRAIL_SIGNING_KEYS: 'arn:aws:kms:eu-central-1:111122223333:key/1',
  SEALTRAIL_SIGNING_ALGORITHM: 'ed25519',
  SEALTRAIL_LOG_NAME: 'audit.example.com',
  SEALTRAIL_RETENTION: '{"default":{"hotDays":7,"archiveDays":1,"lock":"governance"}}',
};

/** Runs a function's bundle in a process of its own, with nothing beside it, and answers what it wrote to stderr. */
function run(name: string, script: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `import { handler } from './${name}/index.mjs';\n${script}`);
  const { status, stderr } = spawnSync(process.execPath, [file], { env: ENVIRONMENT, encoding: 'utf8' });
  return status === 0 ? stderr : `exit code ${status}: ${stderr.slice(-2000)}`;
}

describe('the bundle of a function', () => {
  it.each(FUNCTIONS)('of %s has at most 600 KB, the SDK included: a cold start reads all of it', (name) => {
    expect(sizes[name]).toBeGreaterThan(100_000);
    expect(sizes[name]).toBeLessThanOrEqual(MAX_BYTES);
  });

  it.each(['append', 'read', 'export', 'seal', 'verify'] as const)(
    'of %s runs by itself, with nothing beside it, and lets no one in without a name',
    (name) => {
      const event = gatewayEvent(append('orders'));
      const { authorizer: _, ...requestContext } = event.requestContext;
      const script = `
        const result = await handler(${JSON.stringify({ ...event, requestContext })}, { awsRequestId: '1' });
        process.stderr.write(String(result.statusCode));`;
      expect(run(name, script)).toBe('401');
    },
  );

  it('of witness runs by itself, and knows no one that it was not told of', () => {
    const body = readFileSync(join(import.meta.dirname, '../vectors/witness/litewitness.json'), 'utf8');
    const [{ steps }] = JSON.parse(body).runs;
    const event = { rawPath: '/add-checkpoint', requestContext: { http: { method: 'POST' } }, body: steps[0].body };
    const script = `
      const result = await handler(${JSON.stringify(event)}, {});
      process.stderr.write(String(result.statusCode));`;
    expect(run('witness', script)).toBe('404');
  });

  it('of follow takes an order to seal for one, and refuses it where it names no trail', () => {
    const script = `
      const result = await handler({ seal: 'No trail' }, { getRemainingTimeInMillis: () => 300_000 });
      process.stderr.write(result.failed.code);`;
    expect(run('follow', script)).toBe('invalid_trail');
  });

  it('of seal knows what Lambda refuses by its name, though the classes of errors are left out', () => {
    const event = gatewayEvent({ route: 'POST /v1/trails/{trail}/seals', parameters: { trail: 'orders' } });
    const script = `
      import { createServer } from 'node:http';
      const refuse = (_, response) => response.writeHead(429, { 'x-amzn-errortype': 'TooManyRequestsException' }).end('{}');
      const server = createServer(refuse).listen(0, '127.0.0.1', async () => {
        process.env.AWS_ENDPOINT_URL_LAMBDA = 'http://127.0.0.1:' + server.address().port;
        const result = await handler(${JSON.stringify(event)}, { awsRequestId: '1' });
        process.stderr.write(JSON.parse(result.body).code);
        process.exit();
      });`;
    expect(run('seal', script)).toMatch(/throttled$/);
  });

  it('of read has the description of every route beside it', () => {
    const { paths } = JSON.parse(readFileSync(join(folder, 'read/openapi.json'), 'utf8'));
    const described = Object.entries<object>(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
  });
});
