import { hash, randomBytes } from 'node:crypto';
import { EXPORT_MEDIA, type ExportManifest } from '../contract/exports.ts';
import { DAY_MS } from '../contract/time.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import { identityOf } from '../log/identity.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Queries } from '../query/queries.ts';
import type { Downloads, Table } from '../store/ports.ts';
import { boundsOf, type ExportJob, ExportJobs, type ExportSpec, folderOf, type StoredJob } from './export-job.ts';
import type { RunOptions } from './export-run.ts';

/** The parts that exports work with. */
export interface ExportsOptions {
  readonly table: Table;
  readonly ledger: Pick<Ledger, 'append' | 'head' | 'checkpoint' | 'trails'>;
  readonly queries: Pick<Queries, 'all' | 'masked' | 'provenAll'>;
  /** Tree nodes of a trail, for proofs. */
  readonly nodes: (trail: string) => NodeReader;
  readonly downloads: Downloads;
  /** Sees to it that `run` is called for an export, soon and by any process. May be called more than once for an export. */
  readonly start: (trail: string, id: string) => Promise<void>;
  readonly logName: string;
  /** Called on failures that the requester did not cause. Must not throw. */
  readonly onError: (error: unknown, trail: string, id: string) => void;
  /** Unix milliseconds. @default Date.now */
  readonly now?: () => number;
}

/** Where to fetch what was exported, until when. */
export interface ExportLinks {
  /** A URL, or a path on this server. */
  readonly file: string;
  readonly proof?: string;
  readonly complete?: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Who asks for an export. */
export interface ExportAsker {
  readonly name: string;
  /** Repeatable: the same key and request, or the same key and export, give the same job. */
  readonly idempotency?: { readonly key: string; readonly requestHash: string };
}

/** How long an export is kept. */
const EXPORT_KEPT_MS = 7 * DAY_MS;
/** How long a link is good for: it is made anew with every look at the export. */
const LINK_SECONDS = 900;
/** Exports of one trail that wait or run at a time. */
const MAX_UNFINISHED = 20;
/** Milliseconds after which a queued export that has not begun is started again: its worker may be dead. */
const OVERDUE_MS = 60_000;

/** Exports: requested here, written by a worker, and handed out by link. */
export class Exports {
  readonly #options: ExportsOptions;
  readonly #jobs: ExportJobs;
  readonly #now: () => number;

  constructor(options: ExportsOptions) {
    this.#options = options;
    this.#jobs = new ExportJobs(options.table);
    this.#now = options.now ?? Date.now;
  }

