import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifierFromPem } from '../../lib/log/note.ts';
import { evaluatePolicy, parsePolicy } from '../../lib/log/policy.ts';
import { attempt, fsckAgrees, installFsck } from '../outside/fsck.ts';

/**
 * Witnesses that are not ours over a log of ours, and ours over a log that is not: PyPI's witness-log, in a Python environment
 * that this script makes. The log and its commands are processes as a user starts them. Shown is what witnesses are for: a
 * data folder that is put back, and one that runs twice, cannot go unseen. Needs python3, go and the package registries.
 */

const HERE = import.meta.dirname;
const ROOT = resolve(HERE, '../..');
const CLI = join(ROOT, 'bin/sealtrail.ts');
const PYTHON = join(ROOT, '.venv/witnesses/bin/python');
const work = mkdtempSync(join(tmpdir(), 'sealtrail-witnesses-'));
const children = new Set<ChildProcess>();
const at = (...names: readonly string[]): string => join(work, ...names);

function ok(what: string, holds: boolean, said = ''): void {
  if (!holds) throw new Error(`NOT SO: ${what}\n${said}`);
  console.log(`ok ${what}`);
}

/** A process that has printed its first line. */
interface Started {
  readonly child: ChildProcess;
  readonly line: string;
  /** All that it wrote to standard error so far. */
  complaints(): string;
}

async function start(command: string, args: readonly string[]): Promise<Started> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    complaints += part;
  });
  for await (const line of createInterface(child.stdout)) return { child, line, complaints: () => complaints };
  throw new Error(`${command} ${args.join(' ')} ended: ${complaints}`);
}

async function stop({ child }: Pick<Started, 'child'>): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}

/** Waits until something holds; a minute is the promise. */
async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 60): Promise<void> {
  const from = performance.now();
  while (!(await holds())) {
    if (performance.now() - from > seconds * 1000) throw new Error(`NOT SO within ${seconds} seconds: ${what}`);
    await sleep(250);
  }
  console.log(`ok ${what} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
}

/** A log as a user runs it, on one data folder. */
class Log {
  readonly data: string;
  #server: Started | undefined;

  constructor(data: string) {
    this.data = data;
  }

  async serve(): Promise<void> {
    const options = ['--policy', at('policy.txt'), '--witness-lag', '20', '--port', '0'];
    this.#server = await start(process.execPath, [CLI, 'serve', '--data', this.data, ...options]);
  }

  async close(): Promise<void> {
    if (this.#server !== undefined) await stop(this.#server);
    this.#server = undefined;
  }

  complaints(): string {
    return this.#server?.complaints() ?? '';
  }

  run(...args: readonly string[]): { status: number | null; said: string } {
    const env = {
      ...process.env,
      AWS_SHARED_CREDENTIALS_FILE: join(this.data, 'credentials'),
      AWS_PROFILE: 'admin',
      SEALTRAIL_ENDPOINT: this.#server?.line.split(' ').at(-1) ?? '',
    };
    try {
      const stdout = execFileSync(process.execPath, [CLI, ...args], { env, encoding: 'utf8', stdio: 'pipe' });
      return { status: 0, said: stdout };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
      return { status, said: `${stdout}${stderr}` };
    }
  }

  append(trail: string, count: number): void {
    const lines = Array.from({ length: count }, (_, n) => `{"type":"data.read","actor":{"id":"user-${n}"}}\n`);
    writeFileSync(at('events.ndjson'), lines.join(''));
    const { status, said } = this.run('append', trail, at('events.ndjson'));
    ok(`${count} events are appended to ${trail}`, status === 0, said);
  }

  verify(archive = join(this.data, 'archive')): { status: number | null; said: string } {
    return this.run('verify', archive, '--key', at('log.pem'), '--policy', at('policy.txt'));
  }

  /** Cosignatures under the newest cosigned heads, and of how many heads. */
  witnessed(): { readonly size: number; readonly by: readonly string[] } {
    const folder = join(this.data, 'archive/_heads/witnessed');
    let sizes: number[];
    try {
      sizes = readdirSync(folder).map(Number);
    } catch {
      return { size: 0, by: [] }; // not made yet
    }
    const size = Math.max(0, ...sizes);
    if (size === 0) return { size, by: [] };
    const note = readFileSync(join(folder, String(size)), 'utf8');
    return {
      size,
      by: evaluatePolicy(parsePolicy(readFileSync(at('policy.txt'))), note).by.map(({ witness }) => witness),
    };
  }
}

/** Three witnesses of witness-log, each with a memory that outlives its process. */
class Witnesses {
  readonly #ports = [0, 0, 0];
  readonly #started: (Started | undefined)[] = [];

  async start(...which: readonly number[]): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const n of which) {
      const args = [String(this.#ports[n - 1]), `w${n}.example/log`, String(n), at(`w${n}.state`), at('origin.txt')];
      const started = await start(PYTHON, [join(HERE, 'service.py'), ...args]);
      const [port = '', vkey = ''] = started.line.split(' ');
      this.#ports[n - 1] = Number(port);
      this.#started[n - 1] = started;
      lines.push(`witness W${n} ${vkey} http://127.0.0.1:${port}/\n`);
    }
    return lines;
  }

  async stop(...which: readonly number[]): Promise<void> {
    for (const n of which) {
      const started = this.#started[n - 1];
      if (started !== undefined) await stop(started);
    }
  }
}

function install(): void {
  execFileSync('python3', ['-m', 'venv', join(ROOT, '.venv/witnesses')], { stdio: 'inherit' });
  const requirements = join(HERE, 'requirements.txt');
  execFileSync(PYTHON, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], { stdio: 'inherit' });
}

