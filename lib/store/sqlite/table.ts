import type { StatementSync } from 'node:sqlite';
import { SealtrailError } from '../../log/error.ts';
import { isAllowed, itemAfter, needsStanding } from '../conditions.ts';
import { checkItemBytes, checkKey, checkRange, checkWrites, itemBytes, keyOf } from '../limits.ts';
import type { Item, Key, Outcome, Range, Table, Write } from '../ports.ts';
import { Connection } from './connection.ts';
import { decodeAttributes, encodeAttributes } from './encoding.ts';

/** Rows of a query's first page, unless its limit is lower: at most 6.4 MB, since no item exceeds 400 KB. */
const FIRST_ROWS = 16;
/** Later pages end with the row that exceeds this many bytes, or with this many rows. */
const PAGE_BYTES = 262_144;
const PAGE_ROWS = 256;
/** Maximum transactions in one commit, which blocks the event loop. */
const GROUP = 64;

type Row = [sort: string, expires: number | null, attributes: string, bytes: Uint8Array | null];

interface Waiting {
  readonly writes: readonly Write[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Options of a {@link SqliteTable}. */
export interface SqliteTableOptions {
  /** Maximum bytes of the database file, without the write-ahead log. @default unlimited */
  readonly maxBytes?: number;
}

/**
 * A Table in one SQLite file, used by one process at a time. README.md beside this file says what that guarantees.
 *
 * Transactions that wait at the same time are committed together, with one fsync; each still succeeds or fails on its own.
 *
 * @example
 * const table = await SqliteTable.open('data/ledger.db');
 */
export class SqliteTable implements Table {
  readonly #connection: Connection;
  readonly #statements: Statements;
  readonly #waiting: Waiting[] = [];

  private constructor(connection: Connection) {
    this.#connection = connection;
    this.#statements = prepare(connection);
  }

  /**
   * Opens the file, or creates it (mode 0600); its folder must exist. Recovers from a crash.
   *
   * @throws SealtrailError `in_use` if another process has it open, `store_corrupt` if the file is damaged or not
   * Sealtrail's, `unavailable` if it cannot be used or a newer version wrote it, `store_full`.
   */
  static async open(file: string, options: SqliteTableOptions = {}): Promise<SqliteTable> {
    return new SqliteTable(new Connection(file, options.maxBytes));
  }

  async get(key: Key): Promise<Item | undefined> {
    checkKey(key);
    return this.#connection.read(() => this.#standing(key));
  }

  async *query(range: Range): AsyncIterable<Item> {
    checkRange(range);
    const isDescending = range.order === 'descending';
    const { first, rest } = isDescending ? this.#statements.descending : this.#statements.ascending;
    let left = range.limit ?? Number.POSITIVE_INFINITY;
    let from = range.from ?? '';
    // Every text sorts before every blob (https://www.sqlite.org/datatype3.html section 4.1).
    let end = range.to === undefined ? new Uint8Array(0) : successor(range.to);
    for (let isFirst = left >= FIRST_ROWS; left > 0; isFirst = false) {
      // Read the whole page before yielding its first item: no cursor stays open while others write.
      const page = this.#connection.read(() => {
        const within = [range.partition, from, end] as const;
        return isFirst ? firstPage(first, within) : nextPage(rest, within, Math.min(left, PAGE_ROWS));
      });
      for (const row of page.rows) yield itemOf(range.partition, row);
      left -= page.rows.length;
      const last = page.rows.at(-1)?.[0];
      if (page.isLast || last === undefined) return;
      if (isDescending) end = last;
      else from = successor(last);
    }
  }

