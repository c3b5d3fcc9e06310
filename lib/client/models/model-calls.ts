import { randomUUID } from 'node:crypto';
import type { Outcome } from '../../contract/vocabulary.ts';
import { asError } from '../event/sink.ts';
import type { AuditCalls, Fields } from '../logger/calls.ts';
import type { ModelAnswer } from './answer.ts';
import { costOf, type ModelPrice } from './usage.ts';

/** A demand on calls of models, whose keeping is logged as `compliance.check`, its breach as `compliance.violation`. */
export interface ModelCheck {
  readonly name: string;
  /** True if a request passes. @param body as it is sent @default requests are not checked */
  readonly request?: (body: unknown) => boolean;
  /** True if an answer passes. @default answers are not checked */
  readonly answer?: (answer: ModelAnswer) => boolean;
}

/** How calls of models are audited. */
export interface ModelAuditOptions {
  /** For every event of a call, such as its `actor`. */
  readonly fields?: Fields;
  /** True if prompts and answers are logged, redacted. @default false: their digests alone */
  readonly content?: boolean;
  /** By model, as asked for or as it names itself: then each answer has its cost. */
  readonly prices?: Readonly<Record<string, ModelPrice>>;
  /** Of the prices. @default USD */
  readonly currency?: string;
  readonly checks?: readonly ModelCheck[];
  /** Called when something cannot be logged or checked, which never disturbs the call. @default a warning of the process */
  readonly onError?: (error: Error) => void;
}

/** A request of a model, as it is logged. */
export interface ModelRequest {
  readonly provider: string;
  readonly model: string | undefined;
  /** The operation: a path such as `/v1/messages`, or `generate` and `stream`. */
  readonly operation: string;
  readonly details: Readonly<Record<string, unknown>>;
  /** For checks. */
  readonly body: unknown;
}

/** The part of a logger that calls are logged with. */
export type ModelAudit = Pick<AuditCalls, 'log' | 'complianceCheck'>;

/** Logs one call of a model: `llm.request` before it, one `llm.response` after it. Disturbs nothing. */
export class ModelCall {
  readonly #audit: ModelAudit;
  readonly #options: ModelAuditOptions;
  readonly #request: ModelRequest;
  readonly #fields: Fields;
  readonly #since = performance.now();
  #firstMs: number | undefined;
  #hasEnded = false;

  /** Logs the request. */
  constructor(audit: ModelAudit, options: ModelAuditOptions, request: ModelRequest) {
    this.#audit = audit;
    this.#options = options;
    this.#request = request;
    const { fields = {} } = options;
    const { model } = request;
    const resource = { type: 'model', ...(model === undefined || model === '' ? {} : { id: model }) };
    this.#fields = { resource, ...fields, context: { action: randomUUID(), ...fields.context } };
    this.#log('llm.request', {}, request.details);
    for (const { name, request: passes } of options.checks ?? []) this.#check(name, passes, request.body);
  }

  /** The first piece of a streamed answer has come. */
  first(): void {
    this.#firstMs ??= this.#elapsed();
  }

  /** Logs how it ended; what comes later is not logged. */
  end(outcome: Outcome, answer: ModelAnswer, details: Readonly<Record<string, unknown>> = {}): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { model, ...rest } = answer;
    const times = { durationMs: this.#elapsed(), ...(this.#firstMs === undefined ? {} : { firstMs: this.#firstMs }) };
    this.#log('llm.response', { outcome }, { ...times, answeredBy: model, ...rest, ...this.#cost(answer), ...details });
    for (const { name, answer: passes } of this.#options.checks ?? []) this.#check(name, passes, answer);
  }

  #elapsed(): number {
    return Math.round((performance.now() - this.#since) * 1000) / 1000;
  }

  #cost({ model, usage }: ModelAnswer): object {
    const { prices = {}, currency = 'USD' } = this.#options;
    const name = [model, this.#request.model].find((one) => one !== undefined && Object.hasOwn(prices, one));
    const price = name === undefined ? undefined : prices[name];
    return price === undefined || usage === undefined ? {} : { cost: costOf(usage, price), currency };
  }

  #check<T>(name: string, passes: ((value: T) => boolean) | undefined, value: T): void {
    if (passes === undefined) return;
    try {
      this.#audit.complianceCheck(name, passes(value), this.#fields);
    } catch (error) {
      this.#failed(error);
    }
  }

  #log(type: string, more: Fields, details: Readonly<Record<string, unknown>>): void {
    const { provider, operation } = this.#request;
    try {
      const all = { ...this.#fields.details, provider, operation, ...details };
      this.#audit.log({ ...this.#fields, ...more, type, details: all });
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { onError = (one: Error) => process.emitWarning(one) } = this.#options;
    onError(asError(error));
  }
}