/** A copy of an archive with the lines of the witnesses cut out. */
function withoutLines(archive: string): string {
  const copy = at('cut');
  cpSync(archive, copy, { recursive: true });
  const folder = join(copy, '_heads/witnessed');
  for (const name of readdirSync(folder)) {
    const note = readFileSync(join(folder, name), 'utf8');
    rmSync(join(folder, name));
    writeFileSync(join(folder, name), note.replaceAll(/— w\d\.example.*\n/g, ''));
  }
  return copy;
}

async function witnessedLog(log: Log, witnesses: Witnesses): Promise<void> {
  log.append('orders', 1000);
  await until('two cosignatures under the heads within a minute', () => log.witnessed().by.length >= 2);
  await until('an archive under the policy verifies', () => log.verify().status === 0);
  const proof = at('p.tlog-proof');
  ok('a record has a proof', log.run('proof', 'orders', '999', '-o', proof, '--key', at('log.pem')).status === 0);
  await until('the proof leads to cosignatures', () => log.run('witnessed', proof).status === 0);
  const verified = log.run('verify-proof', proof, '--key', at('log.pem'), '--policy', at('policy.txt'));
  ok(
    'verify-proof --policy says who cosigned',
    verified.status === 0 && /cosigned by W1 \(/.test(verified.said),
    verified.said,
  );
  const cut = log.verify(withoutLines(join(log.data, 'archive')));
  ok(
    'with the lines cut out verify --policy exits 1',
    cut.status === 1 && cut.said.includes('not_witnessed'),
    cut.said,
  );

  await witnesses.stop(2, 3);
  log.append('orders', 10);
  await until('the alarm says that there is no quorum', () => /not_witnessed: for \d+ seconds/.test(log.complaints()));
  log.append('orders', 10);
  await witnesses.start(2, 3);
  const { size } = log.witnessed();
  await until('the quorum is back', () => log.witnessed().size > size, 120);
}

async function putBack(log: Log): Promise<void> {
  await log.close();
  cpSync(log.data, at('older'), { recursive: true });
  cpSync(log.data, at('fork'), { recursive: true });
  await log.serve();
  for (const trail of ['payments', 'refunds', 'returns']) log.append(trail, 5);
  const { size } = log.witnessed();
  await until('later heads are cosigned', () => log.witnessed().size >= size + 3);
  await log.close();

  const restored = new Log(at('older'));
  await restored.serve();
  restored.append('orders', 5);
  await seen('an older copy that was put back', restored);
  await restored.close();

  const fork = new Log(at('fork'));
  await fork.serve();
  for (let n = 0; n < 12; n++) fork.append(`fork-${n}`, 1);
  await seen('a copy that grew beyond what they cosigned', fork);
  await fork.close();
}

/** Witnesses refuse it, `_system` says it, `verify --policy` exits 1. */
async function seen(what: string, log: Log): Promise<void> {
  const { size } = log.witnessed();
  await until(`${what}: the log is told and complains`, () => log.complaints().includes('history_conflict'));
  const { said } = log.run('query', '_system', '--type', 'witness.conflict', '--format', 'ndjson');
  ok(`${what}: _system has a record of it`, said.includes('"type":"witness.conflict"'), said);
  await until(`${what}: verify --policy exits 1`, () => {
    const verified = log.verify();
    return verified.status === 1 && verified.said.includes('witness_conflict');
  });
  ok(`${what}: nothing more was cosigned`, log.witnessed().size === size);
}

/** Others' log over our witness, and others' tools over the archive that has cosigned notes. */
async function others(log: Log): Promise<void> {
  const ours = await start(process.execPath, [
    CLI,
    'witness',
    '--data',
    at('ours'),
    '--name',
    'ours.example/w',
    '--port',
    '0',
  ]);
  const url = ours.line.split(' ').at(-1) ?? '';
  const [vkey = ''] = (await (await fetch(url)).text()).split('\n');
  const client = attempt(PYTHON, [join(HERE, 'client.py'), url, at('ours/logs.txt'), vkey]);
  ok("witness-log's client and our witness", client.status === 0, client.said);
  process.stdout.write(client.said);
  await stop(ours);

  const fsck = installFsck();
  for (const trail of ['orders', '_heads']) {
    const { status, said } = sealed(log, trail);
    ok(`${trail} is sealed`, status === 0, said);
    const key = verifierFromPem(`log.example/${trail}`, readFileSync(at('log.pem'), 'utf8')).vkey;
    const judged = fsckAgrees(fsck, join(log.data, 'archive', trail), key);
    ok(`fsck agrees on ${trail}, cosigned notes and all`, judged.agrees, judged.said);
  }
}

const sealed = (log: Log, trail: string) => log.run('seal', trail);

try {
  install();
  const log = new Log(at('data'));
  ok('a data folder is made', log.run('init', '--data', log.data, '--log-name', 'log.example').status === 0);
  const pem = execFileSync('openssl', ['pkey', '-in', join(log.data, 'signing-key.pem'), '-pubout'], {
    encoding: 'utf8',
  });
  writeFileSync(at('log.pem'), pem);
  const { name, vkey } = verifierFromPem('log.example/_heads', pem);
  writeFileSync(at('origin.txt'), `${name}\n${vkey}\n`);
  const witnesses = new Witnesses();
  const lines = await witnesses.start(1, 2, 3);
  writeFileSync(at('policy.txt'), `${lines.join('')}group two 2 W1 W2 W3\nquorum two\n`);
  await log.serve();
  await witnessedLog(log, witnesses);
  await others(log);
  await putBack(log);
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
}
