import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Services } from '../api/services.ts';
import { ExportWorker } from '../export/export-worker.ts';
import { Exports } from '../export/exports.ts';
import { Archiver } from '../followers/archive/archiver.ts';
import { Expirer } from '../followers/expiry/expirer.ts';
import { retentionFor } from '../followers/expiry/retention.ts';
import { Indexer } from '../followers/indexing/indexer.ts';
import { LegalHoldOrders } from '../followers/legal-hold/legal-hold-requests.ts';
import { LegalHolds } from '../followers/legal-hold/legal-holds.ts';
import { ProducerFollower } from '../followers/producers/producer-gaps.ts';
import { Runner, type RunnerErrorSource } from '../followers/runtime/runner.ts';
import { Sealer } from '../followers/signing/head-signer.ts';
import { Verifier } from '../followers/verification/verifier.ts';
import { ArchivedRecords } from '../ledger/archived-records.ts';
import { TRAILS_PARTITION } from '../ledger/items/layout.ts';
import { Ledger } from '../ledger/ledger.ts';
import { nodeReader } from '../ledger/tree/nodes.ts';
import { TileCache } from '../ledger/tree/tile-cache.ts';
import { SealtrailError } from '../log/error.ts';
import { policyFor } from '../privacy/policy.ts';
import { cursorSecret } from '../query/cursor-secret.ts';
import { Queries } from '../query/queries.ts';
import { FolderDownloads } from '../store/folder/downloads.ts';
import { FolderObjects } from '../store/folder/objects.ts';
import type { Table } from '../store/ports.ts';
import { SqliteTable } from '../store/sqlite/table.ts';
import { Directory } from './access.ts';
import { type DataFolder, openDataFolder } from './data-folder.ts';
import { DownloadLinks } from './download-links.ts';

export interface EmbeddedOptions {
  /** For a new data folder only: the first part of every checkpoint's origin, for good. @default sealtrail.local */
  readonly logName?: string;
  /**
   * Told of what goes wrong beside requests: followers, signatures. Must not throw. @default a warning
   * of the process, so that no alarm goes unseen
   */
  readonly onError?: (error: unknown, source: RunnerErrorSource) => void;
  /** Milliseconds that a record may wait to be archived. @default 20,000 */
  readonly archiveDelayMs?: number;
  /** Milliseconds between two verifications of a trail. @default 3,600,000 */
  readonly verifyEveryMs?: number;
  /** Milliseconds for which late events of a producer are waited for before a gap is recorded. @default 60,000 */
  readonly gapGraceMs?: number;
}

/** A whole log in one folder: ledger, followers, archive, queries. */
export interface Embedded extends Services {
  readonly archiver: Archiver;
  /** Verifies trails on request and on its schedule, and keeps figures for alarms. */
  readonly verifier: Verifier;
  readonly exports: Exports;
  /** Where the links to exports lead. */
  readonly downloads: DownloadLinks;
  readonly directory: Directory;
  readonly folder: DataFolder;
  /** Finishes what is under way, archives what is sealed, and lets go of the folder. Idempotent. */
  close(): Promise<void>;
}

/** How often expired items are looked for. */
const PURGE_MS = 60_000;
/** Items that are removed at once: blocks are large. */
const PURGE_ITEMS = 200;
/** How long work may lie in the thread pool's queue unseen: see {@link nudgeThreadPool}. */
const NUDGE_MS = 1_000;

/**
 * Opens a data folder, which is made if it is not there, and starts the followers.
 *
 * @throws `in_use` when another process has it open; `invalid_parameter` naming the file of its configuration that is
 *   not right; `not_found` naming a file that must not be made anew; `unavailable` and what the drivers throw
 *
 * @example
 * const log = await openEmbedded('./data', { logName: 'audit.example.com' });
 * await log.ledger.append({ trail: 'orders', submitter: 'shop', events });
 * await log.close();
 */
export async function openEmbedded(dir: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  await makeFolder(dir);
  // First of all the table: it is what keeps a second process out.
  const table = await SqliteTable.open(join(dir, 'sealtrail.db'));
  try {
    return await assemble(dir, table, options);
  } catch (error) {
    await table.close();
    throw error;
  }
}

/** What it holds is not for everybody on the machine. */
async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SealtrailError('unavailable', `cannot make the data folder ${dir}`, { cause });
  }
}

