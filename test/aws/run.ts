import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { startDynamoDbLocal, startMinistack } from './emulators.ts';
import type { Service } from './service.ts';

/**
 * `npm run test:aws [vitest's arguments]`: the tests that need something which answers for AWS. It starts ministack, and DynamoDB
 * Local as the referee of the Table, with nothing installed outside this folder; what AWS_ENDPOINT_URL or
 * AWS_ENDPOINT_URL_DYNAMODB name already is used instead. A tool that is missing (python3, mvn, java) is a failure and never
 * a test that is passed over.
 */

const ROOT = resolve(import.meta.dirname, '../..');
/** Emulators look at no signature, but the SDK does not send a request without one. */
const NOBODY = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };

const started: Service[] = [];
let status = 1;
try {
  const env = await endpoints();
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '-c', 'vitest.aws.config.ts', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: 'inherit' });
  // The tests end first, and then what they talk to: nothing is left running.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  status = code ?? 1;
} finally {
  await Promise.all(started.map((service) => service.stop()));
}
process.exitCode = status;

async function endpoints(): Promise<Record<string, string>> {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB } = process.env;
  // One after the other: one that fails must not leave the other running.
  const all = AWS_ENDPOINT_URL ?? (await start(startMinistack));
  const referee = AWS_ENDPOINT_URL_DYNAMODB ?? (await start(startDynamoDbLocal));
  const ours = AWS_ENDPOINT_URL === undefined ? { ...NOBODY, SEALTRAIL_EMULATOR: 'ministack' } : {};
  return { ...ours, AWS_ENDPOINT_URL: all, AWS_ENDPOINT_URL_DYNAMODB: referee };
}

async function start(service: () => Promise<Service>): Promise<string> {
  const running = await service();
  started.push(running);
  return running.endpoint;
}
