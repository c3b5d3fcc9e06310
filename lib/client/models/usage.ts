import { isCount, isObject } from '../../log/json.ts';

/** Tokens of a call, by anyone who counted them. Numbers, which redaction leaves alone. */
export interface TokenUsage {
  /** All that went in, cached ones included. */
  readonly inputTokens?: number;
  /** All that came out, those of reasoning included. */
  readonly outputTokens?: number;
  /** Of the input: read from a cache. */
  readonly cachedInputTokens?: number;
  /** Of the input: written to a cache. */
  readonly cacheWriteTokens?: number;
  /** Of the output: not shown. */
  readonly reasoningTokens?: number;
}

/** The price of a model's tokens, in one currency per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  /** @default `input` */
  readonly cachedInput?: number;
  /** @default `input` */
  readonly cacheWrite?: number;
}

/** The usage that an answer of OpenAI (chat, completions, responses, embeddings) or Anthropic (messages) states. */
export function usageOf(stated: unknown): TokenUsage | undefined {
  if (!isObject(stated)) return undefined;
  const [inputDetails, outputDetails] = [
    stated.prompt_tokens_details ?? stated.input_tokens_details,
    stated.completion_tokens_details ?? stated.output_tokens_details,
  ];
  const cacheRead = count(stated.cache_read_input_tokens);
  const cacheWrite = count(stated.cache_creation_input_tokens);
  const input = count(stated.prompt_tokens ?? stated.input_tokens);
  return known({
    // Anthropic counts what its cache gave and took beside the input, OpenAI as a part of it.
    inputTokens: input === undefined ? undefined : input + (cacheRead ?? 0) + (cacheWrite ?? 0),
    outputTokens: count(stated.completion_tokens ?? stated.output_tokens),
    cachedInputTokens: cacheRead ?? count(isObject(inputDetails) ? inputDetails.cached_tokens : undefined),
    cacheWriteTokens: cacheWrite,
    reasoningTokens: count(isObject(outputDetails) ? outputDetails.reasoning_tokens : undefined),
  });
}

/** The usage that a model of the AI SDK states. */
export function sdkUsageOf(stated: unknown): TokenUsage | undefined {
  if (!isObject(stated)) return undefined;
  const [input, output] = [stated.inputTokens, stated.outputTokens];
  return known({
    inputTokens: count(isObject(input) ? input.total : input),
    outputTokens: count(isObject(output) ? output.total : output),
    cachedInputTokens: count(isObject(input) ? input.cacheRead : stated.cachedInputTokens),
    cacheWriteTokens: count(isObject(input) ? input.cacheWrite : undefined),
    reasoningTokens: count(isObject(output) ? output.reasoning : stated.reasoningTokens),
  });
}

/** The cost of a call, in the currency of the price. */
export function costOf(usage: TokenUsage, price: ModelPrice): number {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  const plain = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const input = plain * price.input + cachedInputTokens * (price.cachedInput ?? price.input);
  const millionths = input + cacheWriteTokens * (price.cacheWrite ?? price.input) + outputTokens * price.output;
  return Math.round(millionths * 1000) / 1_000_000_000;
}

const count = (value: unknown): number | undefined => (isCount(value) ? value : undefined);

/** Undefined where nothing is known. */
function known(usage: { readonly [K in keyof TokenUsage]: number | undefined }): TokenUsage | undefined {
  const entries = Object.entries(usage).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
