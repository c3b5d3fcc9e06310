import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { SealtrailError } from '../../log/error.ts';
import { isAllowed, itemAfter, needsStanding } from '../conditions.ts';
import { checkItemBytes, checkKey, checkRange, checkWrites, itemBytes, keyOf } from '../limits.ts';
import type { Item, Key, Outcome, Range, Table, Write } from '../ports.ts';
import { openDatabase } from './database.ts';
import { decodeAttributes, encodeAttributes } from './encoding.ts';
import { isInputOutputError, storeError } from './failure.ts';

/** A page of a query ends with the row that takes it past this many bytes, or with this many rows. */
const PAGE_BYTES = 262_144;
const PAGE_ROWS = 256;
/** Transactions that share one commit, at most: the event loop stands still meanwhile. */
const GROUP = 64;

type Row = [sort: string, expires: number | null, attributes: string, bytes: Uint8Array | null];

interface Waiting {
  readonly writes: readonly Write[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A Table in one SQLite file that one process has to itself; see README.md beside this file.
 *
 * Transactions that are waiting at the same time are committed together, with one fsync for all; each still goes
 * through or fails on its own.
 *
 * @example
 * const table = await SqliteTable.open('data/ledger.db');
 */
export class SqliteTable implements Table {
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #statements: Statements;
  #waiting: Waiting[] = [];
  #closed = false;
  /** A commit failed halfway and it is not known what of it reached the disk. */
  #unsettled = false;

  private constructor(database: DatabaseSync, file: string) {
    this.#database = database;
    this.#file = file;
    this.#statements = prepare(database);
  }

  /**
   * Opens the file, or makes it (mode 0600); its folder must exist. A crash is recovered from here.
   *
   * @throws SealtrailError `in_use` where another process has it open, `store_corrupt` where the file is damaged or not
   * ours, `unavailable` where it cannot be used or a newer version wrote it, `store_full`.
   */
  static async open(file: string): Promise<SqliteTable> {
    return new SqliteTable(openDatabase(file), file);
  }

  async get(key: Key): Promise<Item | undefined> {
    checkKey(key);
    return this.#attempt(() => this.#read(key));
  }

  async *query(range: Range): AsyncIterable<Item> {
    checkRange(range);
    const statement = range.order === 'descending' ? this.#statements.descending : this.#statements.ascending;
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let from = range.from ?? '';
    // Every text sorts before every blob (https://www.sqlite.org/datatype3.html section 4.1).
    let end = range.to === undefined ? new Uint8Array(0) : successor(range.to);
    while (left > 0) {
      const rows = Math.min(left, PAGE_ROWS);
      const page = this.#attempt(() => readPage(statement, range.partition, from, end, rows));
      for (const row of page.rows) yield itemOf(range.partition, row);
      left -= page.rows.length;
      const last = page.rows.at(-1)?.[0];
      if (page.isLast || last === undefined) return;
      if (range.order === 'descending') end = last;
      else from = successor(last);
    }
  }

  async transact(writes: readonly Write[]): Promise<Outcome> {
    checkWrites(writes);
    this.#checkOpen();
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#commitWaiting());
      this.#waiting.push({ writes, resolve, reject });
    });
  }

  /**
   * Removes items that expired before `now`, the longest expired first.
   *
   * @param now Unix time in seconds.
   * @param limit most items to remove in this call; the event loop stands still meanwhile.
   * @returns how many were removed; fewer than `limit` means that none is left.
   */
  async purgeExpired(now: number, limit: number): Promise<number> {
    return this.#attempt(() => Number(this.#statements.purge.run(now, limit).changes));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    while (this.#waiting.length > 0) this.#commitWaiting();
    this.#closed = true;
    this.#database.close();
  }

  #commitWaiting(): void {
    const group = this.#waiting.splice(0, GROUP);
    if (this.#waiting.length > 0) setImmediate(() => this.#commitWaiting());
    try {
      const outcomes = this.#attempt(() => this.#commit(group));
      for (const [index, { resolve }] of group.entries()) resolve(outcomes[index] ?? { committed: true });
    } catch (error) {
      const [only] = group;
      if (group.length === 1 && only) only.reject(error);
      // What one of them ran into must not fail the others.
      else for (const waiting of group) this.#commitAlone(waiting);
    }
  }

