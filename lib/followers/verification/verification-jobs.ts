import * as z from 'zod';
import { VERIFICATION_STATES, type VerificationReply, type VerificationReport } from '../../contract/verification.ts';
import { attributesOf, withFormat } from '../../ledger/items/format.ts';
import { verificationKey, verificationScopeKey, verificationsOf } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Condition, Item, Table } from '../../store/ports.ts';
import { type Lane, laneId, laneSchema } from './verification-lanes.ts';

const count = z.int().min(0);

const jobSchema = z.object({
  id: z.string(),
  trail: z.string(),
  state: z.enum(VERIFICATION_STATES),
  request: z.union([
    z.enum(['incremental', 'full']),
    z.object({ from: count.exactOptional(), to: count.exactOptional() }),
  ]),
  requestedBy: z.string(),
  requestedAt: count,
  /** How often it was begun. */
  attempts: count,
  /** The run that works on it. Until then, in Unix milliseconds, no other may. */
  lease: z.object({ owner: z.string(), until: count }).exactOptional(),
  progress: z.object({ at: count, of: count }).exactOptional(),
  // Our own words, shown to readers and never acted upon.
  report: z.custom<VerificationReport>((value) => typeof value === 'object' && value !== null).exactOptional(),
  /** How many lanes it was split into. */
  lanes: count.exactOptional(),
  lane: laneSchema.exactOptional(),
  error: z.object({ code: z.string(), message: z.string(), field: z.string().exactOptional() }).exactOptional(),
});

/** A verification that was asked for, with what its runs need to know. */
export interface VerificationJob extends VerificationReply {
  readonly attempts: number;
  readonly lease?: { readonly owner: string; readonly until: number };
  /** How many lanes it was split into, each a job of its own. */
  readonly lanes?: number;
  /** Of a job that is a lane of another one. */
  readonly lane?: Lane;
}

/** A job with the version under which it was read. */
export interface StoredJob {
  readonly version: number;
  readonly job: VerificationJob;
}

/** In place of an id that cannot be read. */
const UNREADABLE: unique symbol = Symbol('unreadable');

/** The known state of the verifications of a scope: the id of the newest, and it itself while it is under way. */
export interface ScopeState {
  readonly newest?: string | typeof UNREADABLE;
  readonly underWay?: VerificationJob;
}

/** How long a verification can be asked about after it was last worked on. */
const REMEMBERED_SECONDS = 2 * 86_400;
/** How long at least a second one of the same scope finds it, should it take so long. */
const SCOPE_SECONDS = 14 * 86_400;

/** The subject of a job: two requests for the same are one job while it is under way. */
export const scopeOf = ({ request }: Pick<VerificationJob, 'request'>): string =>
  typeof request === 'string' ? request : `${request.from ?? ''}-${request.to ?? ''}`;

export const isUnfinished = ({ state }: VerificationJob): boolean => state === 'queued' || state === 'running';

/** The verifications that were asked for, in the Table. */
export class VerificationJobs {
  readonly #table: Table;
  readonly #now: () => number;

  constructor(table: Table, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** @throws `store_corrupt` */
  async get(trail: string, id: string): Promise<StoredJob | undefined> {
    const item = await this.#table.get(verificationKey(trail, id));
    return item === undefined ? undefined : jobFromItem(item);
  }

  /**
   * A trail's jobs that wait or run, without their lanes. One that cannot be read is reported and left out: it must not stop the others.
   *
   * @param onUnreadable called with the error and the job's id. Must not throw
   */
  async unfinished(
    trail: string,
    onUnreadable: (error: unknown, id: string) => void,
  ): Promise<readonly VerificationJob[]> {
    const unfinished: VerificationJob[] = [];
    for await (const item of this.#table.query(verificationsOf(trail))) {
      const job = readJob(item, onUnreadable);
      if (job !== undefined && isUnfinished(job) && job.lane === undefined) unfinished.push(job);
    }
    return unfinished;
  }

  /** The lanes of a job that was split. */
  async readLanes({ trail, id, lanes = 0 }: VerificationJob): Promise<readonly StoredJob[]> {
    const found = await Promise.all(Array.from({ length: lanes }, (_, n) => this.get(trail, laneId(id, n))));
    return found.flatMap((lane) => lane ?? []);
  }

  /** The unfinished job of the same scope, and the id of the newest one there was. What of them cannot be read is written over. */
  async ofScope(job: VerificationJob, onUnreadable: (error: unknown, id: string) => void): Promise<ScopeState> {
    const item = await this.#table.get(verificationScopeKey(job.trail, scopeOf(job)));
    if (item === undefined) return {};
    const { id: newest } = attributesOf('verification scope', item);
    if (typeof newest !== 'string') return { newest: UNREADABLE };
    const stored = await this.#table.get(verificationKey(job.trail, newest));
    const known = stored && readJob(stored, onUnreadable);
    return known !== undefined && isUnfinished(known) ? { newest, underWay: known } : { newest };
  }

  /**
   * Stores a new job as the newest of its scope.
   *
   * @param after the newest one so far
   * @returns whether it is stored; not where another one came first
   */
  async add(job: VerificationJob, after: ScopeState['newest']): Promise<boolean> {
    const scope: Item = {
      ...verificationScopeKey(job.trail, scopeOf(job)),
      attributes: withFormat('verification scope', { id: job.id }),
      expiresAt: this.#after(SCOPE_SECONDS),
    };
    const { committed } = await this.#table.transact([
      { put: this.#itemOf(job, 1), when: { is: 'absent' } },
      { put: scope, when: conditionOf(after) },
    ]);
    return committed;
  }

  /**
   * Replaces a job that is still as it was read.
   *
   * @param lanes jobs to store with it
   * @returns the job now stored; undefined where another was first
   */
  async replace(
    { version }: StoredJob,
    job: VerificationJob,
    lanes: readonly VerificationJob[] = [],
  ): Promise<StoredJob | undefined> {
    const { committed } = await this.#table.transact([
      { put: this.#itemOf(job, version + 1), when: { is: 'equal', attribute: 'version', value: version } },
      ...lanes.map((lane) => ({ put: this.#itemOf(lane, 1) })),
    ]);
    return committed ? { version: version + 1, job } : undefined;
  }

  #itemOf(job: VerificationJob, version: number): Item {
    return {
      ...verificationKey(job.trail, job.id),
      attributes: withFormat('verification', { version, job: JSON.stringify(job) }),
      expiresAt: this.#after(REMEMBERED_SECONDS),
    };
  }

  #after(seconds: number): number {
    return Math.ceil(this.#now() / 1000) + seconds;
  }
}

function conditionOf(newest: ScopeState['newest']): Condition {
  if (newest === undefined) return { is: 'absent' };
  return newest === UNREADABLE ? { is: 'present' } : { is: 'equal', attribute: 'id', value: newest };
}

function readJob(item: Item, onUnreadable: (error: unknown, id: string) => void): VerificationJob | undefined {
  try {
    return jobFromItem(item).job;
  } catch (error) {
    onUnreadable(error, item.sort);
    return undefined;
  }
}

function jobFromItem(item: Item): StoredJob {
  const { version, job } = attributesOf('verification', item);
  try {
    return { version: z.int().parse(version), job: jobSchema.parse(JSON.parse(String(job))) };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the verification ${item.sort} is not readable`, { cause });
  }
}
