import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExportManifest } from '../contract/exports.ts';
import type { StoredCheckpoint } from '../ledger/checkpoints.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Queries } from '../query/queries.ts';
import type { Downloads, DownloadWriter } from '../store/ports.ts';
import { boundsOf, type ExportJob, type ExportJobs, folderOf, type StoredJob } from './export-job.ts';
import { stateManifest } from './manifest-statement.ts';
import { type ExportProgress, type ExportTarget, isTransient, writeExport } from './write-export.ts';

/** The parts that a run works with. */
export interface RunContext {
  readonly jobs: ExportJobs;
  readonly ledger: Pick<Ledger, 'append' | 'head' | 'checkpoint'>;
  readonly queries: Pick<Queries, 'all' | 'masked' | 'provenAll'>;
  /** Tree nodes of a trail. */
  readonly nodes: (trail: string) => NodeReader;
  readonly downloads: Downloads;
  readonly logName: string;
  readonly onError: (error: unknown, trail: string, id: string) => void;
  readonly now: () => number;
}

export interface RunOptions {
  /** Ends it: the export waits for another run. */
  readonly signal?: AbortSignal;
  /** True if the previous owner is known to be dead. */
  readonly takeOver?: boolean;
  /** When there is no time left; Unix milliseconds. An export that is not done by then fails. */
  readonly until?: number;
}

/** How long a run is left alone without a sign of life, and how often it gives one. */
const LEASE_MS = 60_000;
const SIGN_MS = 2_000;
/** Runs of one export that may fail, or be heard of no more, before it counts as failed. */
const MAX_ATTEMPTS = 3;
/** The head of a trail is signed within a second or so; beyond this something is wrong. */
const CHECKPOINT_TRIES = 100;
const CHECKPOINT_PAUSE_MS = 100;

/** Another run has taken the export over, or it is gone: the work of this one no longer counts. */
class LostLease extends Error {}

/** One try at an export: takes the lease, writes, and says how it ended. */
export class ExportRun {
  readonly #context: RunContext;
  readonly #options: RunOptions;
  readonly #owner = randomUUID();

