import type { PreparedEvent } from '../event/event.ts';
import type { Entry, EventReceipt } from '../event/sink.ts';

/**
 * What `log` returns at once. Nobody has to look at it: a failure that nobody awaits disturbs nothing, and `onError` hears of
 * its cause.
 *
 * @example
 * for (let n = 0; n < 1000; n++) await audit.log({ type: 'import.row', details: { n } }).accepted; // as fast as they leave
 */
export class LogHandle {
  /** Resolves when the sinks have room for more: wait for it where events may come faster than they leave. */
  accepted: Promise<void> = READY;
  #result: { readonly receipt: EventReceipt | undefined } | { readonly error: Error } | undefined;
  #promise: Promise<EventReceipt | undefined> | undefined;
  #settle: (() => void) | undefined;
  #due = 1;
  #receipt: EventReceipt | undefined;

  /**
   * Resolves once every sink has the event: with the checked receipt where one of them is a log, else with undefined, also
   * for an event that a level or filter left out. Rejects where a sink could not take it.
   */
  get receipt(): Promise<EventReceipt | undefined> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#settle = () => {
        if (this.#result === undefined) return;
        if ('error' in this.#result) reject(this.#result.error);
        else resolve(this.#result.receipt);
      };
      this.#settle();
    });
    this.#promise.catch(() => undefined);
    return this.#promise;
  }

  /** For the logger: one more sink is to say what became of it. @returns the entry to hand to it */
  entry(event: PreparedEvent): Entry {
    this.#due++;
    let told = false;
    return {
      ...event,
      landed: (receipt) => {
        if (told) return;
        told = true;
        this.landed(receipt);
      },
      failed: (error) => {
        if (told) return;
        told = true;
        this.fail(error);
      },
    };
  }

  /** For the logger: one of those that were due is done. */
  landed(receipt?: EventReceipt): void {
    this.#receipt ??= receipt;
    if (--this.#due === 0) this.#end({ receipt: this.#receipt });
  }

  /** For the logger: the first failure is the result. */
  fail(error: Error): void {
    this.#end({ error });
  }

  #end(result: { readonly receipt: EventReceipt | undefined } | { readonly error: Error }): void {
    this.#result ??= result;
    this.#settle?.();
  }
}

const READY = Promise.resolve();
