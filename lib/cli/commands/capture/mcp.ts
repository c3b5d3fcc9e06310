import { once } from 'node:events';
import { constants } from 'node:os';
import { Conversation, type ConversationOptions } from '../../../agents/mcp/conversation.ts';
import { proxyHttp } from '../../../agents/mcp/http-proxy.ts';
import { proxyStdio, type ServerEnd } from '../../../agents/mcp/stdio-proxy.ts';
import { SealtrailError } from '../../../log/error.ts';
import { type Terminal, write } from '../../output/terminal.ts';
import { type Install, integer, type Shell } from '../../shell/shell.ts';
import { type CaptureOptions, openRecorder, withCapture } from './recorder.ts';

interface Options extends CaptureOptions {
  readonly url?: string;
  readonly port: number;
  readonly server?: string;
}

export const installMcp: Install = (program, shell) => {
  const command = program
    .command('mcp')
    .argument('[command...]', 'the server of MCP and its arguments, behind --')
    .summary('log what agents do with a server of MCP')
    .description(
      'Stands between an agent and a server of the Model Context Protocol, and passes every byte on unchanged.\n' +
        'Every call of a tool, resource or prompt, and every request of the server for a model or a person, is logged as\n' +
        'action.requested before it goes on, and as action.executed or action.failed after. With a command, over stdio:\n' +
        '  sealtrail mcp --trail agents -- npx -y @modelcontextprotocol/server-filesystem /srv\n' +
        'With --url, over streamable HTTP, at the address that is printed:\n' +
        '  sealtrail mcp --trail agents --url https://mcp.example.com/mcp --port 8322',
    )
    .option('--url <url>', 'a server over streamable HTTP, in place of a command')
    .option('--port <n>', 'with --url: port of 127.0.0.1 to listen on', integer('--port', 0, 65_535), 0)
    .option('--server <name>', 'what the server is called in the log (default: as it calls itself)');
  withCapture(command).action((words: string[], options: Options) => mcp(shell, words, options));
};

async function mcp(shell: Shell, words: readonly string[], options: Options): Promise<void> {
  const { terminal } = shell;
  const url = options.url === undefined ? undefined : parseUrl(options.url);
  const [command, ...args] = words;
  if ((command === undefined) === (url === undefined)) {
    throw new SealtrailError('usage', 'name the server of MCP: a command behind --, or --url');
  }
  const recorder = openRecorder(terminal, options, { hasThread: true });
  const about: ConversationOptions = {
    ...{ actions: recorder.actions, context: recorder.context, agent: options.agent, server: options.server },
    ...{ content: options.content ?? false, failClosed: options.failClosed ?? false },
  };
  try {
    if (url !== undefined) await overHttp(terminal, url, options.port, about);
    else if (command !== undefined) shell.exitCode = await overStdio(terminal, command, args, about);
  } finally {
    await recorder.close();
  }
}

/** @returns the server's exit code; 128 and the signal's number where one ended it, as in shells */
async function overStdio(
  terminal: Terminal,
  command: string,
  args: readonly string[],
  about: ConversationOptions,
): Promise<number> {
  const conversation = new Conversation(about);
  const end: ServerEnd = await proxyStdio({ ...terminal, command, args, conversation });
  conversation.end({ exitCode: end.code, signal: end.signal });
  return end.signal === null ? (end.code ?? 0) : 128 + constants.signals[end.signal];
}

async function overHttp(terminal: Terminal, url: URL, port: number, about: ConversationOptions): Promise<void> {
  const { stdout, stderr, signal } = terminal;
  const proxy = await proxyHttp({
    ...about,
    url,
    port,
    onError: (error) => stderr.write(`sealtrail: ${error.message}\n`),
  });
  await write(stdout, `listening on ${proxy.url}\n`);
  if (!signal.aborted) await once(signal, 'abort');
  await proxy.close();
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new SealtrailError('usage', `--url must be an http or https URL, not "${text}"`);
}
