import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { MAX_BATCH_EVENTS, MAX_BODY_BYTES } from '../../contract/event.ts';
import { SealtrailError } from '../../log/error.ts';
import { isTrailName } from '../../log/trail-name.ts';
import type { Deliverer } from '../delivery/delivery.ts';
import { type Job, type Outage, Outbox } from '../delivery/outbox.ts';
import { isForgery } from '../delivery/rejection.ts';
import type { Batch, Spool, Stored } from '../delivery/spool.ts';
import { prepareEvent } from '../event/event.ts';
import { assertOptions, MAX_TIMEOUT_MS } from '../event/options.ts';
import { ProducerNumbers } from '../event/producer-sequence.ts';
import { asError, BufferLimiter, type BufferOptions, type Entry, type Sink, withResolvers } from '../event/sink.ts';
import type { SignedHttp } from '../http/http.ts';

/** How an API sink sends. */
export interface ApiSinkOptions extends BufferOptions {
  /** Makes one attempt per call (`attempts: 1`): the sink itself tries again. */
  readonly http: SignedHttp;
  readonly trail: string;
  /** The sender of batches and checker of receipts, for example on another thread. @default the sink itself, with `http` */
  readonly deliverer?: Deliverer;
  /** The log's public keys (vkeys), to check receipts with. @default those that the server names, also after a rotation */
  readonly keys?: readonly string[];
  /**
   * A folder in which every batch lies until the log has it, so that it survives the process; one per trail and
   * principal. Processes may share it. @default none: what is not delivered is in memory alone
   */
  readonly spool?: string;
  /**
   * A file that keeps the newest checkpoint seen of the trail, a signed note, so that a log that shows two histories is
   * found out across restarts and processes; `sealtrail append --checkpoint` and `verify --previous` take it too.
   *
   * @default `<trail>.checkpoint` in the spool folder; without one, what was seen is forgotten with the process
   */
  readonly checkpoint?: string;
  /** Of the spool; beyond it, batches stay in memory until that is full too. @default 1 GiB */
  readonly maxSpoolBytes?: number;
  /** Most events in a batch, up to 1,000. @default 500 */
  readonly batchEvents?: number;
  /** A batch is sent once it has so many bytes of JSON, up to 4,000,000. @default 1 MiB */
  readonly batchBytes?: number;
  /** Milliseconds that an event waits for others to share its batch. @default 200 */
  readonly batchDelay?: number;
  /** Milliseconds after which `flush` and `close` give up on a log that does not answer. @default 10,000 */
  readonly flushTimeout?: number;
  /** Called for everything that goes wrong; of an outage once for each kind of error, however often it is tried again. */
  readonly onError?: (error: Error) => void;
  /** Called when delivery is well again after an outage. */
  readonly onRecovery?: (outage: Outage) => void;
  /** Called for a receipt that does not prove what it says, and for a log that shows two histories: evidence to be kept. */
  readonly onAlarm?: (error: SealtrailError) => void;
}

/** An event that waits for others to share its batch. */
interface Waiting extends Entry {
  /** How many events were left out before it. */
  readonly skips?: number;
}

const ADOPT_MS = 30_000;
/** Bytes of a batch: the rest of what a body may have is for the events' numbers and the JSON around them. */
const MAX_BYTES = MAX_BODY_BYTES - 1_000_000;

/**
 * Sends events to a log in batches, numbered, so that each is in the log once and in order, and one that is not is missed:
 * see {@link Outbox} and {@link ProducerNumbers}.
 *
 * @example
 * const http = new SignedHttp({ endpoint, credentials, attempts: 1 });
 * const audit = createAuditLogger({ sinks: [new ApiSink({ trail: 'orders', http })] });
 */
export class ApiSink implements Sink {
  readonly name = 'api';
  readonly isLog = true;
  readonly #options: ApiSinkOptions;
  readonly #buffer: BufferLimiter;
  readonly #numbers = new ProducerNumbers();
  readonly #delivery: Promise<Deliverer>;
  readonly #outbox: Outbox;
  readonly #spool: Promise<Spool | undefined>;
  #adopting: NodeJS.Timeout | undefined;
  #open: Waiting[] = [];
  #openBytes = 0;
  /** Events that came in since the start, and those of them that left again: in order, so that two numbers tell which. */
  #pushed = 0;
  #ended = 0;
  /** Events that were left out since the start and are recorded as such. */
  #skipped = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Events at the head of the open ones that are to go without waiting for more. */
  #due = 0;
  #cutting: Promise<void> | undefined;
  #change = withResolvers();
  #closed = false;

