import { resolve } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SealtrailError } from '../../log/error.ts';
import { openDatabase } from './database.ts';
import { isInputOutputError, storeError } from './failure.ts';

/**
 * The one connection to a database file: runs statements, makes transactions durable and gives errors their codes. All of
 * it is synchronous, so nothing comes between the statements of a transaction.
 */
export class Connection {
  readonly #database: DatabaseSync;
  readonly #file: string;
  #isClosed = false;
  /** Set if a commit failed on its way to the disk, so that it is unknown how much of it got there. */
  #isUnsettled = false;

  /** @throws SealtrailError as `openDatabase` does. */
  constructor(path: string, maxBytes: number | undefined) {
    this.#file = resolve(path);
    this.#database = openDatabase(this.#file, maxBytes);
  }

  /** Compiles a statement that returns rows as arrays of columns. */
  prepare(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }

  /** Runs work that only reads. */
  read<T>(work: () => T): T {
    this.checkOpen();
    try {
      this.#settle();
      return work();
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }

  /**
   * Runs work in a transaction. Its writes survive a crash once this returns; if it throws, nothing was written, except
   * with `outcome_unknown`.
   */
  write<T>(work: () => T): T {
    return this.read(() => {
      this.#database.exec('BEGIN');
      try {
        const result = work();
        this.#commit();
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  /** @throws SealtrailError `unavailable` once it is closed. */
  checkOpen(): void {
    if (this.#isClosed) throw new SealtrailError('unavailable', `${this.#file} is closed`);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#database.close();
  }

  #commit(): void {
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      // SQLite has rolled back the transaction in memory, but its last frame may still be in the log, where recovery after
      // a crash would find it. A read in between must not report that it was not committed.
      if (!isInputOutputError(error)) throw error;
      this.#isUnsettled = true;
      try {
        this.#settle();
      } catch {
        throw new SealtrailError('outcome_unknown', `${this.#file}: the disk failed in the middle of a commit`, {
          cause: error,
        });
      }
      throw error;
    }
  }

  /** Empties the log: moves complete commits into the database and drops the rest, which settles what is committed. */
  #settle(): void {
    if (!this.#isUnsettled) return;
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#isUnsettled = false;
  }
}
