import { SealtrailError } from '../log/error.ts';
import type { CommitContext } from './attempt.ts';
import { type Commit, commit } from './commit.ts';
import { Contention } from './contention.ts';
import type { Head } from './items/head.ts';
import { keyOf, type Placed, type Submission } from './items/submission.ts';
import { type LineContext, MAX_BYTES, MAX_RECORDS, PACE, type Pace } from './line.ts';
import { TurnWatch } from './turn-watch.ts';
import { type CommitResult, drainLine, leaveInLine, waitInLine } from './wait.ts';

/** Submissions in one transaction, of whose 100 writes the head, the trail and the block's parts take up to 12. */
const MAX_SUBMISSIONS = 64;
/** Bytes of events that may wait for one trail. Beyond that callers are pushed back: memory stays bounded. */
const MAX_WAITING_BYTES = 64_000_000;

interface Waiting extends Submission {
  readonly bytes: number;
  /** True if its caller only wants it to be durable, and need not know where it lands. */
  readonly isLeft: boolean;
  readonly resolve: (landed: CommitResult | undefined) => void;
  readonly reject: (reason: unknown) => void;
}

/** The dependencies of a queue of commits. */
export interface CommitQueueOptions extends CommitContext {
  /** Called for each commit of what other processes submitted too, and awaited: it signs. Must not reject. */
  readonly onCombined: (commit: Commit) => Promise<unknown>;
  /** @default {@link PACE} */
  readonly pace?: Pace | undefined;
}

/**
 * Appends of one trail. Within the process they are group commits: what waits while a transaction is under way goes together into
 * the next one, in order of arrival. Where other processes append to the same trail, what loses to them goes in line with theirs.
 */
export class CommitQueue {
  readonly #context: LineContext;
  readonly #contention = new Contention();
  readonly #queue: Waiting[] = [];
  readonly #inLine = new Set<Promise<void>>();
  #waitingBytes = 0;
  #head: Head | undefined;
  #running: Promise<void> | undefined;

  constructor({ pace = PACE, onCombined, ...context }: CommitQueueOptions) {
    this.#context = {
      ...context,
      pace,
      turns: new TurnWatch(pace.turnMs),
      onCombined: (done) => this.#combined(done, onCombined),
    };
  }

  /**
   * Commits a submission with whatever else is waiting.
   *
   * @throws `rate_limited` when too much is waiting already, and what {@link commit} and {@link waitInLine} throw.
   */
  async submit(submission: Submission): Promise<CommitResult> {
    const landed = await this.#enqueue(submission, false);
    if (landed === undefined) throw new RangeError('a submission got lost in its commit');
    return landed;
  }

  /** Makes a submission durable. Where others append too it is committed a little later, see {@link leaveInLine}. */
  async leave(submission: Submission): Promise<CommitResult | undefined> {
    return this.#enqueue(submission, true);
  }

  /** Commits what was left in line. */
  drain(signal?: AbortSignal): Promise<void> {
    return drainLine(this.#context, signal);
  }

  /** Resolves once nothing is waiting. */
  async idle(): Promise<void> {
    await this.#running;
    await Promise.all(this.#inLine);
  }

  #enqueue(submission: Submission, isLeft: boolean): Promise<CommitResult | undefined> {
    const bytes = submission.events.reduce((sum, event) => sum + event.json.length, 0);
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      const message = 'too many events are waiting for this trail: try again';
      return Promise.reject(new SealtrailError('rate_limited', message, { retryAfter: 1 }));
    }
    return new Promise((resolve, reject) => {
      this.#waitingBytes += bytes;
      this.#queue.push({ ...submission, bytes, isLeft, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  async #drain(): Promise<void> {
    // What arrives in the same turn of the event loop belongs together.
    await undefined;
    while (this.#queue.length > 0) {
      if (this.#contention.isExpected)
        for (const waiting of this.#queue.splice(0)) this.#goInLine(waiting, performance.now());
      else await this.#commit(this.#take());
    }
    this.#running = undefined;
  }

  async #commit(together: readonly Waiting[]): Promise<void> {
    const began = performance.now();
    try {
      const done = await commit({ ...this.#context, known: this.#head }, together);
      this.#head = done.head;
      if (done.contended.length > 0) this.#contention.met();
      for (const landing of done.results) {
        const { submission } = landing;
        this.#waitingBytes -= submission.bytes;
        submission.resolve('first' in landing ? { commit: done, first: landing.first } : landing);
      }
      for (const waiting of done.contended) this.#goInLine(waiting, began);
    } catch (error) {
      // Another process may have moved the head meanwhile: look before the next attempt.
      this.#head = undefined;
      for (const waiting of together) {
        this.#waitingBytes -= waiting.bytes;
        waiting.reject(error);
      }
    }
  }

  #goInLine({ bytes, isLeft, resolve, reject, ...submission }: Waiting, began: number): void {
    const landing = isLeft ? leaveInLine(this.#context, submission) : waitInLine(this.#context, submission, began);
    const settled = landing
      .then(
        (landed) => {
          if (landed !== undefined && 'found' in landed) this.#contention.met();
          resolve(landed);
        },
        (error) => {
          this.#contention.met();
          reject(error);
        },
      )
      .finally(() => {
        this.#waitingBytes -= bytes;
        this.#inLine.delete(settled);
      });
    this.#inLine.add(settled);
  }

  async #combined(done: Commit<Placed>, tell: (commit: Commit) => Promise<unknown>): Promise<void> {
    // Alone in line, and nothing came between this process's last append and this one.
    const isAlone = done.results.length === 1 && done.block?.first === this.#head?.size;
    if (isAlone) this.#contention.isOver();
    else if (done.results.length > 1) this.#contention.met();
    this.#head = done.head;
    await tell(done);
  }

  /** The next submissions that fit into one transaction; of two with one idempotency key only the first. */
  #take(): Waiting[] {
    const taken: Waiting[] = [];
    const keys = new Set<string>();
    let records = 0;
    let bytes = 0;
    for (const next of this.#queue) {
      const key = keyOf(next);
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
