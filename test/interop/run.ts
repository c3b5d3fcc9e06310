import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { openEmbedded } from '../../lib/server/embedded.ts';
import { serveLog } from '../../lib/server/serve.ts';

/**
 * Clients that are not ours, and not from npm, against a real server: botocore and libcurl 8, in a Python environment
 * that this script makes from pinned requirements. They read the credentials file as the server wrote it. Needs python3
 * and a package registry, so it is a script of its own and not a part of `npm test`.
 */

const ROOT = resolve(import.meta.dirname, '../..');
const ENVIRONMENT = join(ROOT, '.venv/interop');
const ACTOR = "José O'Neill+100/~a@example.com";

interface Call {
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Part of the answer's text. */
  readonly holds: string;
  readonly status: readonly number[];
}

const get = (target: string, holds: string): Call => ({
  ...{ method: 'GET', target, body: '', headers: {} },
  ...{ holds, status: [200] },
});
const append = (id: string, event: object): Call => ({
  ...{ method: 'POST', target: '/v1/trails/interop/events', body: JSON.stringify({ id, ...event }) },
  headers: { 'content-type': 'application/json', 'idempotency-key': `key-${id}`, prefer: 'return=representation' },
  // Every client sends it; the first to come appends, and the others get the same receipt.
  ...{ holds: `"id":"${id}"`, status: [200, 201] },
});
const actor = encodeURIComponent(ACTOR).replace(/'/g, '%27');

const CALLS: readonly Call[] = [
  append('plain', { type: 'auth.login', actor: { id: 'alice' } }),
  append('unicode', { type: 'data.update', actor: { id: ACTOR }, description: 'Zoë 🎉 '.repeat(1000) }),
  get('/v1/trails', '"trail":"interop"'),
  get('/v1/trails/interop/events?limit=10&order=oldest', '"seq":1'),
  get('/v1/trails/interop/events?type=data.update&type=auth.login&order=oldest&format=ndjson', '"seq":1'),
  get(`/v1/trails/interop/events?limit=5&actor=${actor}`, '"seq":1'),
  get('/v1/trails/interop/events?from=2026-01-01T00%3A00%3A00%2B01%3A00', '"seq":1'),
  get(`/v1/trails/interop/actors/${actor}/activity?days=7`, '"total":1'),
  get('/v1/trails/interop/events/unicode', '"id":"unicode"'),
  get('/v1/trails/interop/events/1/proof', 'c2sp.org/tlog-proof@v1'),
  get('/v1/trails/interop/checkpoint', 'interop.example/interop'),
];

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-interop-'));
const log = await openEmbedded(join(folder, 'data'), { logName: 'interop.example' });
const server = await serveLog(log, {
  onError: (error) => say(process.stderr, String(error)),
  log: (entry) => entry.status < 400 || say(process.stderr, JSON.stringify(entry)),
});
try {
  const answers = await runClients(server.url, log.folder.credentialsFile);
  for (const { client, target, status, text } of answers) {
    const call = CALLS.find((one) => one.target === target && text.includes(one.holds));
    const fine = call?.status.includes(status) ?? false;
    say(process.stdout, `${fine ? 'ok' : 'NOT OK'} ${client}: ${status} ${target}`);
    if (!fine) throw new Error(`${client} got ${status} ${text}`);
  }
  const size = (await log.ledger.head('interop'))?.size;
  if (answers.length !== CALLS.length * 3) throw new Error(`${answers.length} answers to ${CALLS.length} calls`);
  if (size !== 2) throw new Error(`${size} records, where three clients sent the same 2 events`);
} finally {
  await server.close();
  await log.close();
  rmSync(folder, { recursive: true, force: true });
}

function say(output: NodeJS.WriteStream, line: string): void {
  output.write(`${line}\n`);
}

interface Answer {
  readonly client: string;
  readonly target: string;
  readonly status: number;
  readonly text: string;
}

async function runClients(endpoint: string, credentials: string): Promise<Answer[]> {
  const requirements = join(import.meta.dirname, 'requirements.txt');
  execFileSync('python3', ['-m', 'venv', ENVIRONMENT], { stdio: 'inherit' });
  const python = join(ENVIRONMENT, 'bin/python');
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], { stdio: 'inherit' });
  const env = { ...process.env, ENDPOINT: endpoint, AWS_SHARED_CREDENTIALS_FILE: credentials, PROFILE: 'admin' };
  const child = spawn(python, [join(import.meta.dirname, 'clients.py')], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(CALLS));
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (status !== 0) throw new Error(`the clients ended with status ${status}`);
  return output
    .trim()
    .split('\n')
    .map((line): Answer => JSON.parse(line));
}
