import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What the tests of `npm run test:aws` are pointed at. */
export interface Target {
  /** What has to be started for it. */
  readonly starts: readonly ('ministack' | 'referee')[];
  /** Programs without which it cannot be. */
  readonly tools: readonly string[];
  /** What vitest is to run: its arguments. */
  readonly tests: readonly string[];
  /** The environment of the tests, without the endpoints of what is still to be started. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Environment = Target['env'];

/** Emulators look at no signature, but the SDK does not send a request without one. */
const NOBODY = {
  ...{ AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' },
  // A profile may say to pass over the endpoints of the environment.
  ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' },
};
const TOOLS = ['python3', 'mvn', 'java', 'go'];
const REGION = /^[a-z]+(-[a-z]+)+-\d+$/;

/**
 * Reads the target from the environment: see docs/deploying.md, "Try it without an account, or in yours".
 *
 * @param args what vitest is to run
 * @throws Error saying what is missing: nothing of a target is ever guessed, or passed over
 */
export function targetOf(env: Environment, args: readonly string[]): Target {
  const name = env.SEALTRAIL_AWS_TARGET ?? 'emulators';
  if (name === 'emulators') return emulators(env, args);
  if (name === 'endpoint') return endpoint(env, args);
  if (name === 'account') return account(env);
  throw new Error(`SEALTRAIL_AWS_TARGET=${name} is unknown: emulators, endpoint or account`);
}

function emulators(env: Environment, tests: readonly string[]): Target {
  const own = { ...without(env, /^AWS_/), ...NOBODY, SEALTRAIL_EMULATOR: 'ministack' };
  return { starts: ['ministack', 'referee'], tools: TOOLS, tests, env: own };
}

function endpoint(env: Environment, tests: readonly string[]): Target {
  need(env, 'AWS_ENDPOINT_URL', /^https?:\/\//, 'where it is');
  need(env, 'AWS_REGION', REGION, 'the region to deploy to');
  const starts = env.AWS_ENDPOINT_URL_DYNAMODB === undefined ? (['referee'] as const) : [];
  return { starts, tools: TOOLS, tests, env };
}

function account(env: Environment): Target {
  need(env, 'AWS_REGION', REGION, 'the region to deploy to');
  need(env, 'SEALTRAIL_AWS_ACCOUNT', /^\d{12}$/, 'the 12 digits of the account that may be deployed to');
  // What was meant for another run.
  const own = without(env, /^AWS_ENDPOINT_URL|^SEALTRAIL_EMULATOR$/);
  // The contract suites make tables and buckets of their own that no one takes away again.
  const tests = ['deploy'];
  return { starts: [], tools: ['go'], tests, env: { ...own, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' } };
}

function need(env: Environment, variable: string, what: RegExp, told: string): void {
  if (what.test(env[variable] ?? '')) return;
  throw new Error(`SEALTRAIL_AWS_TARGET=${env.SEALTRAIL_AWS_TARGET} needs ${variable}: ${told}`);
}

const without = (env: Environment, names: RegExp): Environment =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.test(name)));

/** @throws Error that names all that cannot be found on the path */
export function assertTools(tools: readonly string[], { PATH = '' }: Environment): void {
  const missing = tools.filter((tool) => !PATH.split(delimiter).some((folder) => isProgram(join(folder, tool))));
  if (missing.length > 0) throw new Error(`not found on the PATH: ${missing.join(', ')}`);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // Not there, or not to be run.
  }
}
