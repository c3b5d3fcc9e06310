import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { bundleFunctions } from '../../functions/bundle/bundle.ts';
import temporaryFolder from '../temporary-folder.ts';
import { startDynamoDbLocal, startMinistack } from './emulators.ts';
import type { Service } from './service.ts';
import { assertTools, targetOf } from './target.ts';

/**
 * `npm run test:aws [vitest's arguments]`: the tests that need something which answers for AWS. It starts ministack, and DynamoDB
 * Local as the referee of the Table, with nothing installed outside this folder, whatever account the terminal is signed
 * in to: no one comes upon a real one by accident. A tool that is missing (python3, mvn, java, go) is a failure and never a test
 * that is passed over.
 *
 * SEALTRAIL_AWS_TARGET=endpoint takes what AWS_ENDPOINT_URL names instead of ministack, and what AWS_ENDPOINT_URL_DYNAMODB names
 * instead of the referee. SEALTRAIL_AWS_TARGET=account bootstraps the account SEALTRAIL_AWS_ACCOUNT in AWS_REGION, deploys a
 * stack in stage dev, uses it and destroys it: that costs some cents. docs/deploying.md says more.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const SERVICES = {
  ministack: { start: startMinistack, variable: 'AWS_ENDPOINT_URL' },
  referee: { start: startDynamoDbLocal, variable: 'AWS_ENDPOINT_URL_DYNAMODB' },
} as const;

const started: Service[] = [];
const removeTemporary = temporaryFolder();
try {
  process.exitCode = await run();
} catch (error) {
  console.error('test:aws:', error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await Promise.all(started.map((service) => service.stop()));
  removeTemporary(); // ministack leaves a folder for each function that it runs
}

/** @returns the exit code of the tests */
async function run(): Promise<number> {
  const { tools, starts, tests, env: own } = targetOf(process.env, process.argv.slice(2));
  assertTools(tools, process.env);
  await bundleFunctions(join(ROOT, 'dist/lambda'));
  const stackName = `Sealtrail-test-${process.pid}`;
  const env: NodeJS.ProcessEnv = { ...own, SEALTRAIL_TEST_STACK: stackName };
  // One after the other: one that fails must not leave the other running.
  for (const name of starts) {
    const { start, variable } = SERVICES[name];
    const service = await start();
    started.push(service);
    env[variable] = service.endpoint;
  }
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '-c', 'vitest.aws.config.ts', ...tests];
  const { code, isInterrupted } = await group(process.execPath, args, env);
  // Who is interrupted cleans nothing up. What was started here is gone with all that is in it.
  if (isInterrupted && !starts.includes('ministack')) {
    const { AWS_ENDPOINT_URL_DYNAMODB: _, ...environment } = env;
    const destroy = ['destroy', '--force', '-c', `stackName=${stackName}`];
    await group(join(ROOT, 'node_modules/.bin/cdk'), destroy, environment);
  }
  return code;
}

/** Runs a command and all that it starts, which signals to this process end together. */
async function group(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  // A group of its own: the terminal would interrupt some of it twice and some not at all.
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  let isInterrupted = false;
  const interrupt = (signal: NodeJS.Signals): void => {
    isInterrupted = true;
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupt);
  const [code] = await once(child, 'exit');
  for (const signal of signals) process.off(signal, interrupt);
  return { code: typeof code === 'number' ? code : 1, isInterrupted };
}
