import type { QueryOrder } from '../../contract/query.ts';
import type { Receipt } from '../../contract/receipt.ts';
import { SealtrailError } from '../../log/error.ts';
import type { PreparedEvent } from './event.ts';
import { assertOptions } from './options.ts';

/** Where an event landed. */
export interface EventReceipt {
  readonly id: string;
  readonly trail: string;
  /** Its record's number, 0-based. */
  readonly seq: number;
  /** Leaf hash, hex. */
  readonly hash: string;
  /** The receipt of the append that it was part of. */
  readonly receipt: Receipt;
}

/** An event on its way, and callbacks for its outcome. The first call counts. */
export interface Entry extends PreparedEvent {
  /** It is as safe as the sink makes it. */
  readonly landed: (receipt?: EventReceipt) => void;
  readonly failed: (error: Error) => void;
  /** It survives the end of the process, though it may not have landed yet: a spool has it. Landing says so too. */
  readonly kept?: () => void;
}

/** An event that a sink keeps, as it stands there. */
export interface KeptEvent {
  /** Its number, counted from 0 since the sink began to keep events. */
  readonly seq: number;
  /** JSON, unless it was damaged. */
  readonly json: string;
  /** When it was logged, in Unix milliseconds; absent where only the event's own time says so. */
  readonly loggedAt?: number;
  /** Where it stands, for people: a file and the line in it. */
  readonly place?: string;
}

/** A place that events go to. */
export interface Sink {
  readonly name: string;
  /** True if a log is at the other end, which masks personal data itself. @default false */
  readonly isLog?: boolean;
  /**
   * Takes an event, at once and in the order of the calls.
   *
   * @returns nothing, or what a caller should wait for before it logs more
   * @throws `store_full` where it takes no more, and nothing of this event was kept
   */
  write(entry: Entry): Promise<void> | undefined;
  /**
   * The events that it keeps, for questions to `audit.reader`; absent where they cannot be read back.
   *
   * @throws `usage` where they cannot be read back as it was set up
   */
  kept?(order: QueryOrder): AsyncIterable<KeptEvent> | Iterable<KeptEvent>;
  /** How many events it has let go of, of those that it kept. @default none */
  readonly evicted?: number;
  /** Resolves once all that was written before is safe, or has failed. */
  flush(): Promise<void>;
  /** Sends what was written so far without waiting for more to share its batch. Returns at once. */
  hurry?(): void;
  /** Flushes and lets go. Throws where something could not be made safe, saying how much. */
  close(): Promise<void>;
}

/** How much a sink holds in memory, and what happens when that is full. */
export interface BufferOptions {
  /** @default 10,000 events */
  readonly maxEvents?: number;
  /** Of JSON. @default 16 MiB */
  readonly maxBytes?: number;
  /**
   * `block`: take it, and give a promise (`await handle.accepted`) for when there is room again; a producer that does not
   * wait grows the memory. `throw`: refuse the call. `drop`: leave the event out, count it, and record the loss as an
   * `audit.events_dropped` as soon as there is room.
   *
   * @default block
   */
  readonly whenFull?: 'block' | 'throw' | 'drop';
}

/** The events that a full buffer dropped since the last call. */
export interface Loss {
  readonly count: number;
  readonly first: string;
  readonly last: string;
}

/** Counts what is held in memory, and applies the choice of what happens when that is too much. */
export class BufferLimiter {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  readonly #whenFull: 'block' | 'throw' | 'drop';
  #events = 0;
  #bytes = 0;
  #waiting: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #loss: Loss | undefined;
  #dropped = 0;

  /** @throws `usage` where an option cannot be */
  constructor(options: BufferOptions = {}) {
    assertOptions(options, {
      maxEvents: { from: 1 },
      maxBytes: { from: 1 },
      whenFull: ['block', 'throw', 'drop'],
    });
    const { maxEvents = 10_000, maxBytes = 16 * 1024 * 1024, whenFull = 'block' } = options;
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
    this.#whenFull = whenFull;
  }

  get isFull(): boolean {
    return this.#events >= this.#maxEvents || this.#bytes >= this.#maxBytes;
  }

  /** Events left out since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Makes room for an event.
   *
   * @returns false if it is dropped (and `failed` was called), else true or a promise of room for the next
   * @throws `store_full` by choice
   */
  enter(entry: Entry): boolean | Promise<void> {
    if (this.isFull && this.#whenFull !== 'block') {
      const full = new SealtrailError('store_full', `the buffer is full: it holds ${this.#events} events`);
      if (this.#whenFull === 'throw') throw full;
      const now = new Date().toISOString();
      this.#loss = { first: now, ...this.#loss, last: now, count: (this.#loss?.count ?? 0) + 1 };
      this.#dropped++;
      entry.failed(full);
      return false;
    }
    this.#events++;
    this.#bytes += entry.bytes;
    if (!this.isFull || this.#whenFull !== 'block') return true;
    this.#waiting ??= withResolvers();
    return this.#waiting.promise;
  }

  /** Takes note that events have left. */
  leave(events: number, bytes: number): void {
    this.#events -= events;
    this.#bytes -= bytes;
    if (this.isFull) return;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Takes back a loss that could not be recorded. */
  giveBack({ count, first, last }: Loss): void {
    this.#loss = { first, last: this.#loss?.last ?? last, count: count + (this.#loss?.count ?? 0) };
  }

  /** The loss since the last call. */
  takeLoss(): Loss | undefined {
    const loss = this.#loss;
    this.#loss = undefined;
    return loss;
  }
}

/** `Promise.withResolvers` of later Nodes. */
export function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Whatever was thrown, as an error. */
export function asError(thrown: unknown): Error {
  try {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  } catch {
    return new Error('something was thrown that cannot be read');
  }
}
