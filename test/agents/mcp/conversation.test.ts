import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Conversation, type ConversationOptions } from '../../../lib/agents/mcp/conversation.ts';
import { DEAF, type Recording, recording } from '../recording.ts';

const line = (message: unknown): Buffer => Buffer.from(`${JSON.stringify(message)}\n`);
const request = (id: unknown, method: string, params: unknown = {}) => line({ jsonrpc: '2.0', id, method, params });
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function open(options: Partial<ConversationOptions> = {}, recorded: Recording = recording()) {
  const about = { content: false, failClosed: false, context: { tenant: 'acme' }, actions: recorded.actions };
  return { ...recorded, conversation: new Conversation({ ...about, ...options }, 's-1') };
}

/** Passes a message on as a proxy does. @returns what the sender is answered instead */
async function pass(conversation: Conversation, bytes: Buffer, from: 'client' | 'server'): Promise<string | undefined> {
  const { gate, passed } = conversation.examine(bytes, from);
  const refusal = await gate;
  if (refusal === undefined) passed();
  return refusal;
}

async function begun(options: Partial<ConversationOptions> = {}, recorded?: Recording) {
  const opened = open(options, recorded);
  const { conversation } = opened;
  await pass(conversation, request(0, 'initialize', { clientInfo: { name: 'editor', version: '2' } }), 'client');
  const result = {
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'files', version: '1' },
    capabilities: { tools: {} },
  };
  await pass(conversation, line({ jsonrpc: '2.0', id: 0, result }), 'server');
  return opened;
}

describe('a conversation of MCP', () => {
  it('begins with who talks to whom', async () => {
    const { events } = await begun();
    expect(events()).toEqual([
      {
        type: 'mcp.initialized',
        actor: { id: 'editor', type: 'agent' },
        context: { tenant: 'acme', session: 's-1', agent: 'editor' },
        details: {
          server: 'files',
          serverVersion: '1',
          client: 'editor',
          clientVersion: '2',
          protocolVersion: '2025-11-25',
          capabilities: ['tools'],
        },
      },
    ]);
  });

  it('logs a call before it goes on and its outcome after, with digests of what was asked and answered', async () => {
    const { conversation, events } = await begun();
    const params = {
      name: 'read',
      arguments: { path: '/b', limit: 10 },
      _meta: { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    };
    await pass(conversation, request(7, 'tools/call', params), 'client');
    expect(events()).toHaveLength(2);
    await pass(
      conversation,
      line({ jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: 'x' }] } }),
      'server',
    );
    const [, asked, done] = events();
    expect(asked).toMatchObject({
      type: 'action.requested',
      action: 'tools/call',
      resource: { type: 'mcp.tool', id: 'read' },
      context: {
        session: 's-1',
        agent: 'editor',
        correlation: 'a'.repeat(32),
        action: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
      details: { requestId: 7, server: 'files', argumentsSha256: sha256('{"limit":10,"path":"/b"}') },
    });
    expect(done).toMatchObject({
      type: 'action.executed',
      outcome: 'success',
      resource: { type: 'mcp.tool', id: 'read' },
      context: asked?.context,
      details: { durationMs: expect.any(Number), resultSha256: sha256('{"content":[{"text":"x","type":"text"}]}') },
    });
    expect(JSON.stringify(events())).not.toContain('/b');
    expect(conversation.unanswered).toBe(0);
  });

  it('logs content by choice, and of what is large only how large it is', async () => {
    const { conversation, events } = await begun({ content: true });
    await pass(conversation, request('a', 'tools/call', { name: 'write', arguments: { text: 'hello' } }), 'client');
    await pass(conversation, line({ jsonrpc: '2.0', id: 'a', result: { text: 'y'.repeat(20_000) } }), 'server');
    expect(events()[1]).toMatchObject({ details: { arguments: { text: 'hello' } } });
    expect(events()[2]).toMatchObject({
      details: { result: { leftOut: 'too large for an event: 20011 bytes of JSON' } },
    });
  });

  it.each([
    ['a tool that says so', { result: { isError: true, content: [] } }, 'failure', { isError: true }],
    ['an error', { error: { code: -32_602, message: 'secret' } }, 'error', { errorCode: -32_602 }],
  ])('knows a failure: %s', async (_, answer, outcome, details) => {
    const { conversation, events } = await begun();
    await pass(conversation, request(1, 'tools/call', { name: 'x' }), 'client');
    await pass(conversation, line({ jsonrpc: '2.0', id: 1, ...answer }), 'server');
    expect(events()[2]).toMatchObject({ type: 'action.failed', outcome, details });
    expect(JSON.stringify(events())).not.toContain('"secret"');
  });

  it.each([
    ['resources/read', { uri: 'file:///a' }, 'client', { type: 'mcp.resource', id: 'file:///a' }],
    ['prompts/get', { name: 'greet', arguments: {} }, 'client', { type: 'mcp.prompt', id: 'greet' }],
    ['sampling/createMessage', { messages: [], maxTokens: 5 }, 'server', { type: 'mcp.sampling' }],
    ['elicitation/create', { message: 'Sure?' }, 'server', { type: 'mcp.elicitation' }],
  ] as const)('logs %s, by anyone who asks', async (method, params, from, resource) => {
    const { conversation, events } = await begun();
    await pass(conversation, request(0, method, params), from);
    const answerer = from === 'client' ? 'server' : 'client';
    await pass(conversation, line({ jsonrpc: '2.0', id: 0, result: { action: 'accept' } }), answerer);
    const actor = from === 'client' ? { id: 'editor', type: 'agent' } : { id: 'files', type: 'service' };
    expect(events()[1]).toMatchObject({ type: 'action.requested', action: method, actor, resource });
    expect(events()[2]).toMatchObject({ type: 'action.executed', details: { answer: 'accept' } });
  });

  it('keeps the ids of the two sides, and numbers and texts, apart', async () => {
    const { conversation, events } = await begun();
    await pass(conversation, request(1, 'tools/call', { name: 'number' }), 'client');
    await pass(conversation, request('1', 'tools/call', { name: 'text' }), 'client');
    await pass(conversation, request(1, 'sampling/createMessage', {}), 'server');
    await pass(conversation, line({ jsonrpc: '2.0', id: '1', result: {} }), 'server');
    expect(events().at(-1)).toMatchObject({ type: 'action.executed', resource: { id: 'text' } });
    expect(conversation.unanswered).toBe(2);
  });

  it('logs each call of a batch', async () => {
    const { conversation, events } = await begun();
    const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: `t${id}` } });
    await pass(conversation, line([call(1), call(2), { jsonrpc: '2.0', id: 3, method: 'ping' }]), 'client');
    expect(events().map(({ resource }) => resource)).toEqual([
      undefined,
      { type: 'mcp.tool', id: 't1' },
      { type: 'mcp.tool', id: 't2' },
    ]);
  });

  it('logs that a call was cancelled, and what comes of it all the same', async () => {
    const { conversation, events } = await begun();
    await pass(conversation, request(1, 'tools/call', { name: 'slow' }), 'client');
    await pass(
      conversation,
      line({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }),
      'client',
    );
    expect(events().at(-1)).toMatchObject({ type: 'action.failed', outcome: 'failure', details: { cancelled: true } });
    await pass(conversation, line({ jsonrpc: '2.0', id: 1, result: {} }), 'server');
    expect(events().at(-1)).toMatchObject({ type: 'action.executed', details: { afterCancelling: true } });
  });

  it('ends with the calls that were never answered', async () => {
    const { conversation, events } = await begun();
    await pass(conversation, request(1, 'tools/call', { name: 'x' }), 'client');
    conversation.end({ exitCode: null, signal: 'SIGKILL' });
    expect(events().at(-1)).toMatchObject({
      type: 'mcp.closed',
      severity: 'warning',
      details: { unanswered: 1, signal: 'SIGKILL' },
    });
  });
});

