import { Worker } from 'node:worker_threads';
import type { PreparedEvent } from '../../event/intake.ts';
import { type Preparation, prepareHere } from '../../event/preparation.ts';
import { SealtrailError } from '../../log/error.ts';
import type { PrivacyPolicy } from '../../privacy/policy.ts';
import { errorFrom, type IntakeAnswer, type IntakeRequest, type IntakeStart } from './messages.ts';

/** How a pool works. */
export interface IntakeOptions {
  /** Threads at most; 0: everything is prepared where it is asked for. */
  readonly threads: number;
  /** The start message of a thread. Called when the first thread starts. */
  readonly start: () => Promise<IntakeStart>;
  /** Called when a thread dies, and when none can be started. Must not throw. */
  readonly onError: (error: unknown) => void;
}

type Events = readonly PreparedEvent[];

/**
 * Bytes of a body below which it is prepared where it is: asking a thread costs the committing one 25 to 35 microseconds, an event 10,
 * and the answer comes later.
 */
const MIN_BYTES = 4_096;
/** Bodies that a thread is given at once: the next one is there when one is done, and more would only wait. */
const MAX_AT_ONCE = 2;
/** Milliseconds after a death before another thread is started: one that dies at once must not be all that is done. */
const RECOVERY_MS = 1_000;
/** Milliseconds that a thread has to end by itself. */
const STOPPING_MS = 2_000;

/** Node runs the sources as they are, and the published package as JavaScript. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './intake-worker.ts' : './intake-worker.js', import.meta.url);

interface Waiting {
  readonly resolve: (events: Events) => void;
  readonly reject: (error: Error) => void;
}

/** A thread, and what it was given. */
interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
  isReady: boolean;
}

/**
 * Prepares the events of large requests on threads of their own (strict parsing, schema, redaction, masking, canonical form), so
 * that the thread that commits has time for that. Where all threads are busy, the committing thread takes its part of the work.
 *
 * What is prepared for a trail is given back in the order in which it was asked for, so that events are committed in the order
 * in which they arrived. A thread that dies takes what it was preparing along: nothing of that was committed, its callers
 * are told to try again, and another thread is started.
 */
export class IntakePool {
  readonly #options: IntakeOptions;
  readonly #threads = new Set<Thread>();
  /** By trail, the newest preparation that is under way. */
  readonly #tails = new Map<string, Promise<unknown>>();
  #started: Promise<IntakeStart> | undefined;
  #next = 0;
  #recoversAt = 0;
  #closing: Promise<void> | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** @throws as `prepareBatch`, and `unavailable` when the thread died */
  prepare(preparation: Preparation, policy: PrivacyPolicy): Events | Promise<Events> {
    const before = this.#tails.get(preparation.trail);
    const thread = preparation.body.length < MIN_BYTES ? undefined : this.#freeThread();
    if (thread === undefined && before === undefined) return prepareHere(preparation, policy);
    const events =
      thread === undefined ? attempt(() => prepareHere(preparation, policy)) : this.#ask(thread, preparation);
    return this.#inOrder(preparation.trail, before, events);
  }

  /** Lets the threads end, and waits until they have. What they have not done is rejected. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    await this.#started?.catch(() => undefined); // a thread that is about to be started is not started any more
    await Promise.all(
      [...this.#threads].map(async ({ worker }) => {
        const ended = new Promise((resolve) => worker.once('exit', resolve));
        const impatience = setTimeout(() => void worker.terminate(), STOPPING_MS);
        tell(worker, 'stop');
        await ended;
        clearTimeout(impatience);
      }),
    );
  }

  async #inOrder(trail: string, before: Promise<unknown> | undefined, events: Promise<Events>): Promise<Events> {
    const turn = Promise.all([before, settled(events)]);
    this.#tails.set(trail, turn);
    await turn;
    if (this.#tails.get(trail) === turn) this.#tails.delete(trail);
    return events;
  }

  /** A thread that takes more, the least busy one. Starts one if there may be more. */
  #freeThread(): Thread | undefined {
    let free: Thread | undefined;
    for (const thread of this.#threads) {
      if (!thread.isReady || thread.waiting.size >= MAX_AT_ONCE) continue;
      if (free === undefined || thread.waiting.size < free.waiting.size) free = thread;
    }
    if ((free === undefined || free.waiting.size > 0) && this.#threads.size < this.#options.threads)
      this.#startThread();
    return free;
  }

  #startThread(): void {
    if (this.#closing !== undefined || this.#started !== undefined || performance.now() < this.#recoversAt) return;
    const started = this.#options.start();
    this.#started = started;
    started
      .then((start) => {
        if (this.#closing === undefined) this.#run(start);
      })
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#started = undefined;
      });
  }

  #run(workerData: IntakeStart): void {
    const worker = new Worker(WORKER, { workerData });
    const thread: Thread = { worker, waiting: new Map(), isReady: false };
    this.#threads.add(thread);
    worker.on('message', (answer: IntakeAnswer) => answered(thread, answer));
    worker.on('error', (error) => this.#died(thread, error));
    worker.on('exit', () => this.#died(thread, new Error('a thread that prepares events ended by itself')));
  }

  #died(thread: Thread, error: unknown): void {
    if (!this.#threads.delete(thread)) return;
    const message = 'the events could not be prepared, and nothing was stored: try again';
    const told = new SealtrailError('unavailable', message, { cause: error, retryAfter: 1 });
    for (const { reject } of thread.waiting.values()) reject(told);
    thread.waiting.clear();
    if (this.#closing === undefined) this.#failed(error);
  }

  #failed(error: unknown): void {
    this.#recoversAt = performance.now() + RECOVERY_MS;
    this.#options.onError(error);
  }

  #ask({ worker, waiting }: Thread, preparation: Preparation): Promise<Events> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      // A copy of its own: with a part of a buffer, all of that would go along.
      tell(worker, { id, preparation: { ...preparation, body: new Uint8Array(preparation.body) } });
    });
  }
}

function answered(thread: Thread, answer: IntakeAnswer): void {
  if (answer === 'ready') {
    thread.isReady = true;
    return;
  }
  const waiting = thread.waiting.get(answer.id);
  thread.waiting.delete(answer.id);
  if ('failure' in answer) waiting?.reject(errorFrom(answer.failure));
  else waiting?.resolve(eventsOf(answer));
}

function eventsOf({ ids, lines }: { readonly ids: readonly string[]; readonly lines: string }): Events {
  const texts = lines.split('\n');
  return ids.map((id, n) => ({ id, json: texts[n] ?? '' }));
}

const tell = (worker: Worker, request: IntakeRequest): void => worker.postMessage(request);

async function attempt<T>(work: () => T): Promise<T> {
  return work();
}

async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}
