import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleFunctions, FUNCTIONS } from '../../functions/bundle.ts';
import { append } from './deployed.ts';
import { gatewayEvent } from './events.ts';

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-bundles-'));
let sizes: Awaited<ReturnType<typeof bundleFunctions>>;
beforeAll(async () => {
  sizes = await bundleFunctions(folder);
});
afterAll(() => rmSync(folder, { recursive: true }));

const MAX_BYTES = 600 * 1024;

describe('the bundle of a function', () => {
  it.each(FUNCTIONS)('of %s has at most 600 KB, the SDK included: a cold start reads all of it', (name) => {
    expect(sizes[name]).toBeGreaterThan(100_000);
    expect(sizes[name]).toBeLessThanOrEqual(MAX_BYTES);
  });

  it.each(['append', 'read', 'seal'] as const)(
    'of %s runs by itself, with nothing beside it, and lets nobody in without a name',
    (name) => {
      const event = gatewayEvent(append('orders'));
      const { authorizer: _, ...requestContext } = event.requestContext;
      const script = `
        import { handler } from './${name}/index.mjs';
        const result = await handler(${JSON.stringify({ ...event, requestContext })}, { awsRequestId: '1' });
        process.stderr.write(String(result.statusCode));`;
      writeFileSync(join(folder, `${name}.mjs`), script);
      const { status, stderr } = spawnSync(process.execPath, [join(folder, `${name}.mjs`)], {
        env: { AWS_REGION: 'eu-central-1', POWERTOOLS_SERVICE_NAME: 'test' },
        encoding: 'utf8',
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '401' });
    },
  );
});
