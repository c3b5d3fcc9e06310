import { spawn } from 'node:child_process';

interface RunOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end. @returns what it printed @throws with what it complained about, unless it ended with 0 */
export async function output(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input = '', ...rest } = options;
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...rest });
  let [printed, complained] = ['', ''];
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  child.stderr.on('data', (chunk) => {
    complained += chunk;
  });
  child.stdin.on('error', () => undefined); // it need not read: how it ends tells
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`${command} ${args.slice(0, 6).join(' ')} ended with ${code}:\n${complained}`);
  return printed + complained;
}

/** What a run of a program took, in seconds: by the clock, and of processor time with all that it started. */
export interface Took {
  readonly seconds: number;
  readonly cpu: number;
  readonly said: string;
}

/** Runs a program to its end under the shell's clock, which knows the processor time of its children (POSIX `times`). */
export async function timed(command: string, args: readonly string[], options: RunOptions = {}): Promise<Took> {
  const started = performance.now();
  const said = await output('sh', ['-c', '"$@" && times', 'sh', command, ...args], options);
  const seconds = (performance.now() - started) / 1000;
  const children = /\n(?:\d+m[\d.]+s \d+m[\d.]+s)\n(\d+)m([\d.]+)s (\d+)m([\d.]+)s/.exec(`\n${said}`);
  if (children === null) throw new Error(`no times of ${command}: ${said.slice(-200)}`);
  const [userMinutes = 0, user = 0, systemMinutes = 0, system = 0] = children.slice(1).map(Number);
  return { seconds, cpu: 60 * (userMinutes + systemMinutes) + user + system, said };
}
