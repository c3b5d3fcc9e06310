import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { linesOf } from '../../json/lines.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Conversation, Side } from './conversation.ts';

/** The ends of a proxy over stdio. */
export interface StdioProxyOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The client's ends. */
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Where the server's stderr goes. */
  readonly stderr: Writable;
  readonly conversation: Conversation;
  /** Ends the server. */
  readonly signal: AbortSignal;
  /** Most bytes of a message. @default 64 MiB */
  readonly mostBytes?: number;
}

/** How a server ended. */
export interface ServerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Bytes of messages that wait for their turn to be passed on; with more, no more is read. */
const MAX_AHEAD_BYTES = 4 * 1024 * 1024;

/**
 * Runs a server of MCP and passes its messages to the client and back, each byte as it came and in the same order. A call
 * waits until the conversation lets it pass.
 *
 * @returns how the server ended
 * @throws `usage` where it cannot be started
 */
export async function proxyStdio(options: StdioProxyOptions): Promise<ServerEnd> {
  const child = await started(options);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new RangeError('a child with pipes has all of them');
  const stop = (): void => void child.kill('SIGTERM');
  options.signal.addEventListener('abort', stop, { once: true });
  stdin.on('error', () => undefined); // A server that is gone: its end says so.
  stderr.on('data', (chunk: Buffer) => options.stderr.write(chunk.toString('utf8')));
  const ended = once(child, 'close').then(([code, signal]): ServerEnd => ({ code, signal }));
  const toServer = pump(options, 'client', options.stdin, stdin, options.stdout)
    .then(() => void stdin.end())
    .catch((error: unknown) => failed(child, options, error));
  const toClient = pump(options, 'server', stdout, options.stdout, stdin).catch((error: unknown) =>
    failed(child, options, error),
  );
  try {
    const end = await ended;
    await toClient;
    return end;
  } finally {
    options.signal.removeEventListener('abort', stop);
    options.stdin.destroy(); // It may be waited for; no one is left to pass it to.
    await toServer;
  }
}

async function started({ command, args, env }: StdioProxyOptions): Promise<ChildProcess> {
  const child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...env } });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new SealtrailError('usage', `cannot start the server "${command}"`, { cause });
  }
  return child;
}

/** A stream that cannot be passed on any further ends the server: half of a conversation must not go on unseen. */
function failed(child: ChildProcess, { stderr }: StdioProxyOptions, error: unknown): void {
  const isOver = child.exitCode !== null || child.signalCode !== null;
  if (!isOver) stderr.write(`sealtrail: ${error instanceof Error ? error.message : String(error)}\n`);
  child.kill('SIGTERM');
}

/** Passes on what one side says, in order. */
async function pump(
  { conversation, mostBytes = 64 * 1024 * 1024 }: StdioProxyOptions,
  from: Side,
  source: Readable,
  target: Writable,
  back: Writable,
): Promise<void> {
  let turn = Promise.resolve();
  let ahead = 0;
  for await (const line of linesOf(source, mostBytes)) {
    const { gate, passed } = conversation.examine(line, from);
    ahead += line.length;
    turn = turn.then(async () => {
      const refusal = await gate;
      if (refusal === undefined) await write(target, line);
      else if (refusal !== '') await write(back, Buffer.from(`${refusal}\n`));
      ahead -= line.length;
      if (refusal === undefined) passed();
    });
    if (ahead > MAX_AHEAD_BYTES) await turn;
    else turn.catch(() => undefined); // Awaited at the end.
  }
  await turn;
}

function write(stream: Writable, bytes: Buffer): Promise<void> | undefined {
  if (stream.destroyed) return undefined; // Gone: its end says so.
  return new Promise((resolve) => {
    // Resolves on an error too: the end of the stream's owner tells of it.
    stream.write(bytes, () => resolve());
  });
}