  async transact(writes: readonly Write[]): Promise<Outcome> {
    checkWrites(writes);
    this.#connection.checkOpen();
    return new Promise((resolve, reject) => {
      // Deferred, so that transactions from the same turn of the event loop share the fsync.
      if (this.#waiting.length === 0) setImmediate(() => this.#commitWaiting());
      this.#waiting.push({ writes, resolve, reject });
    });
  }

  /**
   * Removes items that expired before `now`, oldest first. Nothing else removes them.
   *
   * @param now Unix time in seconds.
   * @param limit maximum items to remove in this call, which blocks the event loop.
   * @returns the number of items removed; fewer than `limit` means that none are left.
   */
  async purgeExpired(now: number, limit: number): Promise<number> {
    return this.#connection.write(() => Number(this.#statements.purge.run(now, limit).changes));
  }

  async close(): Promise<void> {
    while (this.#waiting.length > 0) this.#commitWaiting();
    this.#connection.close();
  }

  #commitWaiting(): void {
    const group = this.#waiting.splice(0, GROUP);
    if (group.length === 0) return;
    if (this.#waiting.length > 0) setImmediate(() => this.#commitWaiting());
    try {
      this.#commit(group);
    } catch (error) {
      const isUnknown = error instanceof SealtrailError && error.code === 'outcome_unknown';
      if (group.length === 1 || isUnknown) for (const { reject } of group) reject(error);
      // Nothing was written, and the failure of one must not fail the others.
      else for (const waiting of group) this.#commitAlone(waiting);
    }
  }

  #commitAlone(waiting: Waiting): void {
    try {
      this.#commit([waiting]);
    } catch (error) {
      waiting.reject(error);
    }
  }

  /** Commits transactions, and acknowledges each only once all are durable. */
  #commit(group: readonly Waiting[]): void {
    const outcomes = this.#connection.write(() =>
      group.map(({ writes, resolve }) => {
        const outcome = this.#apply(writes);
        return () => resolve(outcome);
      }),
    );
    for (const tell of outcomes) tell();
  }

  /** Checks all conditions, then writes; writes nothing if one fails. */
  #apply(writes: readonly Write[]): Outcome {
    const failed: { write: number; item?: Item }[] = [];
    const standing = writes.map((write, index) => {
      if (!needsStanding(write)) return undefined;
      const item = this.#standing(keyOf(write));
      if (!isAllowed(write, item)) failed.push(item === undefined ? { write: index } : { write: index, item });
      return item;
    });
    if (failed.length > 0) return { committed: false, failed };
    for (const [index, write] of writes.entries()) this.#write(write, standing[index]);
    return { committed: true };
  }

  #write(write: Write, standing: Item | undefined): void {
    if ('check' in write) return;
    const item = itemAfter(write, standing);
    const { partition, sort } = keyOf(write);
    if (item === undefined) {
      this.#statements.remove.run(partition, sort);
      return;
    }
    if ('update' in write) checkItemBytes(item, itemBytes(item));
    const { json, bytes } = encodeAttributes(item.attributes);
    this.#statements.put.run(partition, sort, item.expiresAt ?? null, json, bytes);
  }

  #standing(key: Key): Item | undefined {
    const row = this.#statements.get.get(key.partition, key.sort) as unknown as Row | undefined; // See `prepare`.
    return row && itemOf(key.partition, row);
  }
}

interface Statements {
  readonly get: StatementSync;
  readonly put: StatementSync;
  readonly remove: StatementSync;
  readonly ascending: RangeStatements;
  readonly descending: RangeStatements;
  readonly purge: StatementSync;
}

/** One statement for the first page of a range, limited to {@link FIRST_ROWS}, and one that can stop at any row. */
interface RangeStatements {
  readonly first: StatementSync;
  readonly rest: StatementSync;
}

/** Prepares the statements. Their first four columns are a `Row`, which their types cannot express. */
function prepare(connection: Connection): Statements {
  const columns = 'SELECT sort, expires, attributes, bytes FROM items';
  const range = `${columns} WHERE partition = ? AND sort >= ? AND sort < ?`;
  // A literal, since SQLite recompiles a statement each time a LIMIT parameter is bound.
  const rangeStatements = (sql: string) => ({
    first: connection.prepare(`${sql} LIMIT ${FIRST_ROWS}`),
    rest: connection.prepare(sql),
  });
  return {
    get: connection.prepare(`${columns} WHERE partition = ? AND sort = ?`),
    put: connection.prepare(
      `INSERT INTO items (partition, sort, expires, attributes, bytes) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET expires = excluded.expires, attributes = excluded.attributes, bytes = excluded.bytes`,
    ),
    remove: connection.prepare('DELETE FROM items WHERE partition = ? AND sort = ?'),
    ascending: rangeStatements(`${range} ORDER BY sort`),
    descending: rangeStatements(`${range} ORDER BY sort DESC`),
    purge: connection.prepare(
      'DELETE FROM items WHERE rowid IN (SELECT rowid FROM items WHERE expires < ? ORDER BY expires LIMIT ?)',
    ),
  };
}

interface Page {
  readonly rows: readonly Row[];
  readonly isLast: boolean;
}

/** The bounds of a page: from a sort key, inclusive, to before another one or a blob. */
type Within = readonly [partition: string, from: string, end: string | Uint8Array];

/** Reads the first page at once, since stepping row by row takes twice as long; {@link FIRST_ROWS} bounds the memory. */
function firstPage(statement: StatementSync, within: Within): Page {
  const rows = statement.all(...within) as unknown as Row[]; // See `prepare`.
  return { rows, isLast: rows.length < FIRST_ROWS };
}

function nextPage(statement: StatementSync, within: Within, limit: number): Page {
  const rows: Row[] = [];
  let bytes = 0;
  for (const value of statement.iterate(...within)) {
    const row = value as unknown as Row; // See `prepare`.
    rows.push(row);
    bytes += row[2].length + (row[3]?.byteLength ?? 0);
    if (rows.length >= limit || bytes >= PAGE_BYTES) return { rows, isLast: false };
  }
  return { rows, isLast: true };
}

function itemOf(partition: string, [sort, expires, json, bytes]: Row): Item {
  const attributes = decodeAttributes(json, bytes);
  return expires === null ? { partition, sort, attributes } : { partition, sort, attributes, expiresAt: expires };
}

/** The next text in byte order. */
function successor(text: string): string {
  return `${text}\0`;
}