describe('a message that cannot be read', () => {
  const twoMethods = Buffer.from('{"id":1,"method":"tools/call","params":{"name":"rm"},"method":"ping"}\n');

  it.each([
    ['no JSON', Buffer.from('hello\n')],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d, 0x0a])],
    ['two methods', twoMethods],
    ['two names', Buffer.from('{"id":1,"method":"tools/call","params":{"name":"rm","name":"ls"}}\n')],
    ['two methods in a batch', Buffer.from('[{"id":1,"method":"tools/call","method":"ping"}]\n')],
  ])('is logged with its digest, and passes: %s', async (_, bytes) => {
    const { conversation, events } = await begun();
    expect(await pass(conversation, bytes, 'client')).toBeUndefined();
    const sha = createHash('sha256').update(bytes).digest('hex');
    expect(events().at(-1)).toMatchObject({
      type: 'mcp.unreadable',
      severity: 'warning',
      details: { sha256: sha, passed: true },
    });
  });

  it('is refused where all must be logged', async () => {
    const { conversation } = await begun({ failClosed: true });
    const refusal = await pass(conversation, twoMethods, 'client');
    expect(JSON.parse(refusal ?? '')).toMatchObject({ id: null, error: { code: -32_700 } });
  });

  it('is not one for two equal names in what a tool is given, numbers beyond a double, or a blank line', async () => {
    const { conversation, events } = await begun({ failClosed: true });
    const given = Buffer.from(
      '{"id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1,"x":12345678901234567890}}}\n',
    );
    expect(await pass(conversation, given, 'client')).toBeUndefined();
    expect(await pass(conversation, Buffer.from('\r\n'), 'client')).toBeUndefined();
    expect(events().map(({ type }) => type)).toEqual(['mcp.initialized', 'action.requested']);
  });
});

describe('a call that cannot be logged', () => {
  it('goes on after a while, and it is said', async () => {
    const recorded = recording({ sink: DEAF, logTimeout: 5 });
    const { conversation } = open({}, recorded);
    expect(await pass(conversation, request(1, 'tools/call', { name: 'x' }), 'client')).toBeUndefined();
    expect(recorded.troubles).toEqual(['let through unlogged: tools/call: it took longer than 5 ms to log it']);
  });

  it('is refused with failClosed, in the form of its message', async () => {
    const recorded = recording({ sink: DEAF, logTimeout: 5, failClosed: true });
    const { conversation } = open({ failClosed: true }, recorded);
    const message = 'sealtrail: refused, since it cannot be logged: it took longer than 5 ms to log it';
    const error = { jsonrpc: '2.0', error: { code: -32_001, message } };
    expect(JSON.parse((await pass(conversation, request(1, 'tools/call', { name: 'x' }), 'client')) ?? '')).toEqual({
      ...error,
      id: 1,
    });
    const batch = line([
      { id: 2, method: 'tools/call' },
      { id: 3, method: 'ping' },
    ]);
    expect(JSON.parse((await pass(conversation, batch, 'client')) ?? '')).toEqual([
      { ...error, id: 2 },
      { ...error, id: 3 },
    ]);
    expect(await pass(conversation, line({ method: 'tools/call', params: {} }), 'client')).toBe('');
    expect(conversation.unanswered).toBe(0);
  });
});
