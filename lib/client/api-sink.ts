import { randomUUID } from 'node:crypto';
import { SealtrailError } from '../log/error.ts';
import type { Delivery } from './delivery.ts';
import { prepareEvent } from './event.ts';
import type { SignedHttp } from './http.ts';
import type { Receipt } from './receipt.ts';
import { instead, isForgery, isRefusal } from './refusal.ts';
import { asError, type BufferOptions, type Entry, Room, type Sink, withResolvers } from './sink.ts';
import type { Batch, Spool, Stored } from './spool.ts';

/** How an API sink sends. */
export interface ApiSinkOptions extends BufferOptions {
  /** Makes one attempt per call (`attempts: 1`): the sink itself tries again. */
  readonly http: SignedHttp;
  readonly trail: string;
  /** The log's public keys (vkeys), to check receipts with. @default those that the server names when first asked */
  readonly keys?: readonly string[];
  /**
   * A folder in which every batch lies until the log has it, so that it survives the process; one per trail and
   * principal. Processes may share it. @default none: what is not delivered is in memory alone
   */
  readonly spool?: string;
  /** Of the spool; beyond it, batches stay in memory until that is full too. @default 1 GiB */
  readonly maxSpoolBytes?: number;
  /** Most events in a batch. @default 500 */
  readonly batchEvents?: number;
  /** A batch is sent once it has so many bytes of JSON. @default 1 MiB */
  readonly batchBytes?: number;
  /** Milliseconds that an event waits for others to share its batch. @default 200 */
  readonly batchDelay?: number;
  /** Milliseconds after which `flush` and `close` give up on a log that does not answer. @default 10,000 */
  readonly patience?: number;
  /** Told of everything that goes wrong, also where it is tried again. */
  readonly onError?: (error: Error) => void;
  /** Told of a receipt that does not prove what it says: evidence against the log, to be kept. */
  readonly onAlarm?: (error: SealtrailError) => void;
}

/** A batch on its way. */
interface Job {
  /** In memory, unless it is on disk. */
  readonly batch: Batch | undefined;
  readonly stored: Stored | undefined;
  /** One for each event of the batch; none for a batch of another process. */
  readonly entries: readonly Entry[];
  /** That it takes of the buffer, in bytes. */
  readonly bytes: number;
}

const FIRST_BACKOFF = 100;
const LONGEST_BACKOFF = 10_000;
const LONGEST_RETRY_AFTER = 60_000;
const ADOPT_MS = 30_000;
/** How often and after how many milliseconds a log that has not signed yet is asked again. */
const SEAL_ATTEMPTS = 3;
const SEAL_PAUSE = 400;
/** The server's limits on one batch are 1,000 events and 5 MB. */
const MOST_EVENTS = 1000;
const MOST_BYTES = 4_000_000;

/**
 * Sends events to a log: in batches, one after the other, each under an idempotency key and until it is answered, so that
 * each event is in the log once and in order.
 */
export class ApiSink implements Sink {
  readonly name = 'api';
  readonly #options: ApiSinkOptions;
  readonly #delivery: Promise<Delivery>;
  readonly #room: Room;
  readonly #stop = new AbortController();
  readonly #spool: Promise<Spool | undefined>;
  #adopting: NodeJS.Timeout | undefined;
  #open: Entry[] = [];
  #openBytes = 0;
  /** Events that came in since the start, and those of them that left again: in order, so that two numbers tell which. */
  #pushed = 0;
  #ended = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Events at the head of the open ones that are to go without waiting for more. */
  #due = 0;
  #cutting: Promise<void> | undefined;
  #queue: Job[] = [];
  #sending: Promise<void> | undefined;
  #failing: Error | undefined;
  #change = withResolvers();
  #closed = false;