  #commitAlone(waiting: Waiting): void {
    try {
      const [outcome] = this.#attempt(() => this.#commit([waiting]));
      waiting.resolve(outcome ?? { committed: true });
    } catch (error) {
      waiting.reject(error);
    }
  }

  #commit(group: readonly Waiting[]): Outcome[] {
    this.#database.exec('BEGIN');
    try {
      const outcomes = group.map(({ writes }) => this.#apply(writes));
      this.#commitToDisk();
      return outcomes;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #commitToDisk(): void {
    try {
      this.#database.exec('COMMIT');
    } catch (error) {
      if (isInputOutputError(error)) this.#unsettled = true;
      throw error;
    }
  }

  /** Checks all of the conditions, then writes; nothing is written where one fails. */
  #apply(writes: readonly Write[]): Outcome {
    const failed: { write: number; item?: Item }[] = [];
    const standing = writes.map((write, index) => {
      if (!needsStanding(write)) return undefined;
      const item = this.#read(keyOf(write));
      if (!isAllowed(write, item)) failed.push(item === undefined ? { write: index } : { write: index, item });
      return item;
    });
    if (failed.length > 0) return { committed: false, failed };
    for (const [index, write] of writes.entries()) {
      if ('remove' in write) this.#statements.remove.run(write.remove.partition, write.remove.sort);
      else if (!('check' in write)) this.#put(itemAfter(write, standing[index]));
    }
    return { committed: true };
  }

  #put(item: Item | undefined): void {
    if (item === undefined) return;
    checkItemBytes(item, itemBytes(item));
    const { json, bytes } = encodeAttributes(item.attributes);
    this.#statements.put.run(item.partition, item.sort, item.expiresAt ?? null, json, bytes);
  }

  #read(key: Key): Item | undefined {
    // The statement returns arrays, which its type cannot say.
    const row = this.#statements.get.get(key.partition, key.sort) as unknown as Row | undefined;
    return row && itemOf(key.partition, row);
  }

  #attempt<T>(work: () => T): T {
    this.#checkOpen();
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', `${this.#file} is closed`);
  }
}

interface Statements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly ascending: StatementSync;
  readonly descending: StatementSync;
  readonly purge: StatementSync;
}

function prepare(database: DatabaseSync): Statements {
  const columns = 'SELECT sort, expires, attributes, bytes FROM items';
  const range = `${columns} WHERE partition = ? AND sort >= ? AND sort < ?`;
  const statements = {
    get: database.prepare(`${columns} WHERE partition = ? AND sort = ?`),
    put: database.prepare(
      'INSERT OR REPLACE INTO items (partition, sort, expires, attributes, bytes) VALUES (?, ?, ?, ?, ?)',
    ),
    remove: database.prepare('DELETE FROM items WHERE partition = ? AND sort = ?'),
    ascending: database.prepare(`${range} ORDER BY sort LIMIT ?`),
    descending: database.prepare(`${range} ORDER BY sort DESC LIMIT ?`),
    purge: database.prepare(
      `DELETE FROM items WHERE (partition, sort) IN
         (SELECT partition, sort FROM items WHERE expires < ? ORDER BY expires LIMIT ?)`,
    ),
  };
  for (const statement of [statements.get, statements.ascending, statements.descending]) {
    statement.setReturnArrays(true);
  }
  return statements;
}

function readPage(
  statement: StatementSync,
  partition: string,
  from: string,
  end: string | Uint8Array,
  limit: number,
): { readonly rows: readonly Row[]; readonly isLast: boolean } {
  const rows: Row[] = [];
  let bytes = 0;
  for (const value of statement.iterate(partition, from, end, limit)) {
    const row = value as unknown as Row; // The statement returns arrays, which its type cannot say.
    rows.push(row);
    bytes += row[2].length + (row[3]?.byteLength ?? 0);
    if (bytes >= PAGE_BYTES) return { rows, isLast: false };
  }
  return { rows, isLast: rows.length < limit };
}

function itemOf(partition: string, [sort, expires, json, bytes]: Row): Item {
  const attributes = decodeAttributes(json, bytes);
  return expires === null ? { partition, sort, attributes } : { partition, sort, attributes, expiresAt: expires };
}

/** The text that comes next in byte order. */
function successor(text: string): string {
  return `${text}\0`;
}
