import type { Receipt } from '../../contract/receipt.ts';
import { SealtrailError } from '../../log/error.ts';
import { asError, type Entry, withResolvers } from '../event/sink.ts';
import { retryDelayMs } from '../http/retry-delay.ts';
import type { Deliverer } from './delivery.ts';
import { instead, isForgery, isRefusal } from './rejection.ts';
import type { Batch, Spool, Stored } from './spool.ts';

/** A batch on its way. */
export interface Job {
  /** In memory, unless it is on disk. */
  readonly batch: Batch | undefined;
  readonly stored: Stored | undefined;
  /** One for each event of the batch; none for a batch of another process. */
  readonly entries: readonly Entry[];
  /** That it takes of the buffer, in bytes. */
  readonly bytes: number;
}

/** A time in which nothing could be delivered. */
export interface Outage {
  readonly since: Date;
  /** That failed. */
  readonly attempts: number;
  /** The first error. */
  readonly cause: Error;
}

/** The dependencies of {@link Outbox}. */
export interface OutboxOptions {
  readonly delivery: Promise<Deliverer>;
  readonly spool: Promise<Spool | undefined>;
  /** Called for everything that goes wrong; of an outage once for each kind of error. */
  readonly onError: (error: Error) => void;
  /** Called when an outage is over. */
  readonly onRecovery: (outage: Outage) => void;
  readonly onAlarm: (error: SealtrailError) => void;
  /** Called for every job that has come to its end. */
  readonly onDone: (job: Job) => void;
  /** Called whenever something may have changed that someone waits for. */
  readonly onChange: () => void;
  /** True if the process should stay for what is on its way: without it, it would be lost. */
  readonly isNeeded: () => boolean;
}

/** How often and after how many milliseconds a log that has not signed yet is asked again. */
const SEAL_ATTEMPTS = 3;
const SEAL_PAUSE = 400;

