import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';

/** The official server over streamable HTTP, with a tool that asks the client's model and the person in front of it. */
export async function officialHttpServer(): Promise<{ url: string; server: Server }> {
  const mcp = new McpServer({ name: 'asking', version: '1.0.0' });
  mcp.registerTool('ask', { description: 'Asks', inputSchema: { question: z.string() } }, async ({ question }) => {
    const content = { type: 'text' as const, text: question };
    const model = await mcp.server.createMessage({ messages: [{ role: 'user', content }], maxTokens: 9 });
    const person = await mcp.server.elicitInput({
      message: 'Sure?',
      requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } } },
    });
    return { content: [{ type: 'text', text: JSON.stringify([model.content, person.action]) }] };
  });
  mcp.registerResource('plan', 'plan://1', {}, async (uri) => ({ contents: [{ uri: uri.href, text: 'the plan' }] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID() });
  await mcp.connect(transport as Parameters<typeof mcp.connect>[0]);
  const server = createServer((incoming, outgoing) => void transport.handleRequest(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // of a TCP server that listens
  return { url: `http://127.0.0.1:${port}/mcp`, server };
}

/** The official client over streamable HTTP, which answers for its model and its person. */
export async function officialHttpClient(url: string): Promise<Client> {
  const capabilities = { sampling: {}, elicitation: {} };
  const client = new Client({ name: 'sdk-http', version: '1.0.0' }, { capabilities });
  client.setRequestHandler(CreateMessageRequestSchema, () => ({
    model: 'm-1',
    role: 'assistant',
    content: { type: 'text', text: 'answer' },
  }));
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'accept', content: { sure: true } }));
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport as Parameters<typeof client.connect>[0]);
  return client;
}