  /** @throws `usage` where an option cannot be */
  constructor(options: ApiSinkOptions) {
    assertSendable(options);
    this.#options = options;
    this.#buffer = new BufferLimiter(options);
    this.#spool = this.#openSpool(options.spool);
    this.#delivery = options.deliverer === undefined ? loadDelivery(options) : Promise.resolve(options.deliverer);
    this.#outbox = new Outbox({
      delivery: this.#delivery,
      spool: this.#spool,
      onError: (error) => options.onError?.(error),
      onAlarm: (error) => options.onAlarm?.(error),
      onRecovery: (outage) => options.onRecovery?.(outage),
      onDone: (job) => this.#done(job),
      onChange: () => this.#changed(),
      isNeeded: () => this.#open.length > 0 || this.#outbox.jobs.some(({ stored }) => stored === undefined),
    });
  }

  /** Names this run of this producer in the events that it sends. */
  get producerId(): string {
    return this.#numbers.id;
  }

  /** Events left out because the buffer was full, since the start. */
  get dropped(): number {
    return this.#buffer.dropped;
  }

  write(entry: Entry): Promise<void> | undefined {
    if (this.#closed) throw new SealtrailError('unavailable', 'the logger is closed');
    const entered = this.#buffer.enter(entry);
    if (entered === false) return undefined;
    this.#push(entry);
    return entered === true ? undefined : entered;
  }

  /**
   * Waits for what was written before, and for what earlier processes left in the spool.
   *
   * @throws `unavailable` where something of it is neither in the log nor, while the log is away, in the spool by then
   */
  async flush(): Promise<void> {
    this.#cutAll();
    const until = this.#pushed;
    // What earlier processes left is as much of the trail as what this one logged.
    const spool = await this.#spool;
    if (spool !== undefined) await this.#adopt(spool);
    const expired = AbortSignal.timeout(this.#options.flushTimeout ?? 10_000);
    expired.addEventListener('abort', () => this.#changed());
    while (!this.#isSafe(until) && !expired.aborted) await this.#change.promise;
    if (this.#isSafe(until)) return;
    const cause = this.#outbox.failing;
    const why = cause?.message ?? 'it takes longer than expected';
    const own = Math.max(0, until - this.#ended);
    const what = own > 0 ? `${own} events` : `${this.#outbox.inherited} batches that an earlier process left`;
    throw new SealtrailError('unavailable', `${what} are not in the log: ${why}`, { cause });
  }

  hurry(): void {
    this.#cutAll();
  }

  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      clearInterval(this.#adopting);
      clearTimeout(this.#timer);
      await this.#cutting;
      this.#giveUp(await this.#outbox.stop());
      if (this.#outbox.failing === undefined) await this.#closeDelivery();
      await (await this.#spool)?.close();
    }
  }

  async #closeDelivery(): Promise<void> {
    try {
      await (await this.#delivery).close();
    } catch (error) {
      if (isForgery(error)) this.#options.onAlarm?.(error);
      else this.#options.onError?.(asError(error));
    }
  }

  #giveUp(jobs: readonly Job[]): void {
    const kept = new SealtrailError('unavailable', 'not in the log yet: the spool folder has it, for the next process');
    const lost = new SealtrailError('unavailable', 'not in the log: the logger was closed before the log answered');
    for (const { stored, entries } of jobs) {
      for (const entry of entries) entry.failed(stored === undefined ? lost : kept);
    }
    for (const entry of this.#open.splice(0)) entry.failed(lost);
    const loss = this.#buffer.takeLoss();
    if (loss !== undefined) {
      this.#options.onError?.(
        new SealtrailError('store_full', `${loss.count} events were dropped, which no record says`),
      );
    }
  }

  // From events to batches.

  #push(entry: Waiting): void {
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
      const body = `{"events":[${entries.map((entry) => this.#numbered(entry)).join(',')}]}`;
      const batch = { key: randomUUID(), count: entries.length, body };
      const stored = await this.#store(spool, batch);
      this.#outbox.enqueue({ batch: stored === undefined ? batch : undefined, stored, entries, bytes });
      if (stored === undefined) continue;
      for (const entry of entries) entry.kept?.();
      this.#left(entries.length, bytes);
    }
    this.#cutting = undefined;
    this.#changed();
  }

  #numbered({ id, json, skips }: Waiting): string {
    if (skips !== undefined) this.#numbers.skip(skips);
    return this.#numbers.number(id, json);
  }

  #take(): Waiting[] {
    const most = Math.min(this.#due, this.#options.batchEvents ?? 500);
    let bytes = 0;
    let count = 0;
    while (count < most) {
      const next = this.#open[count]?.bytes ?? 0;
      if (count > 0 && bytes + next > (this.#options.batchBytes ?? 1024 * 1024)) break;
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

  #done({ stored, entries, bytes }: Job): void {
    this.#ended += entries.length;
    if (stored === undefined) this.#left(entries.length, bytes);
  }

  /** Records a loss before anything else gets in, so that the numbers of what was left out follow one another. */
  #left(events: number, bytes: number): void {
    this.#buffer.leave(events, bytes);
    const loss = this.#buffer.isFull ? undefined : this.#buffer.takeLoss();
    if (loss === undefined) return;
    const first = this.#pushed + this.#skipped;
    const numbers = { first, last: first + loss.count - 1 };
    this.#skipped += loss.count;
    const description = `${loss.count} events were dropped because the buffer was full`;
    this.#options.onError?.(new SealtrailError('store_full', description));
    const details = { ...loss, numbers };
    const event = prepareEvent({ type: 'audit.events_dropped', severity: 'error', description, details });
    const failed = (error: Error): void => this.#options.onError?.(error);
    const entry = { ...event, skips: loss.count, landed: () => undefined, failed };
    // Always let in: it is one event, and there is room.
    this.#buffer.enter(entry);
    this.#push(entry);
  }

  // The spool.

  async #openSpool(dir: string | undefined): Promise<Spool | undefined> {
    if (dir === undefined) return undefined;
    try {
      const { Spool } = await import('../delivery/spool.ts');
      const spool = await Spool.open(dir);
      await this.#adopt(spool);
      this.#adopting = setInterval(() => void this.#adopt(spool), ADOPT_MS).unref();
      return spool;
    } catch (error) {
      this.#options.onError?.(asError(error));
      return undefined;
    }
  }

  async #adopt(spool: Spool): Promise<void> {
    await this.#outbox.adopt(spool).catch((error: unknown) => this.#options.onError?.(asError(error)));
  }

  // What flush waits for.

  /** True if the first so many events and what was inherited have ended, or are on disk while the log is away. */
  #isSafe(until: number): boolean {
    if (this.#ended >= until && this.#outbox.inherited === 0) return true;
    const isCut = this.#pushed - this.#open.length >= until && this.#cutting === undefined;
    return isCut && this.#outbox.failing !== undefined && this.#outbox.jobs.every(({ stored }) => stored !== undefined);
  }

  #changed(): void {
    this.#change.resolve();
    this.#change = withResolvers();
  }
}

function assertSendable(options: ApiSinkOptions): void {
  assertOptions(options, {
    ...{ batchEvents: { from: 1, to: MAX_BATCH_EVENTS }, batchBytes: { from: 1, to: MAX_BYTES } },
    ...{
      batchDelay: { from: 0, to: MAX_TIMEOUT_MS },
      flushTimeout: { from: 0, to: MAX_TIMEOUT_MS },
      maxSpoolBytes: { from: 0 },
    },
  });
  if (isTrailName(options.trail)) return;
  const message = `trail must be a name of up to 63 of a-z, 0-9 and hyphens, not ${String(options.trail)}`;
  throw new SealtrailError('usage', message, { field: 'trail' });
}

/** Loaded only here, like the spool: the mathematics of receipts are a third of the client. */
async function loadDelivery({ http, trail, keys, spool, checkpoint, onError }: ApiSinkOptions): Promise<Deliverer> {
  const { Delivery } = await import('../delivery/delivery.ts');
  const file = checkpoint ?? (spool === undefined ? undefined : join(spool, `${trail}.checkpoint`));
  return new Delivery({ http, trail, keys, checkpoint: file, onError: (error) => onError?.(error) });
}