  constructor(options: ApiSinkOptions) {
    this.#options = options;
    // Loaded only here, like the spool: the mathematics of receipts are a third of the client.
    this.#delivery = import('./delivery.ts').then(
      ({ Delivery }) => new Delivery(options.http, options.trail, options.keys),
    );
    this.#room = new Room(options);
    this.#spool = this.#openSpool(options.spool);
  }

  /** Events left out because the buffer was full, since the start. */
  get dropped(): number {
    return this.#room.dropped;
  }

  write(entry: Entry): Promise<void> | undefined {
    if (this.#closed) throw new SealtrailError('unavailable', 'the logger is closed');
    const entered = this.#room.enter(entry);
    if (entered === false) return undefined;
    this.#push(entry);
    return entered === true ? undefined : entered;
  }

  /** @throws `unavailable` where something that was written before is neither in the log nor in the spool by then */
  async flush(): Promise<void> {
    this.#cutAll();
    const until = this.#pushed;
    const expired = AbortSignal.timeout(this.#options.patience ?? 10_000);
    expired.addEventListener('abort', () => this.#changed());
    while (!this.#isSafe(until) && !expired.aborted) await this.#change.promise;
    if (this.#isSafe(until)) return;
    const message = `${until - this.#ended} events are not in the log: ${this.#failing?.message ?? 'it takes longer than expected'}`;
    throw new SealtrailError('unavailable', message, { cause: this.#failing });
  }

  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      clearInterval(this.#adopting);
      clearTimeout(this.#timer);
      this.#stop.abort();
      await this.#cutting;
      await this.#sending;
      this.#giveUp();
      await (await this.#spool)?.close();
    }
  }

  #giveUp(): void {
    const kept = new SealtrailError('unavailable', 'not in the log yet: the spool folder has it, for the next process');
    const lost = new SealtrailError('unavailable', 'not in the log: the logger was closed before the log answered');
    for (const { stored, entries } of this.#queue.splice(0)) {
      for (const entry of entries) entry.failed(stored === undefined ? lost : kept);
    }
    for (const entry of this.#open.splice(0)) entry.failed(lost);
    const loss = this.#room.takeLoss();
    if (loss !== undefined) {
      this.#options.onError?.(
        new SealtrailError('store_full', `${loss.count} events were dropped, which no record says`),
      );
    }
  }

  // From events to batches.

  #push(entry: Entry): void {
    this.#open.push(entry);
    this.#pushed++;
    this.#openBytes += entry.bytes;
    const { batchEvents = 500, batchBytes = 1024 * 1024, batchDelay = 200 } = this.#options;
    if (this.#open.length >= batchEvents || this.#openBytes >= batchBytes) this.#cutAll();
    else this.#timer ??= setTimeout(() => this.#cutAll(), batchDelay);
  }

  #cutAll(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = this.#open.length;
    this.#cutting ??= this.#cut();
  }

  /** Never throws. */
  async #cut(): Promise<void> {
    const spool = await this.#spool;
    while (this.#due > 0) {
      const entries = this.#take();
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      const body = `{"events":[${entries.map(({ json }) => json).join(',')}]}`;
      const batch = { key: randomUUID(), count: entries.length, body };
      const stored = await this.#store(spool, batch);
      this.#enqueue({ batch: stored === undefined ? batch : undefined, stored, entries, bytes });
      if (stored !== undefined) this.#left(entries.length, bytes);
    }
    this.#cutting = undefined;
    this.#changed();
  }

  #take(): Entry[] {
    const most = Math.min(this.#due, this.#options.batchEvents ?? 500, MOST_EVENTS);
    let bytes = 0;
    let count = 0;
    while (count < most) {
      const next = this.#open[count]?.bytes ?? 0;
      if (count > 0 && bytes + next > Math.min(this.#options.batchBytes ?? 1024 * 1024, MOST_BYTES)) break;
      bytes += next;
      count++;
    }
    this.#due -= count;
    this.#openBytes -= bytes;
    return this.#open.splice(0, count);
  }

  /** Undefined where it must stay in memory. */
  async #store(spool: Spool | undefined, batch: Batch): Promise<Stored | undefined> {
    if (spool === undefined || spool.bytes >= (this.#options.maxSpoolBytes ?? 1024 ** 3)) return undefined;
    try {
      return await spool.put(batch);
    } catch (error) {
      this.#options.onError?.(asError(error));
      return undefined;
    }
  }

  #left(events: number, bytes: number): void {
    this.#room.leave(events, bytes);
    const loss = this.#room.isFull ? undefined : this.#room.takeLoss();
    if (loss === undefined) return;
    const description = `${loss.count} events were dropped because the buffer was full`;
    this.#options.onError?.(new SealtrailError('store_full', description));
    const event = prepareEvent({ type: 'audit.events_dropped', severity: 'error', description, details: { ...loss } });
    const entry = { ...event, landed: () => undefined, failed: (error: Error) => this.#options.onError?.(error) };
    // Always let in: it is one event, and there is room.
    this.#room.enter(entry);
    this.#push(entry);
  }

  // From batches to the log.

  #enqueue(job: Job): void {
    this.#queue.push(job);
    this.#sending ??= this.#send();
  }

  /** Never throws. */
  async #send(): Promise<void> {
    let attempt = 0;
    for (let job = this.#queue[0]; job !== undefined && !this.#stop.signal.aborted; job = this.#queue[0]) {
      try {
        await this.#deliver(job);
        attempt = 0;
        this.#failing = undefined;
      } catch (error) {
        this.#failing = asError(error);
        if (!this.#stop.signal.aborted) this.#options.onError?.(this.#failing);
        this.#changed();
        await this.#pause(++attempt, error);
      }
    }
    this.#sending = undefined;
    this.#changed();
  }

  /** Until the job is off the queue. Throws what may pass. */
  async #deliver(job: Job): Promise<void> {
    const spool = await this.#spool;
    const batch = await this.#read(job, spool);
    if (batch === undefined) return this.#done(job, (entry) => entry.landed());
    try {
      const receipt = await this.#sealed(batch);
      if (job.stored !== undefined) await spool?.remove(job.stored);
      this.#done(job, (entry, i) => landed(entry, receipt, i));
    } catch (error) {
      if (isRefusal(error)) return this.#replace(job, batch, error, spool);
      if (!isForgery(error)) throw error;
      this.#options.onAlarm?.(error);
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
      this.#options.onError?.(error);
      return undefined;
    }
  }

  async #sealed(batch: Batch): Promise<Receipt> {
    for (let attempt = 1; ; attempt++) {
      const receipt = await (await this.#delivery).send(batch, this.#stop.signal);
      if (receipt.sealed || attempt >= SEAL_ATTEMPTS) return receipt;
      await this.#wait(SEAL_PAUSE);
    }
  }

  /** The rest of a batch must not suffer for the one event that the log refuses. */
  async #replace(job: Job, batch: Batch, error: SealtrailError, spool: Spool | undefined): Promise<void> {
    this.#options.onError?.(error);
    const next = error.code === 'idempotency_conflict' ? undefined : instead(batch, error);
    if (next === undefined) {
      if (job.stored !== undefined) await spool?.setAside(job.stored);
      return this.#done(job, (entry) => entry.failed(error));
    }
    if (next.replaced !== undefined) job.entries[next.replaced]?.failed(error);
    let from = 0;
    const jobs: Job[] = [];
    for (const one of next.batches) {
      const entries = job.entries.slice(from, from + one.count);
      from += one.count;
      const stored = job.stored === undefined ? undefined : await spool?.put(one);
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      jobs.push({ batch: stored === undefined ? one : undefined, stored, entries, bytes });
    }
    // Only now: should the process end before, the next one comes to the same batches under the same keys.
    if (job.stored !== undefined) await spool?.remove(job.stored);
    this.#queue.splice(0, 1, ...jobs);
  }

  #done(job: Job, settle: (entry: Entry, i: number) => void): void {
    this.#queue.shift();
    this.#ended += job.entries.length;
    for (const [i, entry] of job.entries.entries()) settle(entry, i);
    if (job.stored === undefined) this.#left(job.entries.length, job.bytes);
    this.#changed();
  }

  /** Full jitter on top of what the server asked for. */
  async #pause(attempt: number, error: unknown): Promise<void> {
    const asked = error instanceof SealtrailError ? (error.retryAfter ?? 0) * 1000 : 0;
    const ceiling = Math.min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** Math.min(attempt - 1, 20));
    await this.#wait(Math.min(LONGEST_RETRY_AFTER, asked) + Math.random() * ceiling);
  }

  /** Keeps the process alive: what is only in memory must not be lost because nothing else is left to do. */
  #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    const { promise, resolve } = withResolvers();
    const timer = setTimeout(resolve, milliseconds);
    if (signal.aborted) resolve();
    signal.addEventListener('abort', resolve, { once: true });
    if (this.#unsafe() === 0) timer.unref();
    return promise.finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', resolve);
    });
  }

  // The spool.

  async #openSpool(dir: string | undefined): Promise<Spool | undefined> {
    if (dir === undefined) return undefined;
    try {
      const { Spool } = await import('./spool.ts');
      const spool = await Spool.open(dir);
      await this.#adopt(spool);
      this.#adopting = setInterval(() => void this.#adopt(spool), ADOPT_MS).unref();
      return spool;
    } catch (error) {
      this.#options.onError?.(asError(error));
      return undefined;
    }
  }

  /** Takes over what other processes left, and what is not on the way already. */
  async #adopt(spool: Spool): Promise<void> {
    try {
      const known = new Set(this.#queue.map(({ stored }) => stored?.file));
      for (const stored of await spool.abandoned()) {
        if (known.has(stored.file) || this.#stop.signal.aborted) continue;
        this.#enqueue({ batch: undefined, stored, entries: [], bytes: 0 });
      }
    } catch (error) {
      this.#options.onError?.(asError(error));
    }
  }

  // What flush waits for.

  /** Events that would be lost if the process ended now. */
  #unsafe(): number {
    return this.#queue.reduce(
      (sum, job) => sum + (job.stored === undefined ? job.entries.length : 0),
      this.#open.length,
    );
  }

  /** Whether the first so many events have ended, or are on disk while the log is away. */
  #isSafe(until: number): boolean {
    if (this.#ended >= until) return true;
    const isCut = this.#pushed - this.#open.length >= until && this.#cutting === undefined;
    return isCut && this.#failing !== undefined && this.#queue.every(({ stored }) => stored !== undefined);
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = withResolvers();
  }
}

function landed(entry: Entry, receipt: Receipt, i: number): void {
  const event = receipt.events[i];
  if (event === undefined) entry.failed(new RangeError(`the receipt has no event ${i}`));
  else entry.landed({ id: event.id, trail: receipt.trail, seq: event.seq, hash: event.hash, receipt });
}
