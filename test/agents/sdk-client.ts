import { createRequire } from 'node:module';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { CLI, cleanEnvironment } from '../cli/process.ts';

const FILESYSTEM = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js');

/** The server of files of the Model Context Protocol, as one would start it. */
export const filesystemServer = (folder: string): readonly [string, ...string[]] => [
  process.execPath,
  FILESYSTEM,
  folder,
];

/** The command line that wraps a server. */
export const wrapped = (server: readonly string[], options: readonly string[]): readonly [string, ...string[]] => [
  process.execPath,
  CLI,
  'mcp',
  ...options,
  '--',
  ...server,
];

/** The official client, connected to a server that it starts. */
export async function connected(
  [command, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<{ client: Client; transport: StdioClientTransport }> {
  const transport = new StdioClientTransport({ command, args, env: cleanEnvironment(env), stderr: 'inherit' });
  const client = new Client({ name: 'sdk-test', version: '1.0.0' });
  await client.connect(transport);
  return { client, transport };
}
