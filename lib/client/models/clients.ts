import type { ModelAudit } from './model-calls.ts';
import { type ModelFetchOptions, modelFetch } from './model-fetch.ts';

/** The interface that the clients of OpenAI (5 and later) and Anthropic share. */
interface Configurable {
  withOptions(options: { fetch: typeof fetch }): this;
}

/**
 * A client of the `openai` package that logs its calls: the same client, with its options, keys and retries.
 *
 * @example
 * const openai = auditOpenAI(new OpenAI(), audit);
 * await openai.responses.create({ model: 'gpt-5.2', input: 'Hello' }); // llm.request, llm.response
 */
export function auditOpenAI<Client extends Configurable>(
  client: Client,
  audit: ModelAudit,
  options: ModelFetchOptions = {},
): Client {
  return audited(client, audit, { provider: 'openai', ...options });
}

/**
 * A client of the `@anthropic-ai/sdk` package that logs its calls: the same client, with its options, keys and retries.
 *
 * @example
 * const anthropic = auditAnthropic(new Anthropic(), audit);
 * await anthropic.messages.create({ model: 'claude-sonnet-5-5', max_tokens: 100, messages: [] }); // llm.request, llm.response
 */
export function auditAnthropic<Client extends Configurable>(
  client: Client,
  audit: ModelAudit,
  options: ModelFetchOptions = {},
): Client {
  return audited(client, audit, { provider: 'anthropic', ...options });
}

function audited<Client extends Configurable>(client: Client, audit: ModelAudit, options: ModelFetchOptions): Client {
  // What the client itself was given to fetch with goes on doing so. The types of both call it private.
  const own: unknown = Reflect.get(client, 'fetch');
  const fetch = options.fetch ?? (typeof own === 'function' ? (own as typeof globalThis.fetch) : undefined);
  return client.withOptions({ fetch: modelFetch(audit, { ...options, ...(fetch === undefined ? {} : { fetch }) }) });
}
