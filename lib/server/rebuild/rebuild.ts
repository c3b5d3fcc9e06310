import { link, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FOLLOWERS, openFollowers } from '../../app/followers.ts';
import { wireLog } from '../../app/log.ts';
import { SealtrailError } from '../../log/error.ts';
import { verifierFromSpki } from '../../log/note.ts';
import { type RebuiltTrail, rebuildTrail } from '../../rebuild/rebuild-trail.ts';
import { type RecalledHold, recallHolds } from '../../rebuild/recall-holds.ts';
import type { Standing } from '../../rebuild/standing.ts';
import { syncFolder } from '../../store/durable-file.ts';
import { FolderFiles } from '../../store/folder/files.ts';
import { FolderObjects } from '../../store/folder/objects.ts';
import { SqliteTable } from '../../store/sqlite/table.ts';
import { type DataFolder, openDataFolder } from '../data-folder.ts';
import { type Carried, carryOver } from './carry-over.ts';
import { recordRebuilt } from './rebuild-table.ts';
import { type KeyChange, replaceKey } from './replace-key.ts';
import { databaseFile, readStandings } from './standings.ts';

/** A data folder whose database was completed from its archive. */
export interface Rebuilt {
  /** Trails that were behind, or are new in this database, and go on from their archive. */
  readonly trails: readonly RebuiltTrail[];
  /** Legal holds that the database had forgotten, and has again. */
  readonly holds: readonly RecalledHold[];
  /** With `replace`: where the former database is kept, and what only that holds. */
  readonly replaced?: { readonly file: string; readonly carried: readonly Carried[] };
  readonly keys: KeyChange;
}

/**
 * Completes the database of a data folder from the archive beside it, so that the log goes on after the archived records.
 *
 * What the log acknowledged after that and signed is not known. A new key signs from now on, so that no key signs two histories, and
 * each trail's rebuilding is recorded in `_system`. Idempotency keys are not archived: what clients send again under one is known by its
 * events. Legal holds are read from `_system` and from the archived files.
 *
 * @param dir a data folder that is not open
 * @param replace makes a new database instead where a trail differs from its archive. It takes over what the former one holds beyond
 *   the archive, unless it follows another history; the former one is kept
 * @returns undefined where the database holds all that is archived, and nothing was done
 * @throws `in_use` when the folder is open; `history_conflict` where a trail differs and `replace` is not given; `archive_damaged`
 *   naming the object; `not_found` naming a file that is missing
 */
export async function rebuildFolder(dir: string, { replace = false } = {}): Promise<Rebuilt | undefined> {
  const objects = await FolderObjects.open(join(dir, 'archive'));
  try {
    const standings = await readStandings(dir);
    const wrong = standings.filter(({ state }) => state !== 'whole');
    if (wrong.length === 0) return undefined;
    const differing = wrong.find(({ state }) => state === 'differs');
    if (differing !== undefined && !replace) {
      const message = `trail ${differing.trail} is not the one that was archived: a new database can replace this one, which is kept`;
      throw new SealtrailError('history_conflict', message);
    }
    return await (differing === undefined ? complete(dir, objects, standings) : exchange(dir, objects, standings));
  } finally {
    await objects.close();
  }
}

async function complete(dir: string, objects: FolderObjects, standings: readonly Standing[]): Promise<Rebuilt> {
  const table = await SqliteTable.open(databaseFile(dir));
  try {
    const folder = await openDataFolder(dir, { hasRecords: true });
    const keys = await replaceKey(folder, standings);
    const trails = await rebuildTrails(folder, table, objects, keys, standings.filter(isBehind));
    const all = standings.map(({ trail }) => trail);
    const holds = await finishRebuild(dir, { table, objects }, trails, all);
    return { trails, holds, keys };
  } finally {
    await table.close();
  }
}

/** The new database takes the name of the former one once it is complete. */
async function exchange(dir: string, objects: FolderObjects, standings: readonly Standing[]): Promise<Rebuilt> {
  const [file, fresh] = [databaseFile(dir), `${databaseFile(dir)}.rebuilding`];
  for (const rest of ['', '-wal', '-shm']) await rm(fresh + rest, { force: true });
  const former = await SqliteTable.open(file);
  const table = await SqliteTable.open(fresh);
  let done: Omit<Rebuilt, 'replaced'> & { readonly carried: readonly Carried[] };
  try {
    const folder = await openDataFolder(dir, { hasRecords: true });
    const keys = await replaceKey(folder, standings);
    const archived = await readStandings(dir, table);
    const trails = await rebuildTrails(folder, table, objects, keys, archived.filter(isBehind));
    const carried = await carryOver({ former, table, objects, logName: folder.config.logName });
    const all = standings.map(({ trail }) => trail);
    const holds = await finishRebuild(dir, { table, objects }, trails, all);
    done = { trails, holds, keys, carried };
  } finally {
    await table.close();
    await former.close();
  }
  const kept = `${file}.replaced-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  await link(file, kept);
  await rename(fresh, file);
  await syncFolder(dir);
  const { carried, ...rebuilt } = done;
  return { ...rebuilt, replaced: { file: kept, carried } };
}

const isBehind = ({ state }: Standing): boolean => state === 'behind';

async function rebuildTrails(
  { config }: DataFolder,
  table: SqliteTable,
  objects: FolderObjects,
  { retired }: KeyChange,
  standings: readonly Standing[],
): Promise<readonly RebuiltTrail[]> {
  const verifiers = (trail: string, size: number) =>
    retired
      .filter(({ ends }) => size <= (ends[trail] ?? 0))
      .map(({ spki }) => verifierFromSpki(`${config.logName}/${trail}`, spki));
  const trails: RebuiltTrail[] = [];
  for (const standing of standings) trails.push(await rebuildTrail({ table, objects, verifiers }, standing));
  return trails;
}

/**
 * Signs what was put in, completes its archive, and records what was done.
 *
 * @param all trails of the folder, rebuilt or not
 */
async function finishRebuild(
  dir: string,
  { table, objects }: { readonly table: SqliteTable; readonly objects: FolderObjects },
  trails: readonly RebuiltTrail[],
  all: readonly string[],
): Promise<readonly RecalledHold[]> {
  const { config, signers, retired } = await openDataFolder(dir, { hasRecords: true });
  const files = await FolderFiles.open(join(dir, 'index'));
  const log = wireLog({ table, objects, files, signers, retired }, { logName: config.logName });
  const { archiver } = openFollowers(FOLLOWERS, log);
  // Before anything is archived: objects of a held trail are held as they are put.
  const holds = await recallHolds({ table, objects, ledger: log.ledger }, all);
  for (const { trail } of trails) {
    await log.ledger.seal(trail);
    await archiver.run(trail, { force: true });
  }
  await recordRebuilt(log.ledger, trails);
  await log.ledger.close();
  return holds;
}
