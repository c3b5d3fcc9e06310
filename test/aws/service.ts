import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that answers for AWS on a loopback port. */
export interface Service {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  /** Ends the process and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ServiceCommand {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Where the process's output goes. */
  readonly log: string;
  readonly port: number;
}

const TIMEOUT_MS = 180_000;
const GRACE_MS = 5_000;

/**
 * Starts a process and waits until it answers HTTP, whatever it says.
 *
 * @throws Error when it ends before that, or takes three minutes; the message names its log
 */
export async function startService({ name, command, args, env, cwd, log, port }: ServiceCommand): Promise<Service> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = createWriteStream(log);
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  const failed = once(child, 'error').then(([cause]) => {
    throw new Error(`${name} cannot be started: ${command}`, { cause });
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code} before it answered: see ${log}`);
  });
  // Both may come when no one waits for them any more.
  for (const promise of [failed, ended]) promise.catch(() => undefined);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([failed, ended, untilItAnswers(name, endpoint, log)]);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { endpoint, stop: () => stop(child) };
}

/** A port of the loopback interface that no one listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

async function untilItAnswers(name: string, endpoint: string, log: string): Promise<void> {
  const end = Date.now() + TIMEOUT_MS;
  while (Date.now() < end) {
    try {
      await fetch(endpoint, { signal: AbortSignal.timeout(2_000) });
      return;
    } catch {
      await sleep(200); // Not listening yet.
    }
  }
  throw new Error(`${name} does not answer at ${endpoint}: see ${log}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const grace = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await gone;
  clearTimeout(grace);
}
