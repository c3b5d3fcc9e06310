import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { serveLog } from '../../lib/server/serve.ts';
import { commandsOf } from './quickstarts.ts';

/**
 * Runs every example as a reader would, by the commands of docs/quickstarts.md where it has them: in a folder of its own, with the packed package, against a server. Needs npm,
 * curl, python3, go, mvn and the package registries, so it is a script of its own and not a part of `npm test`.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'sealtrail-examples-'));
const log = await openEmbedded(join(folder, 'log'), { logName: 'examples.example' });
const server = await serveLog(log, { log: () => undefined, onError: (error) => console.error(error) });
const admin = log.folder.profiles.find(({ profile }) => profile === 'admin');
if (admin === undefined) throw new Error('the log has no profile admin');
const env = {
  ...process.env,
  SEALTRAIL_ENDPOINT: server.url,
  AWS_SHARED_CREDENTIALS_FILE: log.folder.credentialsFile,
  ...{ AWS_PROFILE: 'admin', AWS_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true' },
};
// The server lives in this process, so it must not be blocked while an example runs.
const run = async (command: string, args: readonly string[], cwd: string, more: object = {}): Promise<string> => {
  const { stdout } = await promisify(execFile)(command, args, { cwd, env: { ...env, ...more } });
  return stdout;
};

/** A copy of an example with the packed package and what else it imports. */
async function installed(name: string, ...packages: string[]): Promise<string> {
  const copy = copied(name);
  writeFileSync(join(copy, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await run('npm', ['install', '--no-audit', '--no-fund', '--silent', packed, ...packages], copy);
  return copy;
}

function copied(name: string): string {
  const copy = join(folder, name);
  cpSync(join(ROOT, 'examples', name), copy, { recursive: true });
  return copy;
}

/** Runs what docs/quickstarts.md shows, with the packed package in the place of the published one. */
function quickstart(heading: string, cwd: string): Promise<string> {
  const install = `npm install --no-audit --no-fund --silent ${packed}`;
  return run('bash', ['-euc', commandsOf(heading).replace('npm install sealtrail', install)], cwd);
}

/** The event that an example is to have left as the newest of its trail. */
async function newest(): Promise<{ readonly type: unknown; readonly actor: unknown }> {
  const size = (await log.ledger.head('examples'))?.size ?? 0;
  const line = size === 0 ? undefined : await log.ledger.record('examples', size - 1);
  if (line === undefined) throw new Error('nothing arrived');
  return JSON.parse(Buffer.from(line).toString()).event;
}

async function expectNewest(name: string, type: string, actor?: string): Promise<void> {
  const event = await newest();
  const { id } = (event.actor ?? {}) as { id?: unknown }; // Sealed by the schema: an object, if it is there.
  if (event.type !== type || (actor !== undefined && id !== actor)) {
    throw new Error(`${name}: the newest event is ${JSON.stringify(event)}`);
  }
  console.log(`ok ${name}: ${type} arrived`);
}

/** Waits until the events of a process that logs in the background are there. */
async function settled(count: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (((await log.ledger.head('examples'))?.size ?? 0) >= count) return;
    await new Promise((wake) => setTimeout(wake, 100));
  }
  throw new Error(`${count} events did not arrive`);
}

const [pack] = JSON.parse(
  execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' }).replace(
    /^[^[]*/,
    '',
  ),
);
const packed = join(folder, pack.filename);
const { devDependencies } = JSON.parse(execFileSync('cat', [join(ROOT, 'package.json')], { encoding: 'utf8' }));
const pinned = (name: string): string => `${name}@${devDependencies[name]}`;

const EXAMPLES: Readonly<Record<string, () => Promise<void>>> = {
  node: async () => {
    const cwd = copied('node');
    writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const out = await quickstart('Node', cwd);
    if (!/^record \d+ of examples\n[\s\S]*data\.export/.test(out)) throw new Error(`node: ${out}`);
    await expectNewest('node', 'data.export', 'alice');
  },
  express: async () => {
    const before = (await log.ledger.head('examples'))?.size ?? 0;
    const cwd = await installed('express', pinned('express'));
    const child = spawn('node', ['app.mjs'], { cwd, env: { ...env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = await new Promise<[Buffer]>((found) =>
        child.stdout.once('data', (...data) => found(data as [Buffer])),
      );
      const url = String(line).trim().split(' ').at(-1);
      await fetch(`${url}/users/7`, { method: 'DELETE' });
      await settled(before + 2);
    } finally {
      child.kill('SIGTERM');
    }
    await expectNewest('express', 'http.request');
  },
  lambda: async () => {
    const cwd = await installed('lambda', pinned('@middy/core'));
    const invoke =
      "import { handler } from './handler.mjs'; console.log(await handler({ user: 'bob' }, { awsRequestId: 'r-1' })); process.exit(0);";
    await run('node', ['--input-type=module', '--eval', invoke], cwd);
    await expectNewest('lambda', 'auth.password_reset', 'support-1');
  },
  curl: async () => {
    const secrets = { AWS_ACCESS_KEY_ID: admin.accessKeyId, AWS_SECRET_ACCESS_KEY: admin.secretAccessKey };
    const cwd = copied('curl');
    const first = await quickstart('curl', cwd);
    const second = await run('bash', ['append.sh', 'backup-2026-11-30'], cwd, secrets);
    if (JSON.parse(first).first !== JSON.parse(second).first)
      throw new Error(`curl: appended twice: ${first} ${second}`);
    await expectNewest('curl', 'backup.finished', 'cron');
  },
  python: async () => {
    const cwd = copied('python');
    await quickstart('Python', cwd);
    await expectNewest('python', 'model.deployed', 'ci');
  },
  go: async () => {
    await quickstart('Go', copied('go'));
    await expectNewest('go', 'deploy.finished', 'ci');
  },
  java: async () => {
    await quickstart('Java', copied('java'));
    await expectNewest('java', 'invoice.paid', 'billing');
  },
  cdk: async () => {
    const cwd = await installed('cdk', pinned('aws-cdk-lib'), pinned('constructs'));
    await run('node', [join(ROOT, 'node_modules/aws-cdk/bin/cdk'), 'synth', '--quiet', '--app', 'node app.mjs'], cwd);
    console.log('ok cdk: the app synthesises');
  },
};

try {
  const wanted = process.argv.slice(2);
  for (const [name, example] of Object.entries(EXAMPLES))
    if (wanted.length === 0 || wanted.includes(name)) await example();
} finally {
  await server.close();
  await log.close();
  rmSync(folder, { recursive: true, force: true });
}
