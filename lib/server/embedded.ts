import { randomBytes } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { FollowerPace } from '../app/followers.ts';
import type { ArchivedLog, LogStores } from '../app/log.ts';
import { type OpenLog, type OpenLogSettings, openLog, warn } from '../app/open-log.ts';
import type { Follower } from '../followers/runtime/follower.ts';
import type { TimestampSettings } from '../followers/timestamps/timestamper.ts';
import type { WitnessSettings } from '../followers/witnesses/witness-follower.ts';
import { cursorSecret, maskSecret } from '../ledger/items/deployment-secret.ts';
import { TRAILS_PARTITION } from '../ledger/items/layout.ts';
import { SealtrailError } from '../log/error.ts';
import { FolderDownloads } from '../store/folder/downloads.ts';
import { FolderFiles } from '../store/folder/files.ts';
import { FolderObjects } from '../store/folder/objects.ts';
import { openMlDsaKey } from '../store/keyfile/ml-dsa-key.ts';
import type { Table } from '../store/ports.ts';
import { SqliteTable } from '../store/sqlite/table.ts';
import { Directory } from './access.ts';
import type { StartSettings } from './config-file.ts';
import { type DataFolder, type FirstConfig, openDataFolder, writeFirstConfig } from './data-folder.ts';
import { DOWNLOADS_PATH } from './downloads.ts';
import { IndexThread } from './indexing/index-thread.ts';
import { IntakePool } from './intake/intake-pool.ts';
import { keepMaskSecret } from './mask-secret-file.ts';

type OnError = NonNullable<OpenLogSettings['onError']>;

export interface EmbeddedOptions
  extends Pick<FollowerPace, 'archiveDelayMs' | 'indexDelayMs' | 'verifyEveryMs' | 'gapGraceMs'> {
  /** Witnesses to ask for cosignatures. @default none */
  readonly witnesses?: WitnessSettings;
  /** True if an ML-DSA-44 key is made that signs archived checkpoints too, if there is none yet. One that is there signs. @default false */
  readonly mlDsa?: boolean;
  /** A service that time-stamps each seal. @default none */
  readonly timestamps?: TimestampSettings;
  /** The first part of every checkpoint's origin. It is fixed when the data folder is made. @default `<random>.sealtrail.local` */
  readonly logName?: string;
  /**
   * Called on errors outside of requests: followers, signatures, exports. Must not throw.
   * @default a warning of the process, so that no alarm goes unseen
   */
  readonly onError?: OnError;
  /** Threads that prepare the events of large requests; with any, the index has one of its own. @default one less than there are processors, at most 4 */
  readonly intakeThreads?: number;
  /** Settings of this start, over the folder's `config.json`. */
  readonly settings?: StartSettings;
}

/** A whole log in one folder: ledger, followers, archive, queries. */
export interface Embedded extends OpenLog {
  /** Where the links to exports lead. */
  readonly downloads: FolderDownloads;
  readonly directory: Directory;
  readonly folder: DataFolder;
  /** Finishes the work in progress, and releases the folder. Idempotent. */
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

/**
 * Makes a data folder with its configuration, keys and credentials, ready for its first start.
 *
 * @throws `usage` when there is a log in it already, `in_use`, `invalid_parameter`, `unavailable`
 */
export async function makeDataFolder(dir: string, config: FirstConfig): Promise<DataFolder> {
  await makeFolder(dir);
  const table = await SqliteTable.open(join(dir, 'sealtrail.db'));
  try {
    await writeFirstConfig(dir, config);
    return await openDataFolder(dir, { hasRecords: await hasTrails(table) });
  } finally {
    await table.close();
  }
}

/** Makes a folder that only its owner may read. */
async function makeFolder(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new SealtrailError('unavailable', `cannot make the data folder ${dir}`, { cause });
  }
}

/**
 * The log's ML-DSA-44 key, if it has one. What was begun goes on: an archive that has its lines shall go on to have them.
 *
 * @throws `signer_unavailable` if it cannot be used, or made by this Node.js
 */
