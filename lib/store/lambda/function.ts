import { InvokeCommand, type LambdaClient, LambdaServiceException } from '@aws-sdk/client-lambda';
import { SealtrailError } from '../../log/error.ts';

/** What a {@link LambdaFunction} works with. */
export interface LambdaFunctionOptions {
  /** Made by `lambdaClient`, whose timeouts and retries are set on purpose. */
  readonly client: LambdaClient;
  /** Name or ARN of the function. */
  readonly name: string;
  /** Milliseconds for which its answer is waited for, all attempts together. */
  readonly patienceMs: number;
}

/** Lambda API reference, "Invoke": what it says when too many run at a time. */
const THROTTLE = 'TooManyRequestsException';

/** Another function, asked for something and waited for. See README.md beside this file. */
export class LambdaFunction {
  readonly #client: LambdaClient;
  readonly #name: string;
  readonly #patienceMs: number;

  constructor({ client, name, patienceMs }: LambdaFunctionOptions) {
    this.#client = client;
    this.#name = name;
    this.#patienceMs = patienceMs;
  }

  /**
   * Runs the function. What is asked for must be harmless when it is done twice: an attempt whose answer was lost is repeated.
   *
   * @param event what the function is given, as JSON
   * @returns what it answers, parsed; nothing of it is checked
   * @throws `throttled`: too many functions run. `outcome_unknown`: it did not answer in time, or its answer got lost; it goes on all the
   *   same. `unavailable`: Lambda refused to run it, or it failed; the cause says why
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
    const abortSignal = AbortSignal.timeout(this.#patienceMs);
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
