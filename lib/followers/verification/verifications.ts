import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../base/defined.ts';
import type { VerificationRequest } from '../../contract/verification.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import { identityOf } from '../../log/identity.ts';
import type { Table } from '../../store/ports.ts';
import { isUnfinished, type StoredJob, scopeOf, type VerificationJob, VerificationJobs } from './verification-jobs.ts';
import type { Verifier } from './verifier.ts';

/** What {@link Verifications} work with. */
export interface VerificationsOptions {
  readonly table: Table;
  readonly verifier: Pick<Verifier, 'verify'>;
  /** Sees to it that `run` is called soon, here or in another process. May be called again for the same one. */
  readonly start: (trail: string, id: string) => Promise<void>;
  /** Called when a verification did not get through, for a reason that is not the asker's. Must not throw. */
  readonly onError: (error: unknown, trail: string, id: string) => void;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Who asks. */
export interface VerificationAsker {
  readonly name: string;
  /** The same key and request give the same verification. */
  readonly idempotencyKey?: string;
}

/** How a run is bounded. */
export interface VerificationRunOptions {
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** What becomes of a verification that the signal ends: begun again later, or failed for good. @default again */
  readonly whenEnded?: 'again' | 'failed';
}

/** How long a run is left alone without a sign of life, and how often it gives one. */
const LEASE_MS = 60_000;
const SIGN_MS = 5_000;
/** A job that was not begun for so long is started again: its first start may have been lost. */
const OVERDUE_MS = 60_000;
/** Verifications of one trail that wait or run at a time. */
const MAX_UNFINISHED = 6;
/** Runs of one job that are never heard of again before it counts as failed. */
const MAX_ATTEMPTS = 3;
const RACES = 5;
/** Milliseconds between two looks at a job that is waited for. */
const FIRST_LOOK_MS = 10;
const LOOK_MS = 500;
/** Errors after which the same verification may yet get through. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['throttled', 'unavailable', 'outcome_unknown', 'store_full']);

/**
 * Verifications that were asked for. Each has an id and a record of how far it is and what came of it, so that neither a
 * connection that breaks nor a request that is repeated begins it twice.
 */
export class Verifications {
  readonly #options: VerificationsOptions;
  readonly #jobs: VerificationJobs;
  readonly #now: () => number;

  constructor(options: VerificationsOptions) {
    this.#options = options;
    this.#jobs = new VerificationJobs(options.table);
    this.#now = options.now ?? Date.now;
  }

