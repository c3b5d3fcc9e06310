import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { proxyHttp } from '../../../lib/agents/mcp/http-proxy.ts';
import { DEAF, recording } from '../recording.ts';

type Handler = (body: string, incoming: IncomingMessage, outgoing: ServerResponse) => void;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server of MCP that does as the handler says, behind a proxy. */
async function behind(handler: Handler, recorded = recording(), failClosed = false) {
  const server = createServer((incoming, outgoing) => {
    text(incoming).then((body) => handler(body, incoming, outgoing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const errors: Error[] = [];
  const proxy = await proxyHttp({
    ...{ url: new URL(`http://127.0.0.1:${port}/mcp?v=1`), port: 0, onError: (error: Error) => errors.push(error) },
    ...{ actions: recorded.actions, content: false, failClosed, context: {} },
  });
  closing.push(proxy.close, () => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  return { ...recorded, url: proxy.url, errors };
}

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const call = (id: number, name = 'x') => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });

describe('a proxy over streamable HTTP', () => {
  it('passes requests and JSON answers on as they are, and logs the call', async () => {
    const seen: unknown[] = [];
    const answer = '{ "jsonrpc": "2.0", "id": 1, "result": {"content": []} }';
    const { url, events } = await behind((body, { url: path, headers }, outgoing) => {
      seen.push(body, path, headers.authorization);
      outgoing.writeHead(200, { 'content-type': 'application/json', 'x-own': 'yes' }).end(answer);
    });
    const response = await post(url, call(1), { authorization: 'Bearer t' });
    expect([await response.text(), response.headers.get('x-own')]).toEqual([answer, 'yes']);
    expect(seen).toEqual([JSON.stringify(call(1)), '/mcp?v=1', 'Bearer t']);
    expect(events().map(({ type }) => type)).toEqual(['action.requested', 'action.executed']);
  });

  it('passes events on one by one, each byte of them, and logs the calls of the server among them', async () => {
    const stream = [
      ': hello\n\n',
      `event: message\nid: 1\ndata: ${JSON.stringify({ id: 5, method: 'sampling/createMessage', params: {} })}\n\n`,
      `data: ${JSON.stringify({ id: 1, result: {} })}\r\n\r\n`,
    ];
    const { url, events } = await behind((_, __, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of stream) outgoing.write(event);
      outgoing.end();
    });
    expect(await (await post(url, call(1))).text()).toBe(stream.join(''));
    expect(events().map(({ type, action }) => [type, action])).toEqual([
      ['action.requested', 'tools/call'],
      ['action.requested', 'sampling/createMessage'],
      ['action.executed', 'tools/call'],
    ]);
  });

  it('keeps the sessions of a server apart, until they end', async () => {
    const { url, events } = await behind((body, { method, headers }, outgoing) => {
      const session = headers['mcp-session-id'] ?? `s-${JSON.parse(body).params.clientInfo.name}`;
      outgoing.setHeader('mcp-session-id', session);
      if (method === 'DELETE' || !body.includes('initialize')) return void outgoing.writeHead(202).end();
      outgoing.setHeader('content-type', 'application/json');
      return void outgoing.end(JSON.stringify({ id: 0, result: { serverInfo: { name: 'files' } } }));
    });
    for (const name of ['a', 'b']) await post(url, { id: 0, method: 'initialize', params: { clientInfo: { name } } });
    for (const name of ['a', 'b']) await post(url, call(1), { 'mcp-session-id': `s-${name}` });
    await post(url, { jsonrpc: '2.0', id: 1, result: {} }, { 'mcp-session-id': 's-a' }); // no answer to its own call
    await fetch(url, { method: 'DELETE', headers: { 'mcp-session-id': 's-a' } });
    expect(events().map(({ type, context }) => [type, Reflect.get(Object(context), 'session')])).toEqual([
      ['mcp.initialized', 's-a'],
      ['mcp.initialized', 's-b'],
      ['action.requested', 's-a'],
      ['action.requested', 's-b'],
      ['mcp.closed', 's-a'],
    ]);
    expect(events().at(-1)).toMatchObject({ details: { unanswered: 1, server: 'files' } });
  });

  it('answers itself what may not go on, also for the client', async () => {
    const bodies: string[] = [];
    const recorded = recording({ sink: DEAF, logTimeout: 5, failClosed: true });
    const { url } = await behind(
      (body, { method }, outgoing) => {
        bodies.push(body);
        if (method === 'POST') return void outgoing.writeHead(202).end();
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        return void outgoing.end(`data: ${JSON.stringify({ id: 9, method: 'elicitation/create', params: {} })}\n\n`);
      },
      recorded,
      true,
    );
    expect(await (await post(url, call(1))).json()).toMatchObject({ id: 1, error: { code: -32_001 } });
    expect(bodies).toEqual([]);
    expect(await (await fetch(url, { headers: { accept: 'text/event-stream' } })).text()).toBe('');
    await expect.poll(() => bodies.length).toBe(2);
    expect(JSON.parse(bodies[1] ?? '')).toMatchObject({ id: 9, error: { code: -32_001 } });
  });

  it('serves no one who comes from elsewhere', async () => {
    const { url } = await behind((_, __, outgoing) => outgoing.end());
    const status = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve) => {
        request(url, { headers }, (response) => resolve(response.resume().statusCode)).end();
      });
    expect(await status({ host: 'rebound.example' })).toBe(403);
    expect(await status({ origin: 'https://evil.example' })).toBe(403);
    expect(await status({ origin: 'null' })).toBe(403);
    expect(await status({ origin: 'http://localhost:3000' })).toBe(200);
    expect(await status({ 'content-encoding': 'gzip' })).toBe(415);
  });

  it('says that the server cannot be reached', async () => {
    const recorded = recording();
    const proxy = await proxyHttp({
      ...{ url: new URL('http://127.0.0.1:9/mcp'), port: 0, onError: () => undefined },
      ...{ actions: recorded.actions, content: false, failClosed: false, context: {} },
    });
    closing.push(proxy.close);
    expect((await post(proxy.url, call(1))).status).toBe(502);
  });
});
