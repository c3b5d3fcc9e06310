import { isObject, parseJson } from '../../log/json.ts';
import { contentFor } from '../event/content.ts';
import { type TokenUsage, usageOf } from './usage.ts';

/** The facts of a model's answer, besides its content. */
export interface ModelAnswer {
  /** As the provider names it, which may be more exact than what was asked for. */
  readonly model?: string;
  readonly responseId?: string;
  /** Why it ends, in the provider's words: `stop`, `length`, `end_turn`, `tool_use`, `completed`, … */
  readonly finishReason?: string;
  readonly usage?: TokenUsage;
  readonly errorType?: string;
  /** The model's output; only if content is logged. */
  readonly output?: unknown;
}

/** Types of the last event of a stream. */
const OVER: ReadonlySet<unknown> = new Set([
  'message_stop',
  'response.completed',
  'response.incomplete',
  'response.failed',
]);
/** Characters of streamed text that are kept for an event. */
const MAX_TEXT_LENGTH = 12_000;

/** Reads the JSON of an answer by OpenAI or Anthropic, whole or as the events of a stream. */
export class AnswerReader {
  #answer: ModelAnswer = {};
  #text = '';
  #isOver = false;
  readonly #keepsContent: boolean;

  constructor(keepsContent: boolean) {
    this.#keepsContent = keepsContent;
  }

  /** The facts known so far. */
  get answer(): ModelAnswer {
    return this.#text === '' ? this.#answer : { ...this.#answer, output: this.#text };
  }

  /** True if the stream has said that it is over: clients give it up then, rather than read its end. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes in a whole answer, or the data of one event. Anything but JSON is ignored. */
  take(text: string): void {
    this.#isOver ||= text === '[DONE]';
    let value: unknown;
    try {
      value = parseJson(text);
    } catch {
      return;
    }
    if (!isObject(value)) return;
    this.#object(value);
    this.#isOver ||= OVER.has(value.type);
  }

  #object(value: Readonly<Record<string, unknown>>): void {
    const { message, response, delta } = value;
    // Anthropic begins a stream with the message, and OpenAI's responses repeat the whole of it in their events.
    if (value.type === 'message_start' && isObject(message)) this.#object(message);
    if (isObject(response)) this.#object(response);
    const usage = usageOf(value.usage);
    this.#answer = {
      ...this.#answer,
      ...text('model', value.model),
      ...(typeof value.type === 'string' && value.type.includes('.') ? {} : text('responseId', value.id)),
      ...text('finishReason', finishOf(value)),
      ...text('errorType', errorOf(value)),
      ...(usage === undefined ? {} : { usage: { ...this.#answer.usage, ...usage } }),
    };
    if (this.#keepsContent) this.#content(value, delta);
  }

  #content(value: Readonly<Record<string, unknown>>, delta: unknown): void {
    const [choice] = Array.isArray(value.choices) ? value.choices : [];
    const piece =
      isObject(choice) && isObject(choice.delta) ? choice.delta.content : isObject(delta) ? delta.text : delta;
    if (typeof piece === 'string') this.#text = (this.#text + piece).slice(0, MAX_TEXT_LENGTH);
    const isWhole = piece === undefined && value.type !== 'message_start' && value.object !== 'chat.completion.chunk';
    const output = isWhole ? (value.choices ?? value.output ?? value.content) : undefined;
    if (output !== undefined && this.#text === '') this.#answer = { ...this.#answer, output: contentFor(output) };
  }
}

function finishOf(value: Readonly<Record<string, unknown>>): unknown {
  const { delta, choices, incomplete_details: incomplete } = value;
  const [choice] = Array.isArray(choices) ? choices : [];
  const ofResponse = value.object === 'response' ? value.status : undefined;
  return (
    value.stop_reason ??
    (isObject(delta) ? delta.stop_reason : undefined) ??
    (isObject(choice) ? choice.finish_reason : undefined) ??
    (isObject(incomplete) ? incomplete.reason : undefined) ??
    ofResponse
  );
}

function errorOf({ error }: Readonly<Record<string, unknown>>): unknown {
  return isObject(error) ? (error.code ?? error.type) : undefined;
}

function text<Name extends string>(name: Name, value: unknown): { readonly [K in Name]?: string } {
  // The cast: a computed name widens to a string.
  return typeof value === 'string' && value !== '' ? ({ [name]: value } as { readonly [K in Name]: string }) : {};
}
