import { SealtrailError } from '../log/error.ts';
import type { Retry, Table } from '../store/ports.ts';
import { type Commit, commit, type Landing, type Submission } from './commit.ts';
import type { Head } from './items/head.ts';

/** Submissions in one transaction, of whose 100 writes the head, the trail and the block's parts take up to 12. */
const MAX_SUBMISSIONS = 64;
/** Records in one block, unless one submission alone brings more. */
const MAX_RECORDS = 5_000;
/** Bytes of events in one block, before compression, unless one submission alone brings more. */
const MAX_BYTES = 3_000_000;
/** Bytes of events that may wait for one trail. Beyond that callers are pushed back: memory stays bounded. */
const MAX_WAITING_BYTES = 64_000_000;

interface Waiting extends Submission {
  readonly bytes: number;
  readonly resolve: (landed: Landed) => void;
  readonly reject: (reason: unknown) => void;
}

/** A submission that was committed, with the commit that it shares with others. */
export interface Landed {
  readonly commit: Commit;
  readonly landing: Landing;
}

/**
 * Group commit of one trail: what waits while a transaction is under way goes together into the next one. Order of
 * arrival is order in the trail.
 */
export class Group {
  readonly #table: Table;
  readonly #trail: string;
  readonly #now: () => number;
  readonly #onRetry: ((retry: Retry) => void) | undefined;
  readonly #queue: Waiting[] = [];
  #waitingBytes = 0;
  #head: Head | undefined;
  #running: Promise<void> | undefined;

  constructor(table: Table, trail: string, now: () => number, onRetry?: (retry: Retry) => void) {
    this.#table = table;
    this.#trail = trail;
    this.#now = now;
    this.#onRetry = onRetry;
  }

  /**
   * Commits a submission with whatever else is waiting.
   *
   * @throws `rate_limited` when too much is waiting already, and what {@link commit} throws.
   */
  submit(submission: Submission): Promise<Landed> {
    const bytes = submission.events.reduce((sum, event) => sum + event.json.length, 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      const message = 'too many events are waiting for this trail: try again';
      return Promise.reject(new SealtrailError('rate_limited', message, { retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#waitingBytes += bytes;
      this.#queue.push({ ...submission, bytes, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves once nothing is waiting. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    // One turn of the event loop, so that requests that arrived together are committed together.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) await this.#commitNext();
    this.#running = undefined;
  }

  async #commitNext(): Promise<void> {
    const together = this.#take();
    try {
      const context = { table: this.#table, trail: this.#trail, now: this.#now, onRetry: this.#onRetry };
      const done = await commit({ ...context, known: this.#head }, together);
      this.#head = done.head;
      const landings = new Map(done.landings.map((landing) => [landing.submission, landing]));
      for (const waiting of together) {
        const landing = landings.get(waiting);
        if (landing === undefined) waiting.reject(new RangeError('a submission got lost in its commit'));
        else waiting.resolve({ commit: done, landing });
      }
    } catch (error) {
      // Another process may have moved the head meanwhile: look before the next attempt.
      this.#head = undefined;
      for (const waiting of together) waiting.reject(error);
    } finally {
      for (const { bytes } of together) this.#waitingBytes -= bytes;
    }
  }

  /** The next submissions that fit into one transaction; of two with one idempotency key only the first. */
  #take(): Waiting[] {
    const taken: Waiting[] = [];
    const keys = new Set<string>();
    let records = 0;
    let bytes = 0;
    for (const next of this.#queue) {
      const key = next.idempotency === undefined ? undefined : `${next.idempotency.key} ${next.submitter}`;
      const full =
        taken.length >= MAX_SUBMISSIONS || records + next.events.length > MAX_RECORDS || bytes + next.bytes > MAX_BYTES;
      if (taken.length > 0 && (full || (key !== undefined && keys.has(key)))) break;
      if (key !== undefined) keys.add(key);
      records += next.events.length;
      bytes += next.bytes;
      taken.push(next);
    }
    this.#queue.splice(0, taken.length);
    return taken;
  }
}
