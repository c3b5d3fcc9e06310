import { errorFrom, type Failure, failureOf } from '../intake/messages.ts';

/** One end of a channel between threads: a `MessagePort`, or a `Worker` seen from the thread that started it. */
export interface End {
  postMessage(message: Message): void;
  on(event: 'message', listener: (message: Message) => void): unknown;
}

/** A message of a channel. */
export type Message =
  | { readonly call: number; readonly name: string; readonly argument: unknown }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly failure: Failure };

/** The calls that one side offers the other: a function of one argument by name. What it takes and gives can be cloned. */
export type Calls = Readonly<Record<string, (argument: never) => unknown>>;

/** The awaited result of a call. */
export type Answer<C extends Calls, Name extends keyof C> = Awaited<ReturnType<C[Name]>>;

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Calls between two threads. Calls arrive in the order in which they were made; answers come in any order.
 *
 * @example
 * const main = new Peer<MainCalls>(parentPort, { run: ({ trail }) => indexer.run(trail) });
 * const head = await main.call('get', headKey('orders'));
 */
export class Peer<Theirs extends Calls> {
  readonly #end: End;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #lost: Error | undefined;

  /** @param ours what the other side may call */
  constructor(end: End, ours: Calls) {
    this.#end = end;
    end.on('message', (message) => {
      if ('call' in message) void this.#answer(message.call, message.argument, ours[message.name]);
      else this.#settle(message);
    });
  }

  /** @throws what the function throws: an error of ours with its code, any other as an `Error`; what {@link lose} was given */
  call<Name extends keyof Theirs & string>(
    name: Name,
    argument: Parameters<Theirs[Name]>[0],
  ): Promise<Answer<Theirs, Name>> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    const call = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      try {
        this.#end.postMessage({ call, name, argument });
      } catch (error) {
        this.#waiting.delete(call);
        reject(error);
      }
    });
  }

  /** The other side is gone: what it has not answered, and whatever it is asked from now on, is rejected with this. */
  lose(error: Error): void {
    this.#lost ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }

  async #answer(answer: number, argument: unknown, work: Calls[string] | undefined): Promise<void> {
    try {
      if (work === undefined) throw new RangeError('there is no such function on the other side');
      // The types of both sides come from one interface: see `Theirs`.
      const value = await work(argument as never);
      this.#end.postMessage({ answer, value });
    } catch (error) {
      this.#end.postMessage({ answer, failure: failureOf(error) });
    }
  }

  #settle(message: Exclude<Message, { readonly call: number }>): void {
    const waiting = this.#waiting.get(message.answer);
    this.#waiting.delete(message.answer);
    if ('failure' in message) waiting?.reject(errorFrom(message.failure));
    else waiting?.resolve(message.value as never); // as above
  }
}
