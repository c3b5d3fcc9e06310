import { describe, expect, it } from 'vitest';
import { proxyHttp } from '../../../lib/agents/mcp/http-proxy.ts';
import { recording } from '../recording.ts';
import { officialHttpClient, officialHttpServer } from '../sdk-http.ts';

describe('the official client and server over streamable HTTP', () => {
  it('talk through the proxy as without it, and what each asks of the other is logged', async () => {
    const direct = await officialHttpServer();
    const plainClient = await officialHttpClient(direct.url);
    const call = { name: 'ask', arguments: { question: 'why?' } };
    const expected = [await plainClient.callTool(call), await plainClient.readResource({ uri: 'plan://1' })];

    const { actions, events } = recording();
    const behind = await officialHttpServer();
    const proxy = await proxyHttp({
      ...{ url: new URL(behind.url), port: 0, onError: () => undefined },
      ...{ actions, content: false, failClosed: false, context: {} },
    });
    const client = await officialHttpClient(proxy.url);
    expect([await client.callTool(call), await client.readResource({ uri: 'plan://1' })]).toEqual(expected);
    await Promise.all([client.close(), plainClient.close()]);
    await proxy.close();
    for (const { server } of [direct, behind]) server.closeAllConnections();
    for (const { server } of [direct, behind]) server.close();

    const told = events().map(({ type, action, actor }) => [type, action, Reflect.get(Object(actor), 'id')]);
    expect(told).toEqual([
      ['mcp.initialized', undefined, 'sdk-http'],
      ['action.requested', 'tools/call', 'sdk-http'],
      ['action.requested', 'sampling/createMessage', 'asking'],
      ['action.executed', 'sampling/createMessage', 'asking'],
      ['action.requested', 'elicitation/create', 'asking'],
      ['action.executed', 'elicitation/create', 'asking'],
      ['action.executed', 'tools/call', 'sdk-http'],
      ['action.requested', 'resources/read', 'sdk-http'],
      ['action.executed', 'resources/read', 'sdk-http'],
      ['mcp.closed', undefined, 'sdk-http'],
    ]);
    expect(new Set(events().map(({ context }) => Reflect.get(Object(context), 'session'))).size).toBe(1);
  });
});
