import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readArchiveState } from '../followers/archive/archive-state.ts';
import { keyIdOf } from '../followers/archive/public-keys.ts';
import { History, trailsIn } from '../ledger/history.ts';
import { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import { sameBytes } from '../log/hash.ts';
import { type Verifier, verifierFromSpki } from '../log/note.ts';
import { FolderObjects } from '../store/folder/objects.ts';
import { KeyFileSigner } from '../store/keyfile/signer.ts';
import { SqliteTable } from '../store/sqlite/table.ts';
import {
  type DataFolder,
  nextKeyFile,
  openDataFolder,
  readRetiredKeys,
  replaceSigningKey,
  writeRetiredKeys,
} from './data-folder.ts';

/** A step of a rotation, as verifiers see it: one line of a trust file for each trail. */
export interface RotationStep {
  /** Of the key that the step is about, without a trail's name. */
  readonly spki: Uint8Array;
  /** Lines as a key file has them: a vkey and `from=` or `to=`, a checkpoint size, inclusive. */
  readonly trust: readonly string[];
}

/**
 * First step: makes a second signing key. From the next start on both sign every checkpoint.
 *
 * @param dir a data folder that is not open
 * @throws `in_use` when it is open, or a rotation is under way; `not_found` where there is no data folder; `history_conflict` where
 *   the database is older than the archive
 */
export function beginRotation(dir: string): Promise<RotationStep> {
  return withClosedLog(dir, async ({ folder, ledger }) => {
    const [signer] = folder.signers;
    if (folder.signers.length > 1 || signer === undefined) {
      throw new SealtrailError('in_use', 'two keys sign already: retire the older one first');
    }
    const next = await KeyFileSigner.create(nextKeyFile(dir), signer.algorithm);
    const spki = await next.publicKey();
    const trust: string[] = [];
    for await (const trail of ledger.trails()) {
      // A size has one checkpoint: the first one with this key on it is of a larger size than any there is.
      const { size = 0 } = (await ledger.checkpoint(trail)) ?? {};
      trust.push(`${verifierFromSpki(ledger.origin(trail), spki).vkey} from=${size + 1}`);
    }
    return { spki, trust };
  });
}

/**
 * Second step, some time after the first: the older key signs no more, and its file is removed. A crash on the way is
 * made good by the next start of the log.
 *
 * @param dir a data folder that is not open
 * @throws `in_use`, `not_found` and `history_conflict` as {@link beginRotation}; `usage` when there is one key only, or the
 *   archive does not hold the older key yet
 */
export function completeRotation(dir: string): Promise<RotationStep> {
  return withClosedLog(dir, async ({ folder, ledger, table }) => {
    const [older, newer] = folder.signers;
    if (older === undefined || newer === undefined) {
      throw new SealtrailError('usage', 'one key signs alone: there is none to retire');
    }
    const spki = await older.publicKey();
    const ends: Record<string, number> = {};
    const trust: string[] = [];
    const behind: string[] = [];
    for await (const trail of ledger.trails()) {
      const { size = 0 } = (await ledger.checkpoint(trail)) ?? {};
      const verifier = verifierFromSpki(ledger.origin(trail), spki);
      if (size > 0 && !(await hasArchivedKey(table, trail, verifier))) behind.push(trail);
      ends[trail] = size;
      trust.push(`${verifier.vkey} to=${size}`);
    }
    // Afterwards it could not be put into the archive, and its checkpoints could not be checked with what is there.
    if (behind.length > 0) {
      const which = behind.slice(0, 10).join(', ') + (behind.length > 10 ? ` and ${behind.length - 10} more` : '');
      const message = `the archive does not hold the older key yet of: ${which}. Start the log, \`sealtrail seal\` each, and stop it again`;
      throw new SealtrailError('usage', message);
    }
    const before = (await readRetiredKeys(dir)).filter((key) => !sameBytes(key.spki, spki));
    // The list first: a key must not be gone before it is recorded until when it signed.
    await writeRetiredKeys(dir, [...before, { spki, ends }]);
    await replaceSigningKey(dir);
    return { spki, trust };
  });
}

async function hasArchivedKey(table: SqliteTable, trail: string, verifier: Verifier): Promise<boolean> {
  return (await readArchiveState(table, trail)).keys.includes(keyIdOf(verifier));
}

interface ClosedLog {
  readonly folder: DataFolder;
  readonly table: SqliteTable;
  readonly ledger: Ledger;
}

/** Holds the folder's lock, so that no server signs meanwhile. */
async function withClosedLog<T>(dir: string, run: (log: ClosedLog) => Promise<T>): Promise<T> {
  const file = join(dir, 'sealtrail.db');
  try {
    await stat(file);
  } catch (cause) {
    throw new SealtrailError('not_found', `${dir} is no data folder: it has no sealtrail.db`, { cause });
  }
  const table = await SqliteTable.open(file);
  try {
    const folder = await openDataFolder(dir, { hasRecords: true });
    const objects = await FolderObjects.openReadOnly(join(dir, 'archive')).catch(unlessAbsent);
    const history = objects && { history: new History({ table, objects }) };
    const ledger = new Ledger({ table, signers: folder.signers, logName: folder.config.logName, ...history });
    // Of a trail that is behind its archive it is not known how far a key has signed.
    for await (const trail of objects === undefined ? [] : trailsIn(objects)) await ledger.assertOneHistory(trail);
    return await run({ folder, table, ledger });
  } finally {
    await table.close();
  }
}

/** Before the first start of a server there is no archive. */
function unlessAbsent(error: unknown): undefined {
  if (!(error instanceof SealtrailError) || error.code !== 'not_found') throw error;
}
