import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The parts that are not ours, fetched from their registries with pinned versions, and kept between runs. */

const TOOLS = resolve(import.meta.dirname, '../../node_modules/.cache/sealtrail-streams');
/** Debian 12's rsyslog, and what it needs beside a plain system. */
const RSYSLOG = {
  ...{ rsyslog: '8.2302.0-1+deb12u2', 'rsyslog-gnutls': '8.2302.0-1+deb12u2' },
  ...{ libestr0: '0.1.11-1', libfastjson4: '1.2304.0-1', liblognorm5: '2.0.6-4' },
};
const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.165.0';

const sh = (command: string, args: readonly string[], cwd?: string, env = process.env): void =>
  void execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env, ...(cwd && { cwd }) });

/** The upstream collector, built by its builder from the Go modules that `collector/builder.yaml` names. @returns its path */
export function buildCollector(): string {
  const binary = join(TOOLS, 'build/collector'); // `output_path` of its configuration
  if (existsSync(binary)) return binary;
  mkdirSync(TOOLS, { recursive: true });
  sh('go', ['install', BUILDER], TOOLS, { ...process.env, GOBIN: TOOLS });
  const config = join(import.meta.dirname, 'collector/builder.yaml');
  sh(join(TOOLS, 'builder'), ['--config', config], TOOLS);
  return binary;
}

/** Fetches a package of Debian into the tools. A new machine has no lists of them yet. */
function download(what: string): void {
  const fetch = (): void => sh('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', what], TOOLS);
  try {
    fetch();
  } catch {
    sh('apt-get', ['update', '-q']);
    fetch();
  }
}

/** rsyslog, unpacked without being installed. @returns the root of its files */
export function unpackRsyslog(): string {
  const root = join(TOOLS, 'rsyslog');
  if (existsSync(join(root, 'usr/sbin/rsyslogd'))) return root;
  mkdirSync(root, { recursive: true });
  for (const [name, version] of Object.entries(RSYSLOG)) {
    download(`${name}=${version}`);
    const file = `${name}_${version}_${execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim()}.deb`;
    sh('dpkg', ['-x', join(TOOLS, file), root]);
  }
  return root;
}

/** A process that is killed and started again. */
export class Restartable {
  readonly #start: () => ChildProcess;
  readonly #port: number;
  #child: ChildProcess | undefined;
  kills = 0;

  constructor(port: number, start: () => ChildProcess) {
    this.#port = port;
    this.#start = start;
  }

  /** Starts it, and waits until it takes connections. */
  async start(): Promise<void> {
    this.#child = this.#start();
    const { stderr } = this.#child;
    let said = '';
    stderr?.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4000);
    });
    for (let tries = 0; tries < 1200; tries++) {
      if (await takesConnections(this.#port)) return;
      if (this.#child.exitCode !== null) throw new Error(`it ended before it was ready: ${said}`);
      await sleep(50);
    }
    throw new Error(`it was not ready within a minute: ${said}`);
  }

  /** Kills it with signal 9, and starts it again. */
  async killAndStart(): Promise<void> {
    this.kills += 1;
    await this.stop('SIGKILL');
    await this.start();
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** The access key of a profile in a data folder. */
export function accessKeyOf(data: string, profile: string): { readonly id: string; readonly secret: string } {
  const section = readFileSync(join(data, 'credentials'), 'utf8').split(`[${profile}]`)[1]?.split('[')[0] ?? '';
  const value = (name: string): string => new RegExp(`${name}\\s*=\\s*(\\S+)`).exec(section)?.[1] ?? '';
  return { id: value('aws_access_key_id'), secret: value('aws_secret_access_key') };
}

/** Starts a program whose output no one reads but its errors. */
export const spawnQuietly = (
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess => spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env });

export function check(what: string, holds: boolean, said: unknown = ''): void {
  if (!holds) throw new Error(`not so: ${what} ${typeof said === 'string' ? said : JSON.stringify(said)}`);
  process.stdout.write(`ok ${what}\n`);
}

/** Kills one after the other as the work goes on, each so often. */
export async function killInTurn(parts: readonly Restartable[], kills: number, progress: () => number): Promise<void> {
  const all = kills * parts.length;
  for (let n = 0; n < all; n++) {
    while (progress() < (n + 1) / (all + 1)) await sleep(5);
    await parts[n % parts.length]?.killAndStart();
  }
}
