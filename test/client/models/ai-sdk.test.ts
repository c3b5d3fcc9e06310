import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText, wrapLanguageModel } from 'ai';
import { afterEach, describe, expect, it } from 'vitest';
import { auditedModel, type ModelAuditOptions } from '../../../lib/client/models/index.ts';
import { type Answer, heard, type Provider, provider, sse } from './provider.ts';

let server: Provider | undefined;
afterEach(async () => {
  await server?.close();
});

async function wrapped(answer: Answer, options: ModelAuditOptions = {}) {
  server = await provider(answer);
  const told = heard();
  const model = createOpenAI({ apiKey: 'none', baseURL: `${server.url}/v1` }).chat('gpt-5-mini');
  return { ...told, model: wrapLanguageModel({ model, middleware: auditedModel(told.audit, options) }) };
}

const CHAT = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-5-mini-2026',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello.' } }],
  usage: { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4 } },
};

describe('the AI SDK', () => {
  it('logs a text that is generated', async () => {
    const { model, events } = await wrapped({ json: CHAT }, { prices: { 'gpt-5-mini-2026': { input: 1, output: 1 } } });
    expect((await generateText({ model, prompt: 'Tell me the plan', maxOutputTokens: 9 })).text).toBe('Hello.');
    expect(events()).toMatchObject([
      {
        type: 'llm.request',
        resource: { type: 'model', id: 'gpt-5-mini' },
        details: { provider: 'openai.chat', operation: 'generate', messages: 1, maxTokens: 9 },
      },
      {
        type: 'llm.response',
        outcome: 'success',
        details: {
          answeredBy: 'gpt-5-mini-2026',
          finishReason: 'stop',
          responseId: 'chatcmpl-1',
          usage: { inputTokens: 10, outputTokens: 2, cachedInputTokens: 4 },
          cost: 0.000012,
        },
      },
    ]);
    expect(events()[1]).not.toHaveProperty('redacted');
    expect(JSON.stringify(events())).not.toMatch(/the plan|Hello/);
  });

  it('logs a text that is streamed, with content by choice', async () => {
    const chunk = (more: object) => ({
      id: 'c-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'gpt-5-mini',
      choices: [],
      ...more,
    });
    const chunks = [
      chunk({ choices: [{ index: 0, delta: { role: 'assistant', content: 'Hel' } }] }),
      chunk({ choices: [{ index: 0, delta: { content: 'lo' }, finish_reason: 'stop' }] }),
      chunk({ usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }),
    ];
    const { model, events } = await wrapped({ events: [...sse(...chunks), 'data: [DONE]\n\n'] }, { content: true });
    let text = '';
    for await (const piece of streamText({ model, prompt: 'Hi' }).textStream) text += piece;
    expect(text).toBe('Hello');
    expect(events()[1]).toMatchObject({
      outcome: 'success',
      details: {
        finishReason: 'stop',
        usage: { inputTokens: 3, outputTokens: 2 },
        output: 'Hello',
        firstMs: expect.any(Number),
      },
    });
  });

  it('logs an error', async () => {
    const { model, events } = await wrapped({ status: 429, json: { error: { message: 'slow down' } } });
    await expect(generateText({ model, prompt: 'Hi', maxRetries: 0 })).rejects.toThrow();
    expect(events()[1]).toMatchObject({
      type: 'llm.response',
      outcome: 'blocked',
      details: { status: 429, errorType: 'AI_APICallError' },
    });
  });
});