async function assemble(dir: string, table: SqliteTable, options: EmbeddedOptions): Promise<Embedded> {
  const { logName } = options;
  const folder = await openDataFolder(dir, { logName, hasRecords: await hasTrails(table) });
  const { config, signers, retired } = folder;
  const directory = new Directory(folder.access, folder.profiles);
  const objects = await FolderObjects.open(join(dir, 'archive'));
  const onError = options.onError ?? ((error) => process.emitWarning(error instanceof Error ? error : String(error)));
  // One object for good: policies are remembered by it.
  const privacy = config.privacy ?? {};
  const policyOf = (trail: string) => policyFor(trail, privacy);
  const cache = new TileCache();
  const nodes = (trail: string) => nodeReader({ objects, table, ledger, cache }, trail);
  const archive = new ArchivedRecords({ objects, table, cache });
  const ledger: Ledger = new Ledger({
    table,
    archive,
    signers,
    logName: config.logName,
    nodes,
    onCommit: (trail) => runner.wake(trail),
    onUnsealed: (trail, error) => onError(error, { follower: 'signer', trail }),
  });
  const delay = options.archiveDelayMs === undefined ? {} : { maxDelayMs: options.archiveDelayMs };
  const archiver = new Archiver({ objects, table, ledger, ...delay });
  const verifier = new Verifier({
    table,
    objects,
    ledger,
    retired,
    ...(options.verifyEveryMs === undefined ? {} : { everyMs: options.verifyEveryMs }),
    onUnrecorded: (trail, error) => onError(error, { follower: 'verifier', trail }),
  });
  const retention = config.retention ?? {};
  const hotDays = (trail: string) => retentionFor(retention, trail).hotDays ?? 'forever';
  const expirer = new Expirer({ table, archive, hotDays });
  const grace = options.gapGraceMs === undefined ? {} : { graceMs: options.gapGraceMs };
  const producers = new ProducerFollower({ table, ledger, ...grace });
  const legalHolds = new LegalHolds({ table, objects });
  const orders = new LegalHoldOrders({ table, ledger });
  const indexer = new Indexer({ table, archive });
  const followers = [new Sealer({ ledger }), archiver, indexer, producers, expirer, legalHolds, verifier];
  const runner = new Runner({ followers, trails: () => ledger.trails(), onError });
  const secret = await cursorSecret(table);
  const queries = new Queries({ table, secret, policy: policyOf, archive });
  const downloads = await FolderDownloads.open(join(dir, 'exports'));
  const links = new DownloadLinks(secret, downloads);
  const exports: Exports = new Exports({
    ...{ table, ledger, queries, nodes, downloads, logName: config.logName },
    link: async (key, file) => links.link(key, file),
    start: async (trail, id) => exporter.wake(trail, id),
    onError: (error, trail, id) => onError(error, { follower: `export ${id}`, trail }),
  });
  const exporter = new ExportWorker({ exports, onError: (error) => onError(error, { follower: 'exports' }) });
  runner.start();
  exporter.start();
  const closing = new AbortController();
  const removeExpired = () => void purgeExpired(table, closing.signal, onError);
  removeExpired();
  const purge = setInterval(removeExpired, PURGE_MS).unref();
  const nudge = setInterval(() => nudgeThreadPool(), NUDGE_MS).unref();

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    clearInterval(purge);
    closing.abort();
    clearInterval(nudge);
    await ledger.close();
    await exporter.stop();
    await runner.stop();
    await objects.close();
    await table.close();
  };
  return {
    ledger,
    archiver,
    legalHolds: {
      status: (trail) => orders.status(trail),
      set: async (trail, request) => {
        const status = await orders.set(trail, request);
        runner.wake(trail);
        return status;
      },
    },
    verifier,
    queries,
    exports,
    downloads: links,
    nodes,
    policyOf,
    recordsReads: config.recordReads ?? true,
    logName: config.logName,
    retired,
    directory,
    folder,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

async function hasTrails(table: Table): Promise<boolean> {
  for await (const _ of table.query({ partition: TRAILS_PARTITION, limit: 1 })) return true;
  return false;
}

/** Removes what has expired, with turns for others in between. */
async function purgeExpired(
  table: SqliteTable,
  signal: AbortSignal,
  onError: (error: unknown, source: RunnerErrorSource) => void,
): Promise<void> {
  try {
    while (!signal.aborted && (await table.purgeExpired(Math.floor(Date.now() / 1000), PURGE_ITEMS)) === PURGE_ITEMS) {
      await turn();
    }
  } catch (error) {
    onError(error, { follower: 'purge' });
  }
}

/**
 * Gives libuv's thread pool something to do. In glibc before 2.41 a waiting thread can miss its wake-up for good
 * (sourceware bug 25847), and with it whatever lies in the queue, until something else is queued.
 */
function nudgeThreadPool(): void {
  randomBytes(1, () => undefined);
}
