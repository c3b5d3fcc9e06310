import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { auditAnthropic, auditOpenAI, type ModelFetchOptions } from '../../../lib/client/models/index.ts';
import { type Answer, heard, type Provider, provider, sse } from './provider.ts';

let server: Provider | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function openai(options: ModelFetchOptions, ...answers: readonly Answer[]) {
  server = await provider(...answers);
  const told = heard();
  const bare = new OpenAI({ apiKey: 'sk-none', baseURL: `${server.url}/v1`, maxRetries: 1 });
  return { ...told, bare, client: auditOpenAI(bare, told.audit, options) };
}

async function anthropic(options: ModelFetchOptions, ...answers: readonly Answer[]) {
  server = await provider(...answers);
  const told = heard();
  const bare = new Anthropic({ apiKey: 'none', baseURL: server.url, maxRetries: 0 });
  return { ...told, bare, client: auditAnthropic(bare, told.audit, options) };
}

const CHAT = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-5-mini-2026',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Certainly not.' } }],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 40 },
    completion_tokens_details: { reasoning_tokens: 5 },
  },
};
const QUESTION = {
  model: 'gpt-5-mini',
  max_completion_tokens: 50,
  messages: [{ role: 'user' as const, content: 'Tell me the plan' }],
};
const prices = { 'gpt-5-mini': { input: 1, cachedInput: 0.1, output: 10 } };
const cost = (60 * 1 + 40 * 0.1 + 20 * 10) / 1_000_000;

