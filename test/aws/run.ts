import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { startDynamoDbLocal, startMinistack } from './emulators.ts';
import type { Service } from './service.ts';

/**
 * `npm run test:aws [vitest's arguments]`: the tests that need something which answers for AWS. It starts ministack, and DynamoDB
 * Local as the referee of the Table, with nothing installed outside this folder, whatever account the terminal is signed
 * in to: nobody comes upon a real one by accident. A tool that is missing (python3, mvn, java, go) is a failure and never a test
 * that is passed over.
 *
 * SEALTRAIL_AWS_TARGET=endpoint takes what AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_DYNAMODB name instead.
 * SEALTRAIL_AWS_TARGET=account bootstraps the account and region of the environment, deploys a stack in stage dev, uses it and
 * destroys it: that costs some cents. docs/operations.md says more.
 */

const ROOT = resolve(import.meta.dirname, '../..');
/** Emulators look at no signature, but the SDK does not send a request without one. */
const NOBODY = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };

const started: Service[] = [];
let status = 1;
try {
  const env = await environment();
  // The contract suites make tables and buckets of their own that nobody takes away again.
  const tests = process.env.SEALTRAIL_AWS_TARGET === 'account' ? ['deploy'] : process.argv.slice(2);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '-c', 'vitest.aws.config.ts', ...tests];
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  // The tests end first, and then what they talk to: nothing is left running.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, 'exit');
  status = code ?? 1;
} finally {
  await Promise.all(started.map((service) => service.stop()));
}
process.exitCode = status;

async function environment(): Promise<NodeJS.ProcessEnv> {
  const { AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_DYNAMODB, ...rest } = process.env;
  const target = process.env.SEALTRAIL_AWS_TARGET ?? 'emulators';
  if (target === 'account') return rest;
  if (target === 'endpoint') {
    if (AWS_ENDPOINT_URL === undefined) throw new Error('SEALTRAIL_AWS_TARGET=endpoint needs AWS_ENDPOINT_URL');
    return process.env;
  }
  if (target !== 'emulators') throw new Error('SEALTRAIL_AWS_TARGET is emulators, endpoint or account');
  // One after the other: one that fails must not leave the other running.
  const all = await start(startMinistack);
  const referee = await start(startDynamoDbLocal);
  const { AWS_PROFILE: _, AWS_SESSION_TOKEN: __, ...neutral } = rest;
  const here = { AWS_ENDPOINT_URL: all, AWS_ENDPOINT_URL_DYNAMODB: referee, SEALTRAIL_EMULATOR: 'ministack' };
  return { ...neutral, ...NOBODY, ...here };
}

async function start(service: () => Promise<Service>): Promise<string> {
  const running = await service();
  started.push(running);
  return running.endpoint;
}
