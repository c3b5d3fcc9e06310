import type { PreparedEvent } from '../event/event.ts';
import type { Entry, EventReceipt } from '../event/sink.ts';

/**
 * The handle that `log` returns at once. It may be ignored: a failure that no one awaits disturbs nothing, and `onError` hears of
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
  /** Sinks that do not keep it yet, and the logger until it has handed it to all of them. */
  #unkept = 1;
  #keeping: Promise<void> | undefined;
  #settleKeeping: (() => void) | undefined;
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

  /**
   * Resolves once the event would survive the end of the process: every sink has it, or its spool does. Rejects where a sink
   * could not take it.
   */
  get kept(): Promise<void> {
    this.#keeping ??= new Promise((resolve, reject) => {
      this.#settleKeeping = () => {
        if (this.#result !== undefined && 'error' in this.#result) reject(this.#result.error);
        else if (this.#unkept === 0) resolve();
      };
      this.#settleKeeping();
    });
    this.#keeping.catch(() => undefined);
    return this.#keeping;
  }

  /** For the logger: one more sink reports its outcome. @returns the entry to hand to it */
  entry(event: PreparedEvent): Entry {
    this.#due++;
    this.#unkept++;
    let reported = false;
    let isKept = false;
    const kept = (): void => {
      if (isKept) return;
      isKept = true;
      this.#kept();
    };
    return {
      ...event,
      kept,
      landed: (receipt) => {
        if (reported) return;
        reported = true;
        kept();
        this.#landed(receipt);
      },
      failed: (error) => {
        if (reported) return;
        reported = true;
        this.fail(error);
      },
    };
  }

  /** For the logger: it has handed the event to all sinks, or to none of them. */
  landed(): void {
    this.#kept();
    this.#landed();
  }

  /** For the logger: the first failure is the result. */
  fail(error: Error): void {
    this.#end({ error });
  }

  #kept(): void {
    this.#unkept--;
    this.#settleKeeping?.();
  }

  #landed(receipt?: EventReceipt): void {
    this.#receipt ??= receipt;
    if (--this.#due === 0) this.#end({ receipt: this.#receipt });
  }

  #end(result: { readonly receipt: EventReceipt | undefined } | { readonly error: Error }): void {
    this.#result ??= result;
    this.#settle?.();
    this.#settleKeeping?.();
  }
}

const READY = Promise.resolve();