/**
 * Batches on their way to the log: one after the other, each under its idempotency key and until it is answered, so that
 * every event is in the log once and in order.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #stop = new AbortController();
  #queue: Job[] = [];
  #sending: Promise<void> | undefined;
  #failing: Error | undefined;
  #outage: Outage | undefined;
  /** Kinds of errors of this outage. */
  readonly #reported = new Set<string>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** The error of the newest attempt, if any. */
  get failing(): Error | undefined {
    return this.#failing;
  }

  /** Batches on their way that earlier processes left. */
  get inherited(): number {
    return this.#queue.filter(({ entries }) => entries.length === 0).length;
  }

  /** The events that are not in the log yet, oldest first. */
  get jobs(): readonly Job[] {
    return this.#queue;
  }

  enqueue(job: Job): void {
    this.#queue.push(job);
    this.#sending ??= this.#send();
  }

  /** Takes over what other processes left in the spool, and what is not on the way already. Throws the system's errors. */
  async adopt(spool: Spool): Promise<void> {
    const known = new Set(this.#queue.map(({ stored }) => stored?.file));
    for (const stored of await spool.abandoned()) {
      if (known.has(stored.file) || this.#stop.signal.aborted) continue;
      this.enqueue({ batch: undefined, stored, entries: [], bytes: 0 });
    }
  }

  /** Stops sending. @returns what is left */
  async stop(): Promise<readonly Job[]> {
    this.#stop.abort();
    await this.#sending;
    return this.#queue.splice(0);
  }

  /** Never throws. */
  async #send(): Promise<void> {
    let attempt = 0;
    for (let job = this.#queue[0]; job !== undefined && !this.#stop.signal.aborted; job = this.#queue[0]) {
      try {
        await this.#deliver(job);
        attempt = 0;
        this.#recovered();
      } catch (error) {
        this.#failed(asError(error));
        this.#options.onChange();
        await this.#pause(++attempt, error);
      }
    }
    this.#sending = undefined;
    this.#options.onChange();
  }

  /** Each attempt during an outage fails alike: one report is enough. */
  #failed(error: Error): void {
    this.#failing = error;
    if (this.#stop.signal.aborted) return;
    this.#outage = { since: new Date(), cause: error, ...this.#outage, attempts: (this.#outage?.attempts ?? 0) + 1 };
    const kind = error instanceof SealtrailError ? error.code : error.name;
    if (this.#reported.has(kind)) return;
    this.#reported.add(kind);
    this.#options.onError(error);
  }

  #recovered(): void {
    this.#failing = undefined;
    this.#reported.clear();
    const outage = this.#outage;
    this.#outage = undefined;
    if (outage !== undefined) this.#options.onRecovery(outage);
  }

  /** Until the job is off the queue. Throws what may pass. */
  async #deliver(job: Job): Promise<void> {
    const spool = await this.#options.spool;
    const batch = await this.#read(job, spool);
    if (batch === undefined) {
      this.#done(job, (entry) => entry.landed());
      return;
    }
    try {
      const receipt = await this.#sealed(batch);
      if (job.stored !== undefined) await spool?.remove(job.stored);
      this.#done(job, (entry, i) => landed(entry, receipt, i));
    } catch (error) {
      if (isRefusal(error)) return await this.#replace(job, batch, error, spool);
      if (!isForgery(error)) throw error;
      this.#options.onAlarm(error);
      if (job.stored !== undefined) await spool?.setAside(job.stored);
      this.#done(job, (entry) => entry.failed(error));
    }
  }

  /** Undefined where another process has sent it, or where it can no longer be read: then its entries have failed. */
  async #read(job: Job, spool: Spool | undefined): Promise<Batch | undefined> {
    if (job.batch !== undefined || job.stored === undefined || spool === undefined) return job.batch;
    try {
      return await spool.read(job.stored);
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      await spool.setAside(job.stored);
      for (const entry of job.entries) entry.failed(error);
      this.#options.onError(error);
      return undefined;
    }
  }

  async #sealed(batch: Batch): Promise<Receipt> {
    const delivery = await this.#options.delivery;
    for (let attempt = 1; ; attempt++) {
      const receipt = await delivery.send(batch, this.#stop.signal);
      if (receipt.sealed || attempt >= SEAL_ATTEMPTS) return receipt;
      await this.#wait(SEAL_PAUSE);
    }
  }

  /** The rest of a batch must not suffer for the one event that the log refuses. */
  async #replace(job: Job, batch: Batch, error: SealtrailError, spool: Spool | undefined): Promise<void> {
    this.#options.onError(error);
    const next = error.code === 'idempotency_conflict' ? undefined : instead(batch, error);
    if (next === undefined) {
      if (job.stored !== undefined) await spool?.setAside(job.stored);
      this.#done(job, (entry) => entry.failed(error));
      return;
    }
    if (next.replaced !== undefined) job.entries[next.replaced]?.failed(error);
    const stored = job.stored === undefined ? undefined : await spool?.putInstead(job.stored, next.batches);
    let from = 0;
    const jobs = next.batches.map((one, i): Job => {
      const entries = job.entries.slice(from, from + one.count);
      from += one.count;
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      return { batch: stored === undefined ? one : undefined, stored: stored?.[i], entries, bytes };
    });
    this.#queue.splice(0, 1, ...jobs);
  }

  #done(job: Job, settle: (entry: Entry, i: number) => void): void {
    this.#queue.shift();
    for (const [i, entry] of job.entries.entries()) settle(entry, i);
    this.#options.onDone(job);
    this.#options.onChange();
  }

  async #pause(attempt: number, error: unknown): Promise<void> {
    await this.#wait(retryDelayMs(attempt, error instanceof SealtrailError ? error.retryAfter : undefined));
  }

  /** Keeps the process alive where it must: what is only in memory is not to be lost because nothing else is left to do. */
  #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    const { promise, resolve } = withResolvers();
    const timer = setTimeout(resolve, milliseconds);
    if (signal.aborted) resolve();
    signal.addEventListener('abort', resolve, { once: true });
    if (!this.#options.isNeeded()) timer.unref();
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', resolve);
    });
  }
}

function landed(entry: Entry, receipt: Receipt, i: number): void {
  const event = receipt.events[i];
  if (event === undefined) entry.failed(new RangeError(`the receipt has no event ${i}`));
  else entry.landed({ id: event.id, trail: receipt.trail, seq: event.seq, hash: event.hash, receipt });
}
