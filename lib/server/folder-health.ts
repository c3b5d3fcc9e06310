import { readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { wireLog } from '../app/log.ts';
import { trailsIn } from '../ledger/history.ts';
import { SealtrailError } from '../log/error.ts';
import { FolderObjects } from '../store/folder/objects.ts';
import { KeyFileSigner } from '../store/keyfile/signer.ts';
import { SqliteTable } from '../store/sqlite/table.ts';
import { accessSchema, Directory, parseCredentials } from './access.ts';
import { configFileSchema } from './config-file.ts';
import { parseFile, readRetiredKeys, signingKeyFile } from './data-folder.ts';

/**
 * Reads a data folder without changing it, as `sealtrail doctor` does: a server may have it open meanwhile.
 * Each method throws `not_found`, `unavailable` or `invalid_parameter` with the file's name where it cannot say.
 */
export class FolderHealth {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The permission bits of the folder, such as 0o700. */
  async mode(): Promise<number> {
    const found = await this.#look('', (path) => stat(path));
    if (!found.isDirectory()) throw new SealtrailError('not_found', `${this.#dir} is not a folder`);
    return found.mode & 0o777;
  }

  /** The permission bits of a file in it. */
  async readMode(name: string): Promise<number> {
    return (await this.#look(name, (path) => stat(path))).mode & 0o777;
  }

  /** Bytes that are free for the folder's owner on its file system. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await this.#look('', (path) => statfs(path));
    return bavail * bsize;
  }

  /** Bytes of the database, its write-ahead log included. */
  async databaseBytes(): Promise<number> {
    const main = await this.#look('sealtrail.db', (path) => stat(path));
    const log = await stat(join(this.#dir, 'sealtrail.db-wal')).catch(() => undefined);
    return main.size + (log?.size ?? 0);
  }

  /**
   * How the trails of the database contradict the archive beside it; empty: they do not. Opens the database, which recovers what a
   * crash has left, as the next start would.
   *
   * @throws `in_use` while a server has it open; it looks by itself then
   */
  async conflicts(): Promise<readonly string[]> {
    await this.databaseBytes(); // a database that is not there must not be made
    const table = await SqliteTable.open(join(this.#dir, 'sealtrail.db'));
    try {
      const objects = await FolderObjects.openReadOnly(join(this.#dir, 'archive'));
      const { ledger } = wireLog({ table, objects, signers: [] }, { logName: await this.logName(), signs: false });
      const found: string[] = [];
      for (const trail of new Set([
        ...(await Array.fromAsync(ledger.trails())),
        ...(await Array.fromAsync(trailsIn(objects))),
      ])) {
        const conflict = await ledger.assertOneHistory(trail).catch(conflictIn);
        if (conflict !== undefined) found.push(conflict);
      }
      return found;
    } finally {
      await table.close();
    }
  }

  /** The log's name, if `config.json` is right. */
  async logName(): Promise<string> {
    return parseFile(join(this.#dir, 'config.json'), 'config.json', await this.#text('config.json'), configFileSchema)
      .logName;
  }

  /** How many principals may use the log, if `access.json` and `credentials` fit together. */
  async principals(): Promise<number> {
    const access = parseFile(
      join(this.#dir, 'access.json'),
      'access.json',
      await this.#text('access.json'),
      accessSchema,
    );
    new Directory(access, parseCredentials(await this.#text('credentials')));
    return access.principals.length;
  }

  /** The public key that signs now, as SubjectPublicKeyInfo in DER, and how many were retired. */
  async keys(): Promise<{ readonly spki: Uint8Array; readonly retired: number }> {
    const signer = await KeyFileSigner.open(signingKeyFile(this.#dir));
    return { spki: await signer.publicKey(), retired: (await readRetiredKeys(this.#dir)).length };
  }

  #text(name: string): Promise<string> {
    return this.#look(name, (path) => readFile(path, 'utf8'));
  }

  async #look<T>(name: string, look: (path: string) => Promise<T>): Promise<T> {
    const path = name === '' ? this.#dir : join(this.#dir, name);
    try {
      return await look(path);
    } catch (cause) {
      const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
      throw new SealtrailError(
        isAbsent ? 'not_found' : 'unavailable',
        `${path} ${isAbsent ? 'is not there' : 'cannot be read'}`,
        {
          cause,
        },
      );
    }
  }
}

function conflictIn(error: unknown): string {
  if (error instanceof SealtrailError && error.code === 'history_conflict') return error.message;
  throw error;
}
