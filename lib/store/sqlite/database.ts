import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { SealtrailError } from '../../log/error.ts';
import { systemCode } from '../system-error.ts';
import { storeError } from './failure.ts';

/** "Seal" in ASCII, in the header of each file, to recognise other programs' databases. */
const APPLICATION_ID = 0x5365616c;
/** The version of the schema below. Changing it requires a migration from each older version. */
const SCHEMA_VERSION = 1;
const PAGE_BYTES = 8192;
/** The cache grows with use up to this size, enough for the query index of a million records and the inner pages of their blocks. */
const CACHE_KIBIBYTES = 65_536;
/** Pages in the write-ahead log at which a commit also copies them into the database. */
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
 * Opens or creates a database file, and locks it for this connection alone until it is closed.
 *
 * @param file absolute path; its folder must exist.
 * @param maxBytes see `SqliteTableOptions`.
 * @throws SealtrailError `in_use` if another connection has it, `store_corrupt` if it is not a Sealtrail database,
 * `unavailable` if a newer version wrote it or the file cannot be used.
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

/** Creates the file itself, since SQLite would make it readable by everyone. The write-ahead log inherits its mode. */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    throw new SealtrailError('unavailable', `${file} cannot be made: ${systemCode(error)}`, { cause: error });
  }
}

/**
 * Sets the locking mode before the first access, which then takes the lock for good and keeps the log's index in this
 * process's memory instead of a shared file (https://www.sqlite.org/wal.html section 8). The page size must be set before
 * the first page.
 */
function takeAlone(database: DatabaseSync): void {
  database.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA locking_mode = EXCLUSIVE;`);
}

/** @returns the version of the schema, 0 for a new file. Changes nothing until the file is known to be Sealtrail's. */
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
  // On macOS, fsync does not reach the disk itself without fullfsync.
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

/** Creates the schema in one transaction: after a crash the file is either empty or complete. */
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
