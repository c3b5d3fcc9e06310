import * as z from 'zod';
import { defined } from '../base/defined.ts';
import { EXPORT_COMPRESSIONS, EXPORT_FORMATS } from '../contract/exports.ts';
import { FILTER_NAMES } from '../contract/query.ts';
import { DAY_MS } from '../contract/time.ts';
import { attributesOf, withFormat } from '../ledger/items/format.ts';
import { exportKey, exportPartition } from '../ledger/items/layout.ts';
import { SealtrailError } from '../log/error.ts';
import type { Query } from '../query/query.ts';
import type { Item, Table } from '../store/ports.ts';
import { exportManifestSchema } from './formats/manifest.ts';

const count = z.int().min(0);
/** Unix milliseconds; periods may begin before 1970. */
const time = z.int();

/** The specification of an export: records, filters and format. */
const specSchema = z.object({
  format: z.enum(EXPORT_FORMATS),
  compression: z.enum(EXPORT_COMPRESSIONS),
  /** Values by the filter's name. */
  filters: z.partialRecord(z.enum(FILTER_NAMES), z.array(z.string())),
  /** Unix milliseconds, inclusive and exclusive, by the server's clock, and by the producer's. */
  from: time.exactOptional(),
  to: time.exactOptional(),
  timeFrom: time.exactOptional(),
  timeTo: time.exactOptional(),
  /** Record numbers, inclusive and exclusive. */
  seqs: z.object({ from: count, to: count }).exactOptional(),
});
export type ExportSpec = Readonly<z.infer<typeof specSchema>>;

const jobSchema = z.object({
  ...specSchema.shape,
  id: z.string(),
  trail: z.string(),
  requestedBy: z.string(),
  requestedAt: count,
  /** SHA-256 of the request, in hex, where it has an idempotency key. Its times may be words, of another moment when it is repeated. */
  requestHash: z.string().exactOptional(),
  /** When what was exported is removed; Unix milliseconds. */
  expiresAt: count,
  state: z.enum(['queued', 'running', 'done', 'failed']),
  /** How often it was begun. */
  attempts: count,
  /** Who works on it, and until when no other worker may. */
  lease: z.object({ owner: z.string(), until: count }).exactOptional(),
  progress: z.object({ records: count, at: count, of: count }).exactOptional(),
  error: z.object({ code: z.string(), message: z.string() }).exactOptional(),
  manifest: exportManifestSchema.exactOptional(),
});
/** An export that was asked for, as it stands. */
export type ExportJob = Readonly<z.infer<typeof jobSchema>>;

/** The bounds that narrow an export down besides filters. */
type Bounds = Pick<ExportSpec, 'from' | 'to' | 'timeFrom' | 'timeTo' | 'seqs'>;

/** Of a job, when what is exported happened, and its numbers. */
export const boundsOf = ({ from, to, timeFrom, timeTo, seqs }: ExportSpec): Bounds =>
  defined({ from, to, timeFrom, timeTo, seqs });

/** The query that an export answers. */
export function queryOfExport(spec: ExportSpec): Pick<Query, 'filters' | 'order' | 'from' | 'to' | 'seqs'> {
  const { timeFrom, timeTo, ...bounds } = boundsOf(spec);
  const isTimed = timeFrom !== undefined || timeTo !== undefined;
  const time = isTimed ? { time: defined({ from: timeFrom, to: timeTo }) } : {};
  return { filters: { ...spec.filters, ...time }, order: 'oldest', ...bounds };
}

/** A job with the version under which it was read: who writes it back must still find that version. */
export interface StoredJob {
  readonly version: number;
  readonly job: ExportJob;
}

/** Where the files of a job's newest try are. No two tries write the same ones. */
export const folderOf = ({ trail, id, attempts }: ExportJob): string => `${trail}/${id}/${attempts}`;

/** How long a job is listed once its files are gone. */
const REMEMBERED_MS = 7 * DAY_MS;

/** The exports that were asked for, in the Table. */
export class ExportJobs {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async get(trail: string, id: string): Promise<StoredJob | undefined> {
    const item = await this.#table.get(exportKey(trail, id));
    return item === undefined ? undefined : jobFromItem(item);
  }

  /**
   * Every listed job of a trail. One that cannot be read is reported and left out: it must not stop the others.
   *
   * @param onUnreadable called with the error and the job's id. Must not throw
   */
  async *of(trail: string, onUnreadable: (error: unknown, id: string) => void): AsyncGenerator<StoredJob, void, void> {
    for await (const item of this.#table.query({ partition: exportPartition(trail) })) {
      const stored = readJob(item, onUnreadable);
      if (stored !== undefined) yield stored;
    }
  }

  /** Stores a new job. @returns the one that stands there already, or undefined */
  async add(job: ExportJob): Promise<StoredJob | undefined> {
    const outcome = await this.#table.transact([{ put: itemOf(job, 1), when: { is: 'absent' } }]);
    return outcome.committed ? undefined : this.get(job.trail, job.id);
  }

  /** Replaces a job that is still as it was read. @returns what is stored now; undefined if another writer was first */
  async replace({ version }: StoredJob, job: ExportJob): Promise<StoredJob | undefined> {
    const put = itemOf(job, version + 1);
    const outcome = await this.#table.transact([{ put, when: { is: 'equal', attribute: 'version', value: version } }]);
    return outcome.committed ? { version: version + 1, job } : undefined;
  }
}

function readJob(item: Item, onUnreadable: (error: unknown, id: string) => void): StoredJob | undefined {
  try {
    return jobFromItem(item);
  } catch (error) {
    onUnreadable(error, item.sort);
    return undefined;
  }
}

/** Stores only what {@link jobFromItem} reads back. @throws ZodError for anything else: a mistake in this program */
function itemOf(job: ExportJob, version: number): Item {
  const expiresAt = Math.ceil((job.expiresAt + REMEMBERED_MS) / 1000);
  return {
    ...exportKey(job.trail, job.id),
    attributes: withFormat('export', { version, job: JSON.stringify(jobSchema.parse(job)) }),
    expiresAt,
  };
}

function jobFromItem(item: Item): StoredJob {
  const { sort } = item;
  const { version, job } = attributesOf('export', item);
  try {
    if (typeof version === 'number' && typeof job === 'string')
      return { version, job: jobSchema.parse(JSON.parse(job)) };
  } catch (cause) {
    throw new SealtrailError('store_corrupt', `the export ${sort} is not readable`, { cause });
  }
  throw new SealtrailError('store_corrupt', `the export ${sort} is not readable`);
}
