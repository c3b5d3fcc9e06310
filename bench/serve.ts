import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** A log of its own in another process, as `sealtrail serve` starts it, and the environment that leads a client to it. */

const ROOT = resolve(import.meta.dirname, '..');

export async function serveForBench(
  data: string,
  args: readonly string[] = [],
): Promise<{
  readonly endpoint: URL;
  readonly env: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
  /** That the server has used, all of its threads together (Linux, proc(5): user and system time in ticks of 10 ms). */
  readonly cpuSeconds: () => Promise<number>;
}> {
  const server = spawn(
    process.execPath,
    [join(ROOT, 'bin/sealtrail.ts'), 'serve', '--data', data, '--port', '0', ...args],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const stop = async (): Promise<void> => {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
  };
  const cpuSeconds = async (): Promise<number> => {
    const fields = (await readFile(`/proc/${server.pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  };
  for await (const line of createInterface({ input: server.stdout ?? process.stdin })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    const files = { AWS_SHARED_CREDENTIALS_FILE: join(data, 'credentials'), AWS_PROFILE: 'admin' };
    return { endpoint: new URL(url), env: { SEALTRAIL_ENDPOINT: url, ...files }, stop, cpuSeconds };
  }
  throw new Error('the server ended before it listened');
}