  /**
   * Takes a verification to be done, and starts it. While one of the same is under way, that is the answer.
   *
   * @throws `idempotency_conflict`: the key was used for another request; `rate_limited`: too many wait already; what the Table
   *   and the start throw
   */
  async request(trail: string, request: VerificationRequest, asker: VerificationAsker): Promise<VerificationJob> {
    const job: VerificationJob = {
      ...{ id: idOf(trail, asker), trail, state: 'queued', attempts: 0 },
      request: typeof request === 'string' ? request : defined(request),
      ...{ requestedBy: asker.name, requestedAt: this.#now() },
    };
    for (let race = 0; race < RACES; race++) {
      const standing = (await this.#jobs.get(trail, job.id))?.job;
      if (standing !== undefined && scopeOf(standing) !== scopeOf(job)) {
        const message = 'this idempotency key was used for another verification: use a new key';
        throw new SealtrailError('idempotency_conflict', message);
      }
      const { newest, underWay } = standing === undefined ? await this.#jobs.ofScope(job) : {};
      const known = standing ?? underWay;
      if (known !== undefined) return this.#startIfForgotten(known);
      await this.#demandRoom(trail);
      if (!(await this.#jobs.add(job, newest))) continue;
      await this.#options.start(trail, job.id);
      return job;
    }
    throw new SealtrailError('throttled', 'the same is asked for by many at once: try again', { retryAfter: 1 });
  }

  /** A verification as it stands; undefined where there is none of this id. Starts it again where it seems to be forgotten. */
  async get(trail: string, id: string): Promise<VerificationJob | undefined> {
    const stored = await this.#jobs.get(trail, id);
    return stored && this.#startIfForgotten(stored.job);
  }

  /** The same once it has come to its end, or as it stands when the time is over. */
  async settled(job: VerificationJob, milliseconds: number): Promise<VerificationJob> {
    const until = this.#now() + milliseconds;
    let found = job;
    for (let pause = FIRST_LOOK_MS; isUnfinished(found) && this.#now() < until; pause = Math.min(LOOK_MS, 2 * pause)) {
      await sleep(Math.min(pause, until - this.#now()));
      found = (await this.#jobs.get(job.trail, job.id))?.job ?? found;
    }
    return found;
  }

  /**
   * Does a verification, unless it is done or another run is at it.
   *
   * @throws the Table's errors; what keeps the verification from getting through is kept in its state instead
   */
  async run(trail: string, id: string, options: VerificationRunOptions = {}): Promise<void> {
    const claimed = await this.#claim(trail, id);
    if (claimed === undefined) return;
    const { signal, whenEnded = 'again' } = options;
    const holder = new Holder(this.#jobs, claimed, this.#now);
    try {
      if (claimed.job.attempts > MAX_ATTEMPTS) {
        throw new SealtrailError('internal', `begun ${MAX_ATTEMPTS} times, and never heard of again`);
      }
      const report = await this.#options.verifier.verify(trail, claimed.job.request, {
        signal: signal === undefined ? holder.lost : AbortSignal.any([signal, holder.lost]),
        onProgress: (at, of) => holder.reached(at, of),
      });
      await holder.settle({ state: 'done', report });
    } catch (error) {
      const { attempts } = claimed.job;
      if (signal?.aborted === true && whenEnded === 'again') {
        await holder.settle({ state: 'queued', attempts: attempts - 1 });
        return;
      }
      if (!isAskers(error)) this.#options.onError(error, trail, id);
      if (signal?.aborted === true) await holder.settle({ state: 'failed', error: TOO_LONG });
      else if (isPassing(error) && attempts < MAX_ATTEMPTS) await holder.settle({ state: 'queued' });
      else await holder.settle({ state: 'failed', error: told(error) });
    }
  }

  /** Takes the lease. Undefined where there is nothing to do, or another run does it. */
  async #claim(trail: string, id: string): Promise<StoredJob | undefined> {
    const stored = await this.#jobs.get(trail, id);
    if (stored === undefined || !isUnfinished(stored.job)) return undefined;
    const { lease: held, progress: _, ...job } = stored.job;
    if (held !== undefined && held.until > this.#now()) return undefined;
    const lease = { owner: randomUUID(), until: this.#now() + LEASE_MS };
    return this.#jobs.replace(stored, { ...job, state: 'running', attempts: job.attempts + 1, lease });
  }

  async #startIfForgotten(job: VerificationJob): Promise<VerificationJob> {
    const { state, lease, requestedAt } = job;
    const quietSince = state === 'running' ? (lease?.until ?? 0) : requestedAt + OVERDUE_MS;
    if (isUnfinished(job) && quietSince < this.#now()) await this.#options.start(job.trail, job.id);
    return job;
  }

  async #demandRoom(trail: string): Promise<void> {
    const unfinished = await this.#jobs.unfinished(trail);
    if (unfinished < MAX_UNFINISHED) return;
    const message = `${unfinished} verifications of trail ${trail} are under way already: try again`;
    throw new SealtrailError('rate_limited', message, { retryAfter: 5 });
  }
}

/** Keeps the lease of a claimed job until it is settled. */
class Holder {
  readonly #jobs: VerificationJobs;
  readonly #now: () => number;
  readonly #lost = new AbortController();
  readonly #signs: NodeJS.Timeout;
  #stored: StoredJob;
  #progress: VerificationJob['progress'];
  #writing: Promise<void> = Promise.resolve();

  constructor(jobs: VerificationJobs, stored: StoredJob, now: () => number) {
    this.#jobs = jobs;
    this.#stored = stored;
    this.#now = now;
    this.#signs = setInterval(() => this.#giveSign(), SIGN_MS).unref();
  }

  /** Aborted when another run has taken over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  reached(at: number, of: number): void {
    this.#progress = { at, of };
  }

  /** Says how it ended, and lets go. Another run that has taken over meanwhile knows better. */
  async settle(end: Partial<VerificationJob> & Pick<VerificationJob, 'state'>): Promise<void> {
    clearInterval(this.#signs);
    await this.#writing;
    const { lease: _, progress: __, ...job } = this.#stored.job;
    await this.#jobs.replace(this.#stored, { ...job, ...end });
  }

  #giveSign(): void {
    this.#writing = this.#writing.then(async () => {
      const { lease } = this.#stored.job;
      if (lease === undefined || this.#lost.signal.aborted) return;
      const job = {
        ...this.#stored.job,
        ...defined({ progress: this.#progress }),
        lease: { ...lease, until: this.#now() + LEASE_MS },
      };
      try {
        const stored = await this.#jobs.replace(this.#stored, job);
        if (stored === undefined) this.#lost.abort();
        else this.#stored = stored;
      } catch {
        // The next sign may get through. Should none, another run takes over, and this one finds that out.
      }
    });
  }
}

/** An id that cannot be guessed, or the one that belongs to an idempotency key of the asker's, whatever its session. */
function idOf(trail: string, { name, idempotencyKey }: VerificationAsker): string {
  if (idempotencyKey === undefined) return randomBytes(16).toString('hex');
  return hash('sha256', JSON.stringify(['verification', trail, identityOf(name), idempotencyKey]), 'hex').slice(0, 32);
}

/** Whether the asker can do something about it. */
const isAskers = (error: unknown): boolean =>
  error instanceof SealtrailError && ['invalid_parameter', 'not_found', 'rate_limited'].includes(error.code);

const isPassing = (error: unknown): boolean => error instanceof SealtrailError && PASSING.has(error.code);

const TOO_LONG = {
  code: 'unavailable',
  message: 'it takes longer than a verification may take here: ask for ranges, or verify the archive',
};

/** What the asker is told of an error. Messages of ours hold nothing secret; others might. */
function told(error: unknown): NonNullable<VerificationJob['error']> {
  if (!(error instanceof SealtrailError) || error.code === 'internal') {
    return { code: 'internal', message: 'something went wrong inside: the operator finds the cause in the log' };
  }
  const { code, message, field } = error;
  return { code, message, ...defined({ field }) };
}
