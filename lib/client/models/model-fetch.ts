import { createHash } from 'node:crypto';
import type { Outcome } from '../../contract/vocabulary.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { contentFor } from '../event/content.ts';
import { asError } from '../event/sink.ts';
import { dataOf, EventCutter } from '../http/event-stream.ts';
import { AnswerReader } from './answer.ts';
import { type ModelAudit, type ModelAuditOptions, ModelCall, type ModelRequest } from './model-calls.ts';
import { watchedStream } from './watched-stream.ts';

/** How a fetch to a provider of models is audited. */
export interface ModelFetchOptions extends ModelAuditOptions {
  /** The function that makes the calls. @default the global `fetch`, as it is at each call */
  readonly fetch?: typeof fetch;
  /** The provider's name in the log. @default the host of the URL */
  readonly provider?: string;
}

/** Bytes of an answer, or of one event of it, that are read for what they say; of larger ones only the digest is logged. */
const MAX_BYTES = 8 * 1024 * 1024;

/**
 * A `fetch` that logs calls of models, whole and streamed, and changes nothing about them: answers, errors and bodies pass as
 * they are. Only calls of a model (a `POST` of JSON that names a model) are logged.
 *
 * @example
 * const client = new OpenAI({ fetch: modelFetch(audit, { fields: { actor: { id: 'support-bot', type: 'agent' } } }) });
 */
export function modelFetch(audit: ModelAudit, options: ModelFetchOptions = {}): typeof fetch {
  return async (input, init) => {
    const request = requestOf(input, init, options);
    const send = options.fetch ?? globalThis.fetch;
    if (request === undefined) return send(input, init);
    const call = new ModelCall(audit, options, request);
    try {
      const response = await send(input, init);
      return watched(response, call, options.content ?? false);
    } catch (error) {
      const { name } = asError(error);
      call.end('error', { errorType: name });
      throw error;
    }
  };
}

function requestOf(
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  { provider, content = false }: ModelFetchOptions,
): ModelRequest | undefined {
  const text = input instanceof Request ? input.url : String(input);
  if ((init?.method ?? 'GET').toUpperCase() !== 'POST' || typeof init?.body !== 'string' || !URL.canParse(text))
    return undefined;
  const url = new URL(text);
  const body = parsed(init.body);
  if (!isObject(body)) return undefined;
  // Azure names the model in the path.
  const model = typeof body.model === 'string' ? body.model : /\/deployments\/([^/]+)\//.exec(url.pathname)?.[1];
  if (model === undefined) return undefined;
  const retry = new Headers(init.headers).get('x-stainless-retry-count');
  return {
    provider: provider ?? url.host,
    model,
    operation: url.pathname,
    body,
    details: {
      ...describedBody(body),
      requestSha256: createHash('sha256').update(init.body).digest('hex'),
      ...(retry === null || retry === '0' ? {} : { retry: Number(retry) }),
      ...(content ? { input: contentFor(body.messages ?? body.input ?? body.prompt ?? null) } : {}),
    },
  };
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined; // No JSON: a form, for one.
  }
}

/** Of a request: how much is asked, and within which bounds. */
function describedBody(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { stream, temperature, tools } = body;
  const messages = body.messages ?? body.input;
  return {
    stream: stream === true,
    ...(Array.isArray(messages) ? { messages: messages.length } : {}),
    ...(Array.isArray(tools) ? { tools: tools.length } : {}),
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof body.system === 'string' ? { system: true } : {}),
    maxTokens: body.max_completion_tokens ?? body.max_output_tokens ?? body.max_tokens,
  };
}

/** The response with a body that tells what it says as it is read. */
function watched(response: Response, call: ModelCall, keepsContent: boolean): Response {
  const { status, headers, body } = response;
  const reader = new BodyReader(headers.get('content-type') ?? '', keepsContent);
  const about = { status, requestId: headers.get('x-request-id') ?? headers.get('request-id') ?? undefined };
  const end = (how: 'read' | 'cancelled' | 'failed', error?: unknown): void => {
    const ended = how === 'read' ? {} : { ended: how, ...(error === undefined ? {} : { error: asError(error).name }) };
    call.end(outcomeOf(status, how, reader.answer.errorType), reader.answer, {
      ...about,
      ...reader.digest(),
      ...ended,
    });
  };
  if (body === null) {
    end('read');
    return response;
  }
  const piece = (bytes: Uint8Array): void => {
    call.first();
    reader.push(bytes);
  };
  const stream = watchedStream(body, {
    piece,
    end: (how, error) => {
      reader.finish();
      end(how === 'cancelled' && (reader.isOver || status >= 400) ? 'read' : how, error);
    },
  });
  const same = new Response(stream, { status, statusText: response.statusText, headers });
  Object.defineProperty(same, 'url', { value: response.url });
  return same;
}

function outcomeOf(status: number, how: string, errorType: string | undefined): Outcome {
  if (status === 429) return 'blocked';
  if (status >= 500 || how === 'failed') return 'error';
  if (status === 401 || status === 403) return 'denied';
  return status >= 400 || how === 'cancelled' || errorType !== undefined ? 'failure' : 'success';
}

/** Reads a body as it passes: JSON whole, a stream event by event. */
class BodyReader {
  readonly #answer: AnswerReader;
  readonly #hash = createHash('sha256');
  readonly #cutter: EventCutter | undefined;
  readonly #isJson: boolean;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #isTooLarge = false;

  constructor(type: string, keepsContent: boolean) {
    this.#answer = new AnswerReader(keepsContent);
    this.#cutter = type.startsWith('text/event-stream') ? new EventCutter(MAX_BYTES) : undefined;
    this.#isJson = type.includes('json');
  }

  get answer() {
    return this.#answer.answer;
  }

  get isOver(): boolean {
    return this.#answer.isOver;
  }

  push(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    if (this.#isTooLarge) return;
    if (this.#cutter !== undefined) this.#events(this.#cutter, bytes);
    else if (this.#isJson) this.#json(bytes);
  }

  finish(): void {
    if (this.#isTooLarge) return;
    if (this.#cutter !== undefined) this.#answer.take(dataOf(this.#cutter.rest()).toString('utf8'));
    else if (this.#parts.length > 0) this.#answer.take(Buffer.concat(this.#parts).toString('utf8'));
  }

  digest(): object {
    return { responseBytes: this.#bytes, responseSha256: this.#hash.copy().digest('hex') };
  }

  #events(cutter: EventCutter, bytes: Uint8Array): void {
    try {
      for (const event of cutter.push(bytes)) this.#answer.take(dataOf(event).toString('utf8'));
    } catch {
      this.#isTooLarge = true; // An event of that size: it passes, unread.
    }
  }

  #json(bytes: Uint8Array): void {
    this.#isTooLarge = this.#bytes > MAX_BYTES;
    if (this.#isTooLarge) this.#parts = [];
    else this.#parts.push(bytes);
  }
}
