import { InvokeCommand, type LambdaClient, LambdaServiceException } from '@aws-sdk/client-lambda';
import { SealtrailError } from '../../log/error.ts';

/** Options of a {@link LambdaFunction}. */
export interface LambdaFunctionOptions {
  /** Use `lambdaClient`, which sets suitable timeouts and retries. */
  readonly client: LambdaClient;
  /** Name or ARN of the function. */
  readonly name: string;
  /** Milliseconds to wait for its response, over all attempts. */
  readonly timeoutMs: number;
}

/** Lambda API reference, "Invoke": too many functions are running. */
const THROTTLE = 'TooManyRequestsException';

/** Invokes another function and waits for its response. See README.md beside this file. */
export class LambdaFunction {
  readonly #client: LambdaClient;
  readonly #name: string;
  readonly #timeoutMs: number;

  constructor({ client, name, timeoutMs }: LambdaFunctionOptions) {
    this.#client = client;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Invokes the function, which must be idempotent: an attempt whose response was lost is repeated.
   *
   * @param event the function's input, sent as JSON
   * @returns its parsed but unchecked output
   * @throws `throttled`: too many functions are running. `outcome_unknown`: it did not respond in time, or its response was
   *   lost; it keeps running. `unavailable`: Lambda refused to run it, or it failed; the cause says why
   */
  async ask(event: unknown): Promise<unknown> {
    const { FunctionError, Payload } = await this.#send(this.#invocation('RequestResponse', event));
    const text = Payload?.transformToString() ?? '';
    if (FunctionError !== undefined) throw unavailable('a function failed', new Error(text.slice(0, 1000)));
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw unavailable('a function did not answer in JSON', cause);
    }
  }

  /**
   * Has the function run later, once or more often, and does not wait for it (Lambda developer guide, "Invoking a function
   * asynchronously").
   *
   * @param event as for `ask`
   * @throws as `ask`, of the request alone
   */
  async tell(event: unknown): Promise<void> {
    await this.#send(this.#invocation('Event', event));
  }

  #invocation(type: 'RequestResponse' | 'Event', event: unknown): InvokeCommand {
    return new InvokeCommand({ FunctionName: this.#name, InvocationType: type, Payload: JSON.stringify(event) });
  }

  async #send(command: InvokeCommand) {
    const abortSignal = AbortSignal.timeout(this.#timeoutMs);
    try {
      return await this.#client.send(command, { abortSignal });
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : 'unknown';
      if (name === THROTTLE) {
        throw new SealtrailError('throttled', 'too many functions run at the same time', { cause, retryAfter: 1 });
      }
      if (cause instanceof LambdaServiceException)
        throw unavailable(`Lambda refused to run a function: ${name}`, cause);
      const message = abortSignal.aborted
        ? 'this takes longer than an answer may, and goes on: ask again'
        : 'it is not known whether this was done: ask again';
      throw new SealtrailError('outcome_unknown', message, { cause, retryAfter: 1 });
    }
  }
}

const unavailable = (message: string, cause: unknown): SealtrailError =>
  new SealtrailError('unavailable', message, { cause, retryAfter: 1 });
