import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../../lib/store/sqlite/database.ts';
import { temporaryFolder } from '../temporary.ts';

it('is set up so that a commit is on the disk, and the file is one process’s alone', async () => {
  const database = openDatabase(join(await temporaryFolder(), 'ledger.db'), undefined);
  const settings = [
    'journal_mode',
    'synchronous',
    'fullfsync',
    'locking_mode',
    'page_size',
    'application_id',
    'user_version',
  ];
  const values = settings.map((name) => database.prepare(`PRAGMA ${name}`).get()?.[name]);
  // synchronous 2 is FULL: the log is synced at each commit (https://www.sqlite.org/pragma.html#pragma_synchronous).
  expect(values).toEqual(['wal', 2, 1, 'exclusive', 8192, 0x5365616c, 1]);
  database.close();
});

it('finds items and expiries by their indexes, never by looking at all of them', async () => {
  const database = openDatabase(join(await temporaryFolder(), 'ledger.db'), undefined);
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => detail);
  const range = 'SELECT sort FROM items WHERE partition = ? AND sort >= ? AND sort < ? ORDER BY sort';
  const found = expect.stringMatching(/^SEARCH items USING (COVERING )?INDEX sqlite_autoindex_items_1/);
  expect(plan(`${range} LIMIT 1`)).toEqual([found]);
  expect(plan(`${range} DESC LIMIT 1`)).toEqual([found]);
  expect(plan('SELECT rowid FROM items WHERE expires < ? ORDER BY expires LIMIT 1')).toEqual([
    expect.stringMatching(/^SEARCH items USING COVERING INDEX items_by_expiry/),
  ]);
  database.close();
});
