import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { defined } from '../../lib/base/defined.ts';

/** The command line as a user runs it, from source. */
export const CLI = join(import.meta.dirname, '../../bin/sealtrail.ts');

/** What a finished command left behind. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An environment without anything of the machine's own AWS setup, and without an instance metadata service to ask. */
export function cleanEnvironment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR, NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...defined({ TMPDIR, NODE_COMPILE_CACHE }), AWS_EC2_METADATA_DISABLED: 'true', ...more };
}

/** Starts the command line as a child process. */
export function start(args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], { env: cleanEnvironment(), ...options });
}

/** Runs the command line to its end. */
export async function run(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly input?: string; readonly cwd?: string } = {},
): Promise<Finished> {
  const child = start(args, {
    env: cleanEnvironment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  child.stdin?.on('error', () => {}); // The child may have ended without reading its input: that is for the test to judge.
  child.stdin?.end(options.input ?? '');
  return finished(child);
}

/** Waits for the end of a child process and collects what it printed. */
export async function finished(child: ChildProcess): Promise<Finished> {
  const texts = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    texts.stdout += part;
  });
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    texts.stderr += part;
  });
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, ...texts };
}

/** A server of its own in a folder of its own, as `sealtrail serve` starts it. */
export interface Server {
  readonly child: ChildProcess;
  readonly endpoint: string;
  /** Environment of a client: endpoint, credentials file, profile `admin`. */
  readonly env: Readonly<Record<string, string>>;
  /** What it complained about on stderr so far, without its invitation: nothing, as long as all is well. */
  complaints(): string;
  /** Sends a signal and waits for the end; resolves to the exit code, or null where the signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `sealtrail serve` on a free port and waits until it says that it listens. */
export async function serve(data: string, args: readonly string[] = []): Promise<Server> {
  const child = start(['serve', '--data', data, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    complaints += part;
  });
  const ended = once(child, 'exit');
  const { stdout } = child;
  if (stdout === null) throw new Error('the child has no stdout');
  for await (const line of createInterface({ input: stdout })) {
    const endpoint = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
    if (endpoint === undefined) continue;
    stdout.resume();
    const env = {
      SEALTRAIL_ENDPOINT: endpoint,
      AWS_SHARED_CREDENTIALS_FILE: join(data, 'credentials'),
      AWS_PROFILE: 'admin',
    };
    const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill(signal);
      const [code] = await ended;
      return typeof code === 'number' ? code : null;
    };
    return {
      child,
      endpoint,
      env,
      stop,
      complaints: () => complaints.replace(/^To use it .*\n(?: {2}.*\n)*Profiles: .*\n/m, ''),
    };
  }
  throw new Error(`sealtrail serve ended before it listened: ${complaints}`);
}
