import { hash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../base/defined.ts';
import type { VerificationRequest } from '../../contract/verification.ts';
import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import { identityOf } from '../../log/identity.ts';
import type { Table } from '../../store/ports.ts';
import { isUnfinished, type StoredJob, scopeOf, type VerificationJob, VerificationJobs } from './verification-jobs.ts';
import { chooseStep, type Lane, type LaneVerifier, laneId, lanesOf, together } from './verification-lanes.ts';
import type { Verifier } from './verifier.ts';

/** The dependencies of {@link Verifications}. */
export interface VerificationsOptions {
  readonly table: Table;
  readonly verifier: Pick<Verifier, 'verify'>;
  /** Verifies in parts what one run may not get through. @default everything goes in one run */
  readonly inLanes?: LaneVerifier;
  /** Records from which on that is done, and those of a step. @default 250,000 and 100,000 */
  readonly laneRecords?: number;
  readonly stepRecords?: number;
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
  /**
   * The fate of a verification that the signal ends. `again`: it is begun again when it is next asked about. `goes_on`: another
   * run goes on with it at once if this one has come further, and otherwise it has failed. @default again
   */
  readonly whenEnded?: 'again' | 'goes_on';
  /** True if the process that was at it is known to be gone, so that its lease need not run out. @default false */
  readonly takeOver?: boolean;
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
const MAX_RACES = 5;
/** Milliseconds between two looks at a job that is waited for. */
const FIRST_LOOK_MS = 10;
const LOOK_MS = 500;
/** Errors after which the same verification may yet get through. */
const TRANSIENT: ReadonlySet<ErrorCode> = new Set(['throttled', 'unavailable', 'outcome_unknown', 'store_full']);

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
    this.#now = options.now ?? Date.now;
    this.#jobs = new VerificationJobs(options.table, this.#now);
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
    for (let race = 0; race < MAX_RACES; race++) {
      const standing = (await this.#jobs.get(trail, job.id))?.job;
      if (standing !== undefined && scopeOf(standing) !== scopeOf(job)) {
        const message = 'this idempotency key was used for another verification: use a new key';
        throw new SealtrailError('idempotency_conflict', message);
      }
      const { newest, underWay } = standing === undefined ? await this.#jobs.ofScope(job, this.#unreadable(trail)) : {};
      const known = standing ?? underWay;
      if (known !== undefined) return this.#startIfForgotten(known);
      await this.#assertRoom(trail);
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

  /**
   * Sees to the verifications of a trail that wait or run, where no one asks about them.
   *
   * @returns how many there are
   */
  async revive(trail: string): Promise<number> {
    const unfinished = await this.#jobs.unfinished(trail, this.#unreadable(trail));
    for (const job of unfinished) await this.#startIfForgotten(job);
    return unfinished.length;
  }

  /** The runs of a trail to take up if no other process is at work: those that wait, and those whose process is gone. */
  async unfinished(trail: string): Promise<readonly VerificationJob[]> {
    const jobs = await this.#jobs.unfinished(trail, this.#unreadable(trail));
    return (await Promise.all(jobs.map((job) => this.#readRuns(job)))).flatMap(({ runs }) => runs);
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
   * Does a verification, unless it is done or another run is at it. One that is large is split into lanes, which are started; the run
   * that ends the last of them concludes it.
   *
   * @throws the Table's errors; what keeps the verification from getting through is kept in its state instead
   */
  async run(trail: string, id: string, options: VerificationRunOptions = {}): Promise<void> {
    if (!(await this.#isReady(trail, id))) return;
    const { signal, whenEnded = 'again', takeOver = false } = options;
    const claimed = await this.#claim(trail, id, takeOver);
    if (claimed === undefined) return;
    const holder = new Holder(this.#jobs, claimed, this.#now);
    try {
      if (claimed.job.attempts > MAX_ATTEMPTS) {
        throw new SealtrailError('internal', `begun ${MAX_ATTEMPTS} times, and never heard of again`);
      }
      await this.#work(holder, claimed.job, signal);
    } catch (error) {
      const { attempts } = claimed.job;
      if (signal?.aborted === true && whenEnded === 'again') {
        await holder.settle({ state: 'queued', attempts: attempts - 1 });
        return;
      }
      if (signal?.aborted === true && holder.hasMoved) {
        await holder.settle({ state: 'queued', attempts: 0 });
        await this.#options.start(trail, id);
        return;
      }
      if (!isCallersFault(error)) this.#options.onError(error, trail, id);
      if (signal?.aborted === true) await holder.settle({ state: 'failed', error: TOO_LONG });
      else if (isTransient(error) && attempts < MAX_ATTEMPTS) await holder.settle({ state: 'queued' });
      else await holder.settle({ state: 'failed', error: publicError(error) });
    }
    const { lane } = claimed.job;
    // What is taken over is this run: the last of the lanes concludes, and only that one.
    if (lane !== undefined) await this.run(trail, lane.of, { ...options, takeOver: false });
  }

  /** The work of a run once it has the lease. */
  async #work(holder: Holder, job: VerificationJob, signal: AbortSignal | undefined): Promise<void> {
    const { trail, id, request, lane, lanes } = job;
    const { verifier, inLanes, laneRecords, stepRecords } = this.#options;
    const ends = signal === undefined ? holder.lost : AbortSignal.any([signal, holder.lost]);
    if (inLanes !== undefined && lane !== undefined) {
      let next = lane;
      while (next.at < next.to) {
        next = await chooseStep(inLanes, trail, next, { signal: ends, stepRecords });
        await holder.keep(next);
      }
      return holder.settle({ state: 'done' });
    }
    if (inLanes !== undefined && lanes !== undefined) {
      const found = (await this.#jobs.readLanes(job)).map((stored) => stored.job);
      const failed = found.find(({ state }) => state === 'failed');
      if (failed?.error !== undefined) return holder.settle({ state: 'failed', error: failed.error });
      const report = await inLanes.conclude(trail, request, together(found.flatMap((one) => one.lane ?? [])));
      return holder.settle({ state: 'done', report });
    }
    const split = inLanes && lanesOf(id, request, await inLanes.extent(trail, request), laneRecords);
    if (split !== undefined) {
      const { lease: _, ...rest } = job;
      const made = split.map(
        (one, n): VerificationJob => ({
          ...rest,
          ...{ id: laneId(id, n), state: 'queued', attempts: 0, requestedAt: this.#now(), lane: one },
        }),
      );
      await holder.settle({ state: 'running', attempts: 0, lanes: made.length }, made);
      for (const one of made) await this.#options.start(trail, one.id);
      return;
    }
    const onProgress = (at: number, of: number): void => holder.reached(at, of);
    const report = await verifier.verify(trail, request, { signal: ends, onProgress });
    await holder.settle({ state: 'done', report });
  }

  /** True if there is something to do for a run: nothing while lanes are under way. */
  async #isReady(trail: string, id: string): Promise<boolean> {
    const stored = await this.#jobs.get(trail, id);
    if (stored === undefined || !isUnfinished(stored.job)) return false;
    return !(await this.#jobs.readLanes(stored.job)).some(({ job }) => isUnfinished(job));
  }

  /** Takes the lease. Undefined where there is nothing to do, or another run does it. */
  async #claim(trail: string, id: string, takeOver: boolean): Promise<StoredJob | undefined> {
    const stored = await this.#jobs.get(trail, id);
    if (stored === undefined || !isUnfinished(stored.job)) return undefined;
    const { lease: held, progress: _, ...job } = stored.job;
    if (held !== undefined && held.until > this.#now() && !takeOver) return undefined;
    const lease = { owner: randomUUID(), until: this.#now() + LEASE_MS };
    return this.#jobs.replace(stored, { ...job, state: 'running', attempts: job.attempts + 1, lease });
  }

  async #startIfForgotten(job: VerificationJob): Promise<VerificationJob> {
    if (!isUnfinished(job)) return job;
    const { lanes, runs } = await this.#readRuns(job);
    for (const one of runs) {
      const { state, lease, requestedAt } = one;
      const quietSince = state === 'running' ? (lease?.until ?? 0) : requestedAt + OVERDUE_MS;
      if (quietSince < this.#now()) await this.#options.start(one.trail, one.id);
    }
    return lanes.length === 0 ? job : { ...job, progress: progressOf(lanes) };
  }

  /** The lanes of a job that is not finished, and the jobs of it that a run has to do: its lanes that are not, or else it itself. */
  async #readRuns(
    job: VerificationJob,
  ): Promise<{ readonly lanes: readonly VerificationJob[]; readonly runs: readonly VerificationJob[] }> {
    const lanes = (await this.#jobs.readLanes(job)).map((stored) => stored.job);
    const unfinished = lanes.filter(isUnfinished);
    return { lanes, runs: unfinished.length > 0 ? unfinished : [job] };
  }

  #unreadable(trail: string): (error: unknown, id: string) => void {
    return (error, id) => this.#options.onError(error, trail, id);
  }

  async #assertRoom(trail: string): Promise<void> {
    const unfinished = (await this.#jobs.unfinished(trail, this.#unreadable(trail))).length;
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
  /** True if this run has come further in a lane. */
  hasMoved = false;

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

  /**
   * Keeps how far a lane has come.
   *
   * @throws `unavailable` where another run has taken over
   */
  async keep(lane: Lane): Promise<void> {
    await this.#write({ lane, attempts: 1 });
    this.hasMoved = true;
    if (this.#lost.signal.aborted) throw new SealtrailError('unavailable', 'another run has taken over');
  }

  /**
   * Says how it ended, and lets go. Another run that has taken over meanwhile knows better.
   *
   * @param lanes jobs to store with it
   */
  async settle(
    end: Partial<VerificationJob> & Pick<VerificationJob, 'state'>,
    lanes: readonly VerificationJob[] = [],
  ): Promise<void> {
    clearInterval(this.#signs);
    await this.#writing.catch(() => undefined);
    const { lease: _, progress: __, ...job } = this.#stored.job;
    await this.#jobs.replace(this.#stored, { ...job, ...end }, lanes);
  }

  #giveSign(): void {
    // The next sign may get through. Should none, another run takes over, and this one finds that out.
    void this.#write(defined({ progress: this.#progress })).catch(() => undefined);
  }

  /** Changes the job and renews the lease, one write after the other. */
  #write(change: Partial<VerificationJob>): Promise<void> {
    const writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        const { lease } = this.#stored.job;
        if (lease === undefined || this.#lost.signal.aborted) return;
        const renewed = { ...lease, until: this.#now() + LEASE_MS };
        const stored = await this.#jobs.replace(this.#stored, { ...this.#stored.job, ...change, lease: renewed });
        if (stored === undefined) this.#lost.abort();
        else this.#stored = stored;
      });
    this.#writing = writing.catch(() => undefined);
    return writing;
  }
}

/** How far all the lanes of a verification have come. */
function progressOf(lanes: readonly VerificationJob[]): { readonly at: number; readonly of: number } {
  const all = lanes.flatMap(({ lane }) => lane ?? []);
  const from = Math.min(...all.map((lane) => lane.from));
  const done = all.reduce((sum, lane) => sum + lane.at - lane.from, 0);
  return { at: from + done, of: Math.max(...all.map(({ to }) => to)) };
}

/** An id that cannot be guessed, or the one that belongs to an idempotency key of the asker's, whatever its session. */
function idOf(trail: string, { name, idempotencyKey }: VerificationAsker): string {
  if (idempotencyKey === undefined) return randomBytes(16).toString('hex');
  return hash('sha256', JSON.stringify(['verification', trail, identityOf(name), idempotencyKey]), 'hex').slice(0, 32);
}

/** True if the asker can do something about it. */
const isCallersFault = (error: unknown): boolean =>
  error instanceof SealtrailError && ['invalid_parameter', 'not_found', 'rate_limited'].includes(error.code);

const isTransient = (error: unknown): boolean => error instanceof SealtrailError && TRANSIENT.has(error.code);

const TOO_LONG = {
  code: 'unavailable',
  message: 'it takes longer than a verification may take here: ask for ranges, or verify the archive',
};

/** An error as the requester sees it. Messages of ours hold nothing secret; others might. */
function publicError(error: unknown): NonNullable<VerificationJob['error']> {
  if (!(error instanceof SealtrailError) || error.code === 'internal') {
    return { code: 'internal', message: 'something went wrong inside: the operator finds the cause in the log' };
  }
  const { code, message, field } = error;
  return { code, message, ...defined({ field }) };
}
