import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort, type Service, startService } from './service.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** What is fetched stays here between runs; git knows nothing of it. */
const CACHE = join(ROOT, '.venv-aws');
const PYTHON = join(CACHE, 'python');
const DYNAMODB = join(CACHE, 'dynamodb-local');
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';

/** ministack (MIT, from PyPI) for everything. Needs python3 3.10 or later. */
export async function startMinistack(): Promise<Service> {
  const requirements = join(import.meta.dirname, 'requirements.txt');
  fetchOnce(PYTHON, requirements, () => {
    run('python3', ['-m', 'venv', '--clear', PYTHON]);
    run(join(PYTHON, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
  });
  const port = await freePort();
  const listening = { BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), IOT_MTLS_ENABLED: '0', SFTP_ENABLED: '0' };
  // It asks IAM's policies, those of buckets and of keys, and checks signatures.
  const env = { ...listening, AUTH: 'true', STATE_DIR: join(tmpdir(), 'ministack') };
  const command = join(PYTHON, 'bin/ministack');
  return startService({ name: 'ministack', command, args: [], env, cwd: CACHE, log: `${PYTHON}.log`, port });
}

/**
 * DynamoDB Local (AWS's own, from Maven Central): the referee of what conditions, transactions and limits are. Needs mvn
 * and Java 17.
 */
export async function startDynamoDbLocal(): Promise<Service> {
  const pom = join(import.meta.dirname, 'dynamodb-local.pom.xml');
  fetchOnce(DYNAMODB, pom, () => {
    // Without versions in their names, since Java looks for the native library of SQLite by its plain one.
    run('mvn', ['-B', '-q', '-f', pom, COPY, `-DoutputDirectory=${DYNAMODB}`, '-Dmdep.stripVersion=true']);
  });
  const port = await freePort();
  const java = [`-Djava.library.path=${DYNAMODB}`, '-cp', `${DYNAMODB}/*`];
  const main = 'com.amazonaws.services.dynamodbv2.local.main.ServerRunner';
  const args = [...java, main, '-inMemory', '-sharedDb', '-disableTelemetry', '-port', String(port)];
  return startService({ name: 'DynamoDB Local', command: 'java', args, cwd: CACHE, log: `${DYNAMODB}.log`, port });
}

/** Fetches what a file pins, unless what is there was fetched by the same file in full. */
function fetchOnce(folder: string, pins: string, fetch: () => void): void {
  const wanted = readFileSync(pins, 'utf8');
  const done = `${folder}.pins`;
  if (existsSync(folder) && existsSync(done) && readFileSync(done, 'utf8') === wanted) return;
  mkdirSync(CACHE, { recursive: true });
  fetch();
  writeFileSync(done, wanted);
}

function run(command: string, args: readonly string[]): void {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (cause) {
    throw new Error(`could not fetch what the tests need: ${command} ${args.join(' ')}`, { cause });
  }
}
