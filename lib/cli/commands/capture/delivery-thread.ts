import { Worker } from 'node:worker_threads';
import type { Deliverer } from '../../../client/delivery/delivery.ts';
import type { Batch } from '../../../client/delivery/spool.ts';
import type { Receipt } from '../../../contract/receipt.ts';
import { type ErrorCode, SealtrailError } from '../../../log/error.ts';
import type { ServerChoice } from '../../shell/shell.ts';

/** The thread's settings to reach the log; plain data. */
export interface DeliveryStart extends ServerChoice {
  readonly trail: string;
  /** The file in which the newest checkpoint seen is kept. */
  readonly checkpoint: string;
}

/** A message to the thread. */
export type DeliveryRequest =
  | { readonly kind: 'send'; readonly id: number; readonly batch: Batch }
  | { readonly kind: 'close'; readonly id: number }
  | { readonly kind: 'abort' };

/** A failure as plain data: an error does not keep its class between threads. */
export interface Failure {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly field?: string;
  readonly retryAfter?: number;
}

/** A message from the thread. */
export type DeliveryAnswer =
  | { readonly kind: 'done'; readonly id: number; readonly receipt?: Receipt }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'error'; readonly failure: Failure };

const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? './delivery-worker.ts' : './delivery-worker.js',
  import.meta.url,
);

interface Waiting {
  readonly resolve: (receipt: Receipt | undefined) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Sends batches and checks their receipts on a thread of its own, so that calls of tools do not wait for signatures and
 * proofs: those take longer than all else that is done for a call.
 */
export class DeliveryThread implements Deliverer {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onError: (error: Error) => void;
  #next = 0;
  #ended: Error | undefined;

  constructor(start: DeliveryStart, onError: (error: Error) => void) {
    this.#onError = onError;
    this.#worker = new Worker(WORKER, { workerData: start });
    this.#worker.unref();
    this.#worker.on('message', (answer: DeliveryAnswer) => this.#take(answer));
    this.#worker.on('error', (error: unknown) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('the thread that sends has ended')));
  }

  async send(batch: Batch, signal: AbortSignal): Promise<Receipt> {
    const abort = (): void => this.#tell({ kind: 'abort' });
    signal.addEventListener('abort', abort, { once: true });
    try {
      signal.throwIfAborted();
      const receipt = await this.#ask((id) => ({ kind: 'send', id, batch }));
      if (receipt === undefined) throw new RangeError('a batch that was sent has a receipt');
      return receipt;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    await this.#ask((id) => ({ kind: 'close', id }));
  }

  /** Ends the thread, whatever it does. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Keeps the process as long as something is on its way. */
  #ask(request: (id: number) => DeliveryRequest): Promise<Receipt | undefined> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#tell(request(id));
    });
  }

  #tell(request: DeliveryRequest): void {
    if (this.#ended === undefined) this.#worker.postMessage(request);
  }

  #take(answer: DeliveryAnswer): void {
    if (answer.kind === 'error') {
      this.#onError(errorOf(answer.failure));
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (answer.kind === 'done') waiting?.resolve(answer.receipt);
    else waiting?.reject(errorOf(answer.failure));
  }

  #end(cause: unknown): void {
    this.#ended ??= new SealtrailError('unavailable', 'what sends to the log has ended', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }
}

function errorOf({ code, message, ...detail }: Failure): Error {
  return code === undefined ? new Error(message) : new SealtrailError(code, message, detail);
}