describe('a client of OpenAI', () => {
  it('logs request and response, with tokens, reason and cost, and no content', async () => {
    const { client, events } = await openai(
      { prices, fields: { actor: { id: 'bot', type: 'agent' } } },
      { json: CHAT },
    );
    const answer = await client.chat.completions.create(QUESTION);
    expect(answer.choices[0]?.message.content).toBe('Certainly not.');
    const [request, response] = events();
    const shared = {
      actor: { id: 'bot' },
      resource: { type: 'model', id: 'gpt-5-mini' },
      context: { action: expect.any(String) },
    };
    expect(request).toMatchObject({
      ...{ ...shared, type: 'llm.request' },
      details: {
        provider: 'openai',
        operation: '/v1/chat/completions',
        messages: 1,
        maxTokens: 50,
        stream: false,
        requestSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    const usage = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 40, reasoningTokens: 5 };
    expect(response).toMatchObject({
      ...{ ...shared, type: 'llm.response', outcome: 'success', context: request?.context },
      details: {
        answeredBy: 'gpt-5-mini-2026',
        responseId: 'chatcmpl-1',
        finishReason: 'stop',
        usage,
        cost,
        currency: 'USD',
        status: 200,
        requestId: 'req-1',
      },
    });
    expect(response).not.toHaveProperty('redacted');
    expect(JSON.stringify(events())).not.toMatch(/the plan|Certainly|sk-none/);
  });

  it('gives what the bare one gives: parsed, raw, and with the response', async () => {
    const { client, bare, events } = await openai({}, { json: CHAT });
    expect(await client.chat.completions.create(QUESTION)).toEqual(await bare.chat.completions.create(QUESTION));
    const raw = await client.chat.completions.create(QUESTION).asResponse();
    expect([await raw.json(), raw.url]).toEqual([CHAT, `${server?.url}/v1/chat/completions`]);
    expect((await client.chat.completions.create(QUESTION).withResponse()).request_id).toBe('req-1');
    expect(events().filter(({ type }) => type === 'llm.response')).toHaveLength(3);
  });

  it('logs a stream when it ends, with the tokens of its last chunk', async () => {
    const chunk = (more: object) => ({
      id: 'c',
      object: 'chat.completion.chunk',
      model: 'gpt-5-mini-2026',
      choices: [],
      ...more,
    });
    const chunks = [
      chunk({ choices: [{ index: 0, delta: { content: 'Cert' } }] }),
      chunk({ choices: [{ index: 0, delta: { content: 'ainly' }, finish_reason: 'length' }] }),
      chunk({ usage: { prompt_tokens: 3, completion_tokens: 2 } }),
    ];
    const { client, events } = await openai({ content: true }, { events: [...sse(...chunks), 'data: [DONE]\n\n'] });
    const pieces: string[] = [];
    for await (const { choices } of await client.chat.completions.create({ ...QUESTION, stream: true })) {
      if (pieces.length === 0) expect(events()).toHaveLength(1);
      pieces.push(choices[0]?.delta.content ?? '');
    }
    expect(pieces.join('')).toBe('Certainly');
    expect(events()[1]).toMatchObject({
      outcome: 'success',
      details: {
        usage: { inputTokens: 3, outputTokens: 2 },
        finishReason: 'length',
        output: 'Certainly',
        firstMs: expect.any(Number),
      },
    });
    expect(events()[0]).toMatchObject({ details: { stream: true, input: QUESTION.messages } });
  });

  it('logs a stream that is given up', async () => {
    const { client, events } = await openai(
      {},
      {
        events: sse({ object: 'chat.completion.chunk', choices: [] }, { object: 'chat.completion.chunk', choices: [] }),
      },
    );
    for await (const _ of await client.chat.completions.create({ ...QUESTION, stream: true })) break;
    await expect.poll(() => events().length).toBe(2);
    expect(events()[1]).toMatchObject({ type: 'llm.response', outcome: 'failure', details: { ended: 'cancelled' } });
  });

  it('logs the responses API, streamed too', async () => {
    const usage = {
      input_tokens: 7,
      output_tokens: 3,
      output_tokens_details: { reasoning_tokens: 1 },
      input_tokens_details: { cached_tokens: 2 },
    };
    const response = { id: 'resp-1', object: 'response', status: 'completed', model: 'gpt-5-mini', output: [], usage };
    const stream = sse(
      { type: 'response.created', response: { ...response, status: 'in_progress', usage: null } },
      { type: 'response.output_text.delta', delta: 'Hi' },
      { type: 'response.completed', response },
    );
    const { client, events } = await openai({}, { json: response }, { events: stream });
    await client.responses.create({ model: 'gpt-5-mini', input: 'Hello' });
    for await (const _ of await client.responses.create({ model: 'gpt-5-mini', input: 'Hello', stream: true }));
    for (const at of [1, 3]) {
      const tokens = { inputTokens: 7, outputTokens: 3, cachedInputTokens: 2, reasoningTokens: 1 };
      expect(events()[at]).toMatchObject({
        details: { finishReason: 'completed', responseId: 'resp-1', usage: tokens },
      });
    }
  });

  it('logs each attempt, and its error', async () => {
    const error = { error: { message: 'secret detail', type: 'requests', code: 'rate_limit_exceeded' } };
    const { client, events } = await openai(
      {},
      { status: 429, json: error, headers: { 'retry-after-ms': '1' } },
      { json: CHAT },
    );
    await client.chat.completions.create(QUESTION);
    expect(events().map(({ type, outcome }) => [type, outcome])).toEqual([
      ['llm.request', undefined],
      ['llm.response', 'blocked'],
      ['llm.request', undefined],
      ['llm.response', 'success'],
    ]);
    expect(events()[1]).toMatchObject({ details: { status: 429 } });
    expect(events()[2]).toMatchObject({ details: { retry: 1 } });
    expect(JSON.stringify(events())).not.toContain('secret detail');
  });

  it('logs the kind of an error that is not tried again', async () => {
    const { client, events } = await openai(
      {},
      { status: 400, json: { error: { message: 'secret detail', type: 'invalid_request_error' } } },
    );
    await expect(client.chat.completions.create(QUESTION)).rejects.toThrow('secret detail');
    expect(events()[1]).toMatchObject({
      outcome: 'failure',
      details: { status: 400, errorType: 'invalid_request_error' },
    });
  });

  it('logs that no one answered', async () => {
    const { client, events } = await openai({}, { json: CHAT });
    await server?.close();
    await expect(client.chat.completions.create(QUESTION, { maxRetries: 0 })).rejects.toThrow('Connection error');
    expect(events()[1]).toMatchObject({ outcome: 'error', details: { errorType: 'TypeError' } });
  });

  it('logs nothing of what is no call of a model', async () => {
    const { client, events } = await openai({}, { json: { object: 'list', data: [] } });
    await fetchSilently(() => client.post('/v1/other', { body: { question: 1 } }));
    expect(events()).toEqual([]);
  });

  it('logs whether requests and answers keep the rules', async () => {
    const checks = [
      { name: 'bounded', request: (body: unknown) => Reflect.get(Object(body), 'max_completion_tokens') <= 10 },
      { name: 'finished', answer: ({ finishReason }: { finishReason?: string }) => finishReason === 'stop' },
      {
        name: 'broken',
        request: () => {
          throw new Error('bug');
        },
      },
    ];
    const errors: Error[] = [];
    const { client, events } = await openai({ checks, onError: (error) => errors.push(error) }, { json: CHAT });
    await client.chat.completions.create(QUESTION);
    expect(events().map(({ type, outcome, details }) => [type, outcome, details?.check])).toEqual([
      ['llm.request', undefined, undefined],
      ['compliance.violation', 'failure', 'bounded'],
      ['llm.response', 'success', undefined],
      ['compliance.check', 'success', 'finished'],
    ]);
    expect(errors.map(({ message }) => message)).toEqual(['bug']);
  });
});

const fetchSilently = (call: () => PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(call()).catch(() => undefined);

describe('a client of Anthropic', () => {
  const question = {
    model: 'claude-test-1',
    max_tokens: 64,
    messages: [{ role: 'user' as const, content: 'Tell me the plan' }],
  };
  const usage = { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 20 };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-test-1',
    content: [{ type: 'text', text: 'No.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage,
  };
  const tokens = { inputTokens: 130, outputTokens: 5, cachedInputTokens: 100, cacheWriteTokens: 20 };

  it('logs request and response, and what it costs with a cache', async () => {
    const price = { input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25 };
    const { client, bare, events } = await anthropic({ prices: { 'claude-test-1': price } }, { json: message });
    expect(await client.messages.create(question)).toEqual(await bare.messages.create(question));
    expect(events()).toMatchObject([
      { type: 'llm.request', details: { provider: 'anthropic', operation: '/v1/messages', maxTokens: 64 } },
      {
        type: 'llm.response',
        outcome: 'success',
        details: { finishReason: 'end_turn', responseId: 'msg_1', usage: tokens, cost: 0.00035 },
      },
    ]);
    expect(JSON.stringify(events())).not.toMatch(/the plan|No\./);
  });

  it('logs a stream, also where its helper collects it', async () => {
    const stream = sse(
      {
        type: 'message_start',
        message: { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'No.' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    );
    const { client, events } = await anthropic({ content: true }, { events: stream });
    expect(await client.messages.stream(question).finalText()).toBe('No.');
    expect(events()[1]).toMatchObject({
      outcome: 'success',
      details: { finishReason: 'end_turn', usage: tokens, output: 'No.' },
    });
  });

  it('logs an error in the stream', async () => {
    const stream = sse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    const { client, events } = await anthropic({}, { events: stream });
    await expect(client.messages.stream(question).finalText()).rejects.toThrow();
    await expect.poll(() => events().length).toBe(2);
    expect(events()[1]).toMatchObject({ outcome: 'failure', details: { errorType: 'overloaded_error' } });
  });
});
