import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What is left of a child process. */
export interface Ended {
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How a child process is run. */
export interface ChildOptions {
  /** Kills it with SIGKILL as soon as this many lines came. */
  readonly killAfterLines?: number;
  /** Most 512-byte blocks of any file it writes: writes past that fail as on a full disk. */
  readonly fileBlocks?: number;
}

/**
 * Runs a TypeScript file in a Node process of its own until it ends.
 *
 * @param script path of the file.
 * @param args what it finds in `process.argv`.
 */
export async function runChild(script: string, args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  const command = [process.execPath, '--no-warnings', script, ...args];
  const limited = ['sh', '-c', `ulimit -f ${options.fileBlocks} && exec "$@"`, 'sh', ...command];
  const [program = '', ...rest] = options.fileBlocks === undefined ? command : limited;
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    if (lines.length === options.killAfterLines) child.kill('SIGKILL');
  });
  const [exitCode, signal]: [number | null, NodeJS.Signals | null] = await once(child, 'close').then(([a, b]) => [
    a,
    b,
  ]);
  return { lines, stderr, exitCode, signal };
}
