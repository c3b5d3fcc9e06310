import { createHash } from 'node:crypto';
import { isObject } from '../../log/json.ts';
import { contentFor } from '../event/content.ts';
import { asError } from '../event/sink.ts';
import type { ModelAnswer } from './answer.ts';
import { type ModelAudit, type ModelAuditOptions, ModelCall } from './model-calls.ts';
import { sdkUsageOf } from './usage.ts';
import { watchedStream } from './watched-stream.ts';

/** Which model is called. */
interface Model {
  readonly provider: string;
  readonly modelId: string;
}

/** The parameters of a call that this reads. */
interface Params {
  readonly prompt: unknown;
  readonly maxOutputTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly tools?: readonly unknown[] | undefined;
}

/** The middleware of the AI SDK (`ai` 7, specification v4), as far as it is needed. */
export interface AuditedModelMiddleware {
  readonly specificationVersion: 'v4';
  readonly wrapGenerate: <Result extends object>(call: {
    readonly doGenerate: () => PromiseLike<Result>;
    readonly params: Params;
    readonly model: Model;
  }) => Promise<Result>;
  readonly wrapStream: <Part, Result extends { readonly stream: ReadableStream<Part> }>(call: {
    readonly doStream: () => PromiseLike<Result>;
    readonly params: Params;
    readonly model: Model;
  }) => Promise<Result>;
}

/**
 * Middleware of the Vercel AI SDK that logs the calls of a model.
 *
 * @example
 * const model = wrapLanguageModel({ model: openai('gpt-5.2'), middleware: auditedModel(audit) });
 * await generateText({ model, prompt: 'Hello' }); // llm.request, llm.response
 */
export function auditedModel(audit: ModelAudit, options: ModelAuditOptions = {}): AuditedModelMiddleware {
  const begin = (operation: string, params: Params, { provider, modelId }: Model): ModelCall =>
    new ModelCall(audit, options, {
      ...{
        provider,
        model: modelId,
        operation,
        body: params,
        details: describedCall(params, options.content ?? false),
      },
    });
  return {
    specificationVersion: 'v4',
    wrapGenerate: async ({ doGenerate, params, model }) => {
      const call = begin('generate', params, model);
      const result = await orFailed(doGenerate, call);
      call.end('success', resultOf(result, options.content ?? false));
      return result;
    },
    wrapStream: async ({ doStream, params, model }) => {
      const call = begin('stream', params, model);
      const result = await orFailed(doStream, call);
      let answer: ModelAnswer = {};
      let text = '';
      const stream = watchedStream(result.stream, {
        piece: (part) => {
          call.first();
          answer = { ...answer, ...partOf(part) };
          if (options.content === true) text = withText(text, part);
        },
        end: (how, error) => {
          const said = text === '' ? answer : { ...answer, output: contentFor(text) };
          if (how === 'failed') call.end('error', { ...said, errorType: asError(error).name });
          else if (how === 'cancelled') call.end('failure', said, { ended: how });
          else call.end(answer.errorType === undefined ? 'success' : 'error', said);
        },
      });
      return { ...result, stream };
    },
  };
}

async function orFailed<T>(run: () => PromiseLike<T>, call: ModelCall): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const status: unknown = isObject(error) ? error.statusCode : Reflect.get(Object(error), 'statusCode');
    call.end(
      status === 429 ? 'blocked' : 'error',
      { errorType: asError(error).name },
      typeof status === 'number' ? { status } : {},
    );
    throw error;
  }
}

function describedCall(
  { prompt, maxOutputTokens, temperature, tools }: Params,
  content: boolean,
): Record<string, unknown> {
  return {
    ...(Array.isArray(prompt) ? { messages: prompt.length } : {}),
    ...(tools === undefined ? {} : { tools: tools.length }),
    ...(temperature === undefined ? {} : { temperature }),
    maxTokens: maxOutputTokens,
    requestSha256: createHash('sha256')
      .update(JSON.stringify(prompt) ?? '')
      .digest('hex'),
    ...(content ? { input: contentFor(prompt) } : {}),
  };
}

function resultOf(result: object, content: boolean): ModelAnswer {
  const { response, content: output } = result as Readonly<Record<string, unknown>>; // any object's members may be asked for
  const { id, modelId } = isObject(response) ? response : {};
  return {
    ...partOf({ ...result, type: 'finish' }),
    ...(typeof id === 'string' ? { responseId: id } : {}),
    ...(typeof modelId === 'string' ? { model: modelId } : {}),
    ...(content ? { output: contentFor(output) } : {}),
  };
}

/** The facts in a part of a stream about the whole answer. */
function partOf(part: unknown): ModelAnswer {
  if (!isObject(part)) return {};
  if (part.type === 'response-metadata') {
    const { id, modelId } = part;
    return {
      ...(typeof id === 'string' ? { responseId: id } : {}),
      ...(typeof modelId === 'string' ? { model: modelId } : {}),
    };
  }
  if (part.type === 'error') return { errorType: asError(part.error).name };
  if (part.type !== 'finish') return {};
  const usage = sdkUsageOf(part.usage);
  const reason = isObject(part.finishReason) ? part.finishReason.unified : part.finishReason;
  return { ...(usage === undefined ? {} : { usage }), ...(typeof reason === 'string' ? { finishReason: reason } : {}) };
}

function withText(text: string, part: unknown): string {
  const delta = isObject(part) && part.type === 'text-delta' ? part.delta : undefined;
  return typeof delta === 'string' ? (text + delta).slice(0, 12_000) : text;
}
