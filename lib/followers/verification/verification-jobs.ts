import * as z from 'zod';
import { VERIFICATION_STATES, type VerificationReply, type VerificationReport } from '../../contract/verification.ts';
import { attributesOf, withFormat } from '../../ledger/items/format.ts';
import { verificationKey, verificationScopeKey, verificationsOf } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Item, Table } from '../../store/ports.ts';

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
  error: z.object({ code: z.string(), message: z.string(), field: z.string().exactOptional() }).exactOptional(),
});

/** A verification that was asked for, with what its runs need to know. */
export interface VerificationJob extends VerificationReply {
  readonly attempts: number;
  readonly lease?: { readonly owner: string; readonly until: number };
}

/** A job with the version under which it was read. */
export interface StoredJob {
  readonly version: number;
  readonly job: VerificationJob;
}

/** How long a verification can be asked about. */
const REMEMBERED_SECONDS = 2 * 86_400;

/** What is verified by a job: two requests for the same are one job while it is under way. */
export const scopeOf = ({ request }: Pick<VerificationJob, 'request'>): string =>
  typeof request === 'string' ? request : `${request.from ?? ''}-${request.to ?? ''}`;

export const isUnfinished = ({ state }: VerificationJob): boolean => state === 'queued' || state === 'running';

/** The verifications that were asked for, in the Table. */
export class VerificationJobs {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  /** @throws `store_corrupt` */
  async get(trail: string, id: string): Promise<StoredJob | undefined> {
    const item = await this.#table.get(verificationKey(trail, id));
    return item === undefined ? undefined : jobFromItem(item);
  }

  /** How many of a trail's jobs wait or run. */
  async unfinished(trail: string): Promise<number> {
    let unfinished = 0;
    for await (const item of this.#table.query(verificationsOf(trail))) {
      if (isUnfinished(jobFromItem(item).job)) unfinished += 1;
    }
    return unfinished;
  }

  /** The unfinished job of the same scope, and the id of the newest one there was. */
  async ofScope(job: VerificationJob): Promise<{ readonly newest?: string; readonly underWay?: VerificationJob }> {
    const item = await this.#table.get(verificationScopeKey(job.trail, scopeOf(job)));
    if (item === undefined) return {};
    const newest = String(attributesOf('verification scope', item).id);
    const stored = await this.get(job.trail, newest);
    return stored !== undefined && isUnfinished(stored.job) ? { newest, underWay: stored.job } : { newest };
  }

  /**
   * Stores a new job as the newest of its scope.
   *
   * @param after the id of the newest one so far
   * @returns whether it is stored; not where another one came first
   */
  async add(job: VerificationJob, after: string | undefined): Promise<boolean> {
    const scope: Item = {
      ...verificationScopeKey(job.trail, scopeOf(job)),
      attributes: withFormat('verification scope', { id: job.id }),
      expiresAt: expiryOf(job),
    };
    const { committed } = await this.#table.transact([
      { put: itemOf(job, 1), when: { is: 'absent' } },
      { put: scope, when: after === undefined ? { is: 'absent' } : { is: 'equal', attribute: 'id', value: after } },
    ]);
    return committed;
  }

  /** Replaces a job that is still as it was read. @returns what is stored now; undefined where another was first */
  async replace({ version }: StoredJob, job: VerificationJob): Promise<StoredJob | undefined> {
    const put = itemOf(job, version + 1);
    const { committed } = await this.#table.transact([
      { put, when: { is: 'equal', attribute: 'version', value: version } },
    ]);
    return committed ? { version: version + 1, job } : undefined;
  }
}

const expiryOf = ({ requestedAt }: VerificationJob): number => Math.ceil(requestedAt / 1000) + REMEMBERED_SECONDS;

const itemOf = (job: VerificationJob, version: number): Item => ({
  ...verificationKey(job.trail, job.id),
  attributes: withFormat('verification', { version, job: JSON.stringify(job) }),
  expiresAt: expiryOf(job),
});

function jobFromItem(item: Item): StoredJob {
  const { version, job } = attributesOf('verification', item);
  try {
    return { version: z.int().parse(version), job: jobSchema.parse(JSON.parse(String(job))) };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the verification ${item.sort} is not readable`, { cause });
  }
}
