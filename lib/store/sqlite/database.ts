import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SealtrailError } from '../../log/error.ts';
import { systemCode } from '../system-error.ts';
import { storeError } from './failure.ts';

/** "Seal" in ASCII, in the header of each file, so that another program's database is never taken for ours. */
const APPLICATION_ID = 0x5365616c;
/** The version of the schema below. A change of it needs a step from each older version. */
const SCHEMA_VERSION = 1;
const PAGE_BYTES = 8192;
/** Grows with what is read, up to this: room for the query index of a million records and for what leads to their blocks. */
const CACHE_KIBIBYTES = 65_536;
/** Pages in the write-ahead log after which a commit also copies them into the database. */
const CHECKPOINT_PAGES = 500;

const SCHEMA = `
  CREATE TABLE items (
    partition TEXT NOT NULL,
    sort TEXT NOT NULL,
    expires INTEGER,
    attributes TEXT NOT NULL,
    bytes BLOB,
    PRIMARY KEY (partition, sort)
  ) STRICT;
  CREATE INDEX items_by_expiry ON items (expires) WHERE expires IS NOT NULL;
`;

/**
 * Opens a database file of ours, or makes it, and takes it for this connection alone until it is closed.
 *
 * @param file absolute path; its folder must exist.
 * @param maxBytes see `SqliteTableOptions`.
 * @throws SealtrailError `in_use` where another connection has it, `store_corrupt` where it is not a database of ours,
 * `unavailable` where a newer version wrote it or the file cannot be used.
 */
export function openDatabase(file: string, maxBytes: number | undefined): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    createPrivately(file);
    database = new DatabaseSync(file, { timeout: 0, enableForeignKeyConstraints: false });
    takeAlone(database);
    const version = identify(database, file);
    configure(database, maxBytes);
    if (version === 0) createSchema(database);
    return database;
  } catch (error) {
    database?.close();
    throw storeError(error, file);
  }
}

/** SQLite would make the file readable by everybody; the write-ahead log takes over its mode. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    throw new SealtrailError('unavailable', `${file} cannot be made: ${systemCode(error)}`, { cause: error });
  }
}

/**
 * The locking mode must come before the first access: then that takes the lock for good, and the index of the log lives in
 * this process's memory and not in a shared file (https://www.sqlite.org/wal.html section 8). The page size must come
 * before the first page.
 */
function takeAlone(database: DatabaseSync): void {
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA locking_mode = EXCLUSIVE;`);
}

/** @returns the version of the schema, 0 for a new file. Nothing is changed before it is known that the file is ours. */
function identify(database: DatabaseSync, file: string): number {
  const version = pragma(database, 'user_version');
  const application = pragma(database, 'application_id');
  const isNew = version === 0 && application === 0 && pragma(database, 'schema_version') === 0;
  if (!isNew && application !== APPLICATION_ID) {
    throw new SealtrailError('store_corrupt', `${file} is a database, but not one of Sealtrail's`);
  }
  if (version > SCHEMA_VERSION) {
    throw new SealtrailError(
      'unavailable',
      `${file} was written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION}): upgrade Sealtrail`,
    );
  }
  return version;
}

function configure(database: DatabaseSync, maxBytes: number | undefined): void {
  // fsync on macOS does not reach the disk itself without fullfsync.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
    PRAGMA cache_size = -${CACHE_KIBIBYTES};
    PRAGMA temp_store = MEMORY;
    PRAGMA cell_size_check = ON;
  `);
  // Per connection, and never below what the file already has.
  if (maxBytes !== undefined) database.exec(`PRAGMA max_page_count = ${Math.ceil(maxBytes / PAGE_BYTES)}`);
}

/** In one transaction: after a crash the file is either still empty or complete. */
function createSchema(database: DatabaseSync): void {
  database.exec(`
    BEGIN;
    ${SCHEMA}
    PRAGMA application_id = ${APPLICATION_ID};
    PRAGMA user_version = ${SCHEMA_VERSION};
    COMMIT;
  `);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