  constructor(context: RunContext, options: RunOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** See `Exports.run`. */
  async run(trail: string, id: string): Promise<void> {
    const claimed = await this.#claim(trail, id);
    if (claimed === undefined) return;
    const holder = new Holder(this.#context, claimed, this.#owner);
    try {
      if (holder.job.attempts > MAX_ATTEMPTS) {
        throw new SealtrailError('internal', `begun ${MAX_ATTEMPTS} times, and never heard of again`);
      }
      const manifest = await this.#write(holder);
      await holder.settle({ state: 'done', manifest });
    } catch (error) {
      if (error instanceof LostLease) return;
      await this.#fail(holder, error);
    }
  }

  /** Takes the lease. Undefined if there is nothing to do, or another run does it. */
  async #claim(trail: string, id: string): Promise<StoredJob | undefined> {
    const { jobs, now } = this.#context;
    const stored = await jobs.get(trail, id);
    if (stored === undefined) return undefined;
    const { lease: held, progress: _, ...job } = stored.job;
    if (job.state === 'done' || job.state === 'failed' || now() >= job.expiresAt) return undefined;
    if (held !== undefined && held.until > now() && this.#options.takeOver !== true) return undefined;
    const lease = { owner: this.#owner, until: now() + LEASE_MS };
    return jobs.replace(stored, { ...job, state: 'running', attempts: job.attempts + 1, lease });
  }

  async #write(holder: Holder): Promise<ExportManifest> {
    const { queries, nodes, logName, now } = this.#context;
    const { trail, id, format, compression, filters, requestedBy, requestedAt } = holder.job;
    const checkpoint = await this.#covering(trail);
    const open: DownloadWriter[] = [];
    const create = async (name: string): Promise<DownloadWriter> => {
      const writer = await this.#context.downloads.create(`${folderOf(holder.job)}/${name}`);
      open.push(writer);
      return writer;
    };
    try {
      const file = await create('file');
      const target: ExportTarget =
        format === 'ndjson' ? { file, proof: await create('proof'), complete: await create('complete') } : { file };
      const source = { queries, nodes: nodes(trail), logName, trail, checkpoint };
      const written = await writeExport(source, holder.job, target, async (progress) => {
        this.#options.signal?.throwIfAborted();
        this.#assertTime();
        await holder.giveSign(progress);
      });
      await file.finish();
      if (written.proof !== undefined && written.proof.hashes > 0) await target.proof?.finish();
      if (written.complete !== undefined) await target.complete?.finish();
      const known = { v: 1, id, log: logName, trail, format, compression, ...boundsOf(holder.job) } as const;
      const request = { requestedBy, requestedAt, finishedAt: now() };
      return await this.#stated({ ...known, filters: listed(filters), ...written, ...request }, holder.job);
    } finally {
      await Promise.allSettled(open.map((writer) => writer.abandon()));
    }
  }

  /** With the log's word for it; without, where that cannot be had: then the export proves less, and says so. */
  async #stated(manifest: ExportManifest, { trail, id, attempts }: ExportJob): Promise<ExportManifest> {
    try {
      return { ...manifest, statement: await stateManifest(this.#context, manifest) };
    } catch (error) {
      if (!(error instanceof SealtrailError) || (isTransient(error) && attempts < MAX_ATTEMPTS)) throw error;
      this.#context.onError(error, trail, id);
      return manifest;
    }
  }

  #assertTime(): void {
    if (this.#context.now() < (this.#options.until ?? Number.POSITIVE_INFINITY)) return;
    const message = 'the export takes longer than one may take here: ask for a shorter period, or fewer records';
    throw new SealtrailError('batch_too_large', message);
  }

  /** The checkpoint that covers all acknowledged records. The sealer makes it, in case the append could not. */
  async #covering(trail: string): Promise<StoredCheckpoint> {
    const { ledger } = this.#context;
    const head = await ledger.head(trail);
    for (let tries = 0; tries < CHECKPOINT_TRIES; tries++) {
      const checkpoint = await ledger.checkpoint(trail, head?.size ?? 1);
      if (checkpoint !== undefined) return checkpoint;
      this.#options.signal?.throwIfAborted();
      await sleep(CHECKPOINT_PAUSE_MS);
    }
    throw new SealtrailError('unavailable', `no checkpoint covers trail ${trail} yet: try again`, { retryAfter: 1 });
  }

  async #fail(holder: Holder, error: unknown): Promise<void> {
    const { onError } = this.#context;
    const { trail, id, attempts } = holder.job;
    if (this.#options.signal?.aborted) {
      // Not its fault: it is to be begun anew as if nothing had been.
      await holder.settle({ state: 'queued', attempts: attempts - 1 });
      return;
    }
    if (!isCallersFault(error)) onError(error, trail, id);
    if (isTransient(error) && attempts < MAX_ATTEMPTS) {
      await holder.settle({ state: 'queued' });
      throw error;
    }
    await holder.settle({ state: 'failed', error: publicError(error, id) });
  }
}

/** A claimed export, whose lease is kept alive by what is written back. */
class Holder {
  readonly #context: RunContext;
  readonly #owner: string;
  #stored: StoredJob;
  #signedAt: number;

  constructor(context: RunContext, stored: StoredJob, owner: string) {
    this.#context = context;
    this.#owner = owner;
    this.#stored = stored;
    this.#signedAt = context.now();
  }

  get job(): ExportJob {
    return this.#stored.job;
  }

  /** Says how far it has come, now and then. */
  async giveSign(progress: ExportProgress): Promise<void> {
    const now = this.#context.now();
    if (now < this.#signedAt + SIGN_MS) return;
    this.#signedAt = now;
    const job = { ...this.job, progress, lease: { owner: this.#owner, until: now + LEASE_MS } };
    const stored = await this.#context.jobs.replace(this.#stored, job);
    if (stored === undefined) throw new LostLease();
    this.#stored = stored;
  }

  /** Says how it ended, and lets go. A run that has taken over meanwhile knows better. */
  async settle(end: Partial<ExportJob> & Pick<ExportJob, 'state'>): Promise<void> {
    const { lease: _, progress: __, ...job } = this.job;
    await this.#context.jobs.replace(this.#stored, { ...job, ...end });
  }
}

/** True if only the requester can do something about it. */
const isCallersFault = (error: unknown): boolean => error instanceof SealtrailError && error.code === 'batch_too_large';

/** The error as the requester sees it. Messages of ours hold nothing secret; others might. */
function publicError(error: unknown, id: string): { code: string; message: string } {
  if (error instanceof SealtrailError && error.code !== 'internal') return { code: error.code, message: error.message };
  return { code: 'internal', message: `something went wrong inside: the operator finds the cause under ${id}` };
}

const listed = (filters: ExportJob['filters']): ExportManifest['filters'] =>
  Object.fromEntries(Object.entries(filters).map(([name, values]) => [name, [...values]]));