  /**
   * Takes an export to be done. Everything that was acknowledged before is in it.
   *
   * @throws `not_found` for a trail without records; `idempotency_conflict`: the key was used for another export;
   *   `rate_limited`: too many wait already; what the stores throw
   */
  async request(trail: string, spec: ExportSpec, asker: ExportAsker): Promise<ExportJob> {
    if ((await this.#options.ledger.head(trail)) === undefined) {
      throw new SealtrailError('not_found', `trail ${trail} has no records`);
    }
    const id = idOf(trail, asker);
    const known = await this.#jobs.get(trail, id);
    if (known === undefined) await this.#assertRoom(trail);
    const requestedAt = this.#now();
    const job: ExportJob = {
      ...spec,
      id,
      trail,
      requestedBy: asker.name,
      requestedAt,
      expiresAt: requestedAt + EXPORT_KEPT_MS,
      state: 'queued',
      attempts: 0,
      ...(asker.idempotency && { requestHash: asker.idempotency.requestHash }),
    };
    const standing = known ?? (await this.#jobs.add(job));
    if (standing !== undefined && !isRepetition(job, standing.job)) {
      throw new SealtrailError(
        'idempotency_conflict',
        'this idempotency key was used for another export: use a new key',
      );
    }
    const { state } = standing?.job ?? job;
    // Told again where it was asked for before: the first start may have been lost.
    if (state === 'queued') await this.#options.start(trail, id);
    return standing?.job ?? job;
  }

  /** An export as it stands, or undefined where there is none of this id. Starts again what seems to be forgotten. */
  async get(trail: string, id: string): Promise<ExportJob | undefined> {
    const stored = await this.#jobs.get(trail, id);
    if (stored !== undefined && this.#isForgotten(stored.job)) await this.#options.start(trail, id);
    return stored?.job;
  }

  /** Links to what was exported; undefined unless it is done and still there. */
  async links(job: ExportJob): Promise<ExportLinks | undefined> {
    const { trail, id, format, compression, expiresAt, manifest } = job;
    const now = this.#now();
    const seconds = Math.min(LINK_SECONDS, Math.floor((expiresAt - now) / 1000));
    if (manifest === undefined || seconds < 1) return undefined;
    const { type, suffix } = EXPORT_MEDIA[format];
    const name = `${trail}-${id}.${suffix}`;
    const gzip = compression === 'gzip';
    const file = { fileName: gzip ? `${name}.gz` : name, mediaType: gzip ? 'application/gzip' : type, seconds };
    const proof = { fileName: `${name}.proof`, mediaType: 'application/octet-stream', seconds };
    const complete = { fileName: `${name}.complete`, mediaType: EXPORT_MEDIA.ndjson.type, seconds };
    const folder = folderOf(job);
    const { downloads } = this.#options;
    return {
      file: await downloads.link(`${folder}/file`, file),
      ...(hasProof(manifest) ? { proof: await downloads.link(`${folder}/proof`, proof) } : {}),
      ...(manifest.complete && { complete: await downloads.link(`${folder}/complete`, complete) }),
      expiresAt: now + seconds * 1000,
    };
  }

  /**
   * Does an export, unless it is done or another worker has it. After a crash it begins anew.
   *
   * @throws what may pass with another try (`throttled`, `unavailable`, ...): the export waits for it. What does not pass
   *   is kept in the export's state instead
   */
  async run(trail: string, id: string, options: RunOptions = {}): Promise<void> {
    const { ledger, queries, nodes, downloads, logName, onError } = this.#options;
    const context = {
      jobs: this.#jobs,
      ledger,
      queries,
      nodes,
      downloads,
      logName,
      onError,
      now: this.#now,
    };
    // What takes requests for exports starts faster without what makes them.
    const { ExportRun } = await import('./export-run.ts');
    await new ExportRun(context, options).run(trail, id);
  }

  /** Every export that is not done yet, of all trails. */
  async *unfinished(): AsyncGenerator<{ readonly trail: string; readonly id: string }, void, void> {
    for await (const trail of this.#options.ledger.trails()) {
      for await (const { job } of this.#jobsOf(trail)) if (isUnfinished(job)) yield { trail, id: job.id };
    }
  }

  /** Removes the files whose time is over. For stores that do not do so by themselves. */
  async removeExpired(): Promise<void> {
    for await (const trail of this.#options.ledger.trails()) {
      for await (const { job } of this.#jobsOf(trail)) {
        if (this.isExpired(job)) await this.#options.downloads.remove(`${trail}/${job.id}/`);
      }
    }
  }

  isExpired({ expiresAt }: ExportJob): boolean {
    return this.#now() >= expiresAt;
  }

  #jobsOf(trail: string): AsyncIterable<StoredJob> {
    return this.#jobs.of(trail, (error, id) => this.#options.onError(error, trail, id));
  }

  #isForgotten({ state, requestedAt, lease, expiresAt }: ExportJob): boolean {
    const now = this.#now();
    if (now >= expiresAt) return false;
    return state === 'running' ? (lease?.until ?? 0) < now : state === 'queued' && requestedAt + OVERDUE_MS < now;
  }

  async #assertRoom(trail: string): Promise<void> {
    let unfinished = 0;
    for await (const { job } of this.#jobsOf(trail)) if (isUnfinished(job) && !this.isExpired(job)) unfinished += 1;
    if (unfinished >= MAX_UNFINISHED) {
      throw new SealtrailError('rate_limited', `${unfinished} exports of trail ${trail} wait already`, {
        retryAfter: 30,
      });
    }
  }
}

/** True if there is a proof file: the lines of a whole log need none. */
const hasProof = ({ proof }: ExportManifest): boolean => proof !== undefined && proof.hashes > 0;

const isUnfinished = ({ state }: ExportJob): boolean => state === 'queued' || state === 'running';

/** An id that cannot be guessed, or the one that belongs to an idempotency key of the asker's, whatever its session. */
function idOf(trail: string, { name, idempotency }: ExportAsker): string {
  if (idempotency === undefined) return randomBytes(16).toString('hex');
  return hash('sha256', JSON.stringify(['export', trail, identityOf(name), idempotency.key]), 'hex').slice(0, 32);
}

/** True if a job is asked for again: in the same words, or in others that mean the same. */
const isRepetition = (job: ExportJob, standing: ExportJob): boolean =>
  (job.requestHash !== undefined && job.requestHash === standing.requestHash) || textOf(job) === textOf(standing);

/** The specification of a job as text. */
function textOf({ format, compression, filters, ...job }: ExportJob): string {
  const sorted = Object.entries(filters).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([format, compression, sorted, boundsOf({ format, compression, filters, ...job })]);
}