async function openSecondKey(dir: string, makesKey: boolean): Promise<LogStores['mlDsa']> {
  const file = join(dir, 'signing-key-ml-dsa.pem');
  const isThere = await stat(file).then(
    () => true,
    () => false,
  );
  if (!isThere && !makesKey) return undefined;
  const key = await openMlDsaKey(file);
  if (key !== undefined) return key;
  throw new SealtrailError('signer_unavailable', 'this Node.js knows no ML-DSA-44: it takes 24.7 or later');
}

async function assemble(dir: string, table: SqliteTable, options: EmbeddedOptions): Promise<Embedded> {
  const {
    logName,
    settings,
    witnesses,
    timestamps,
    mlDsa: makesKey = false,
    onError = warn,
    intakeThreads: threads = defaultThreads(),
    ...pace
  } = options;
  await warnIfOpen(dir, onError);
  const hasRecords = await hasTrails(table);
  const folder = await openDataFolder(dir, { logName, hasRecords, ...(settings && { settings }) });
  const { config, signers, retired } = folder;
  const directory = new Directory(folder.access, folder.profiles);
  const objects = await FolderObjects.open(join(dir, 'archive'));
  await keepMaskSecret(dir, table);
  const secret = await cursorSecret(table);
  const downloads = await FolderDownloads.open(join(dir, 'exports'), { secret, path: DOWNLOADS_PATH });
  const files = await FolderFiles.open(join(dir, 'index'));
  const mlDsa = await openSecondKey(dir, makesKey);
  const stores = { table, objects, signers, retired, downloads, files, ...(mlDsa && { mlDsa }) };
  const { privacy, retention, recordReads, forward } = config;
  const indexing = new IndexThread({ dir, pace, onError: (error) => onError(error, { follower: 'indexing' }) });
  const log = await openLog(stores, {
    ...{ logName: config.logName, pace, onError },
    ...(threads > 0 && { place: (follower: Follower, opened: ArchivedLog) => indexing.place(follower, opened) }),
    ...(witnesses && { witnesses }),
    ...(timestamps && { timestamps }),
    ...(privacy && { privacy }),
    ...(forward && { forward }),
    ...(retention && { retention }),
    ...(recordReads !== undefined && { recordsReads: recordReads }),
  });
  const housekeeping = keepHouse(table, onError);
  const intake = new IntakePool({
    threads,
    start: async () => ({ privacy: privacy ?? {}, maskSecret: await maskSecret(table) }),
    onError: (error) => onError(error, { follower: 'intake' }),
  });

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    housekeeping.stop();
    await intake.close();
    await log.close();
    await indexing.close();
    await objects.close();
    await table.close();
  };
  return {
    ...log,
    prepare: (preparation, policy) => intake.prepare(preparation, policy),
    downloads,
    directory,
    folder,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Where there is one processor, a thread of its own would only take turns with the one that commits. */
const defaultThreads = (): number => Math.min(availableParallelism() - 1, 4);

/** A folder that was made beforehand keeps its mode, and the archive in it can be read by others. */
async function warnIfOpen(dir: string, onError: OnError): Promise<void> {
  const mode = (await stat(dir)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const message = `others on this machine can look into ${dir} (mode ${mode.toString(8)}): run chmod 700 ${dir}`;
  onError(new SealtrailError('invalid_parameter', message), {});
}

async function hasTrails(table: Table): Promise<boolean> {
  for await (const _ of table.query({ partition: TRAILS_PARTITION, limit: 1 })) return true;
  return false;
}

/** Starts a server's chores for its process and its database. */
function keepHouse(table: SqliteTable, onError: OnError): { stop(): void } {
  const stopping = new AbortController();
  const removeExpired = () => void purgeExpired(table, stopping.signal, onError);
  removeExpired();
  const purge = setInterval(removeExpired, PURGE_MS).unref();
  const nudge = setInterval(() => nudgeThreadPool(), NUDGE_MS).unref();
  return {
    stop: () => {
      clearInterval(purge);
      clearInterval(nudge);
      stopping.abort();
    },
  };
}

/** Removes what has expired, giving way to other work in between. */
async function purgeExpired(table: SqliteTable, signal: AbortSignal, onError: OnError): Promise<void> {
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
