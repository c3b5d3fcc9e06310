import { chmod, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Item } from '../../../lib/store/ports.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { tableContract } from '../../../lib/testing/contracts/table.ts';
import { sorts } from '../../../lib/testing/contracts/table-driver.ts';
import { runChild } from '../child-process.ts';
import { asOrdinaryUser } from '../ordinary-user.ts';
import { makeFolder, removeFolder, temporaryFolder } from '../temporary.ts';

const shared = await makeFolder();
afterAll(() => removeFolder(shared));
tableContract('SqliteTable', { open: () => SqliteTable.open(join(shared, 'contract.db')) });

const item = (sort: string, bytes = 10): Item => ({
  partition: 'p',
  sort,
  attributes: { bytes: new Uint8Array(bytes).fill(7) },
});

describe('one process to a file', () => {
  it('refuses a second opener in the same process, which gets in once the first has left', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const first = await SqliteTable.open(file);
    await expect(SqliteTable.open(file)).rejects.toMatchObject({
      code: 'in_use',
      message: `${file} is in use by another process: stop that one, or give this one a data folder of its own`,
      cause: expect.objectContaining({ errcode: 5 }),
    });
    await first.transact([{ put: item('a') }]);
    await first.close();
    const second = await SqliteTable.open(file);
    expect(await sorts(second, { partition: 'p' })).toEqual(['a']);
    await second.close();
  });

  it('refuses a second process, before and after the first write', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    await (await SqliteTable.open(file)).close();
    const table = await SqliteTable.open(file);
    const script = fileURLToPath(new URL('writer.child.ts', import.meta.url));
    for (let round = 0; round < 2; round++) {
      const { exitCode, stderr, lines } = await runChild(script, [file]);
      expect({ exitCode, lines }).toEqual({ exitCode: 1, lines: [] });
      expect(stderr).toMatch(/ledger\.db is in use by another process: stop that one/);
      await table.transact([{ put: item('a') }]);
    }
    await table.close();
  });

  it('keeps the file and its log from other users', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const table = await SqliteTable.open(file);
    await table.transact([{ put: item('a') }]);
    for (const path of [file, `${file}-wal`]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    await table.close();
  });
});

describe('files that are not right', () => {
  it('refuses a newer schema and says what to do', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    await (await SqliteTable.open(file)).close();
    const database = new DatabaseSync(file);
    database.exec('PRAGMA user_version = 2');
    database.close();
    await expect(SqliteTable.open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `${file} was written by a newer version (schema 2, this one knows 1): upgrade Sealtrail`,
    });
  });

  it("refuses another program's database, and leaves it as it was", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'other.db');
    const database = new DatabaseSync(file);
    database.exec('CREATE TABLE items (a)');
    database.close();
    const before = await readFile(file);
    await expect(SqliteTable.open(file)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: `${file} is a database, but not one of Sealtrail's`,
    });
    expect(await readFile(file)).toEqual(before);
    expect(await readdir(folder)).toEqual(['other.db']);
  });

  it('refuses what is no database', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    await writeFile(file, 'Not a database at all, '.repeat(100));
    await expect(SqliteTable.open(file)).rejects.toMatchObject({
      code: 'store_corrupt',
      message: `${file} is damaged: file is not a database`,
      cause: expect.objectContaining({ errcode: 26 }),
    });
  });

  it('refuses a truncated file', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const table = await SqliteTable.open(file);
    for (let n = 0; n < 40; n++) await table.transact([{ put: item(`${n}`, 10_000) }]);
    await table.close();
    const whole = await readFile(file);
    for (const pages of [1, 2, 10, whole.byteLength / 8192 - 1]) {
      await writeFile(file, whole);
      await truncate(file, pages * 8192);
      await expect(SqliteTable.open(file)).rejects.toMatchObject({
        code: 'store_corrupt',
        message: `${file} is damaged: database disk image is malformed`,
      });
    }
  });

  it.each([
    ['not JSON', 'UPDATE items SET attributes = \'{"a":\'', /not JSON/],
    ['no object', "UPDATE items SET attributes = '[1]'", /not an object/],
    ['no place of bytes', 'UPDATE items SET attributes = \'{"a":[0,1,2,3]}\', bytes = NULL', /without its value/],
    ['a place past the bytes', 'UPDATE items SET attributes = \'{"a":[5,6]}\'', /without its value/],
    ['a place before the bytes', 'UPDATE items SET attributes = \'{"a":[-1,1]}\'', /without its value/],
    ['null', 'UPDATE items SET attributes = \'{"a":null}\'', /without its value/],
    ['a number that no double holds', 'UPDATE items SET expires = 9007199254740993', /a number that no item can/],
  ])('says that a row is corrupt whose attributes are %s', async (_, change, message) => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const table = await SqliteTable.open(file);
    await table.transact([{ put: item('a') }]);
    await table.close();
    const database = new DatabaseSync(file);
    database.exec(change);
    database.close();
    const reopened = await SqliteTable.open(file);
    const corrupt = { code: 'store_corrupt', message: expect.stringMatching(message) };
    await expect(reopened.get(item('a'))).rejects.toMatchObject(corrupt);
    await expect(sorts(reopened, { partition: 'p' })).rejects.toMatchObject(corrupt);
    await expect(reopened.transact([{ update: item('a'), set: {} }])).rejects.toMatchObject(corrupt);
    await reopened.close();
  });
});

describe('folders that are not right', () => {
  it('says that the folder is missing', async () => {
    const file = join(await temporaryFolder(), 'missing', 'ledger.db');
    await expect(SqliteTable.open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `${file} cannot be made: ENOENT`,
    });
  });

  it('says that it is a folder', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    await mkdir(file);
    await expect(SqliteTable.open(file)).rejects.toMatchObject({
      code: 'unavailable',
      message: `${file} cannot be used: unable to open database file`,
    });
  });

  it('says that it may not write, a new file or an old one', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'ledger.db');
    await asOrdinaryUser(folder, async () => {
      await (await SqliteTable.open(file)).close();
      await chmod(folder, 0o500);
      await expect(SqliteTable.open(join(folder, 'new.db'))).rejects.toMatchObject({
        code: 'unavailable',
        message: `${join(folder, 'new.db')} cannot be made: EACCES`,
      });
      await chmod(folder, 0o700);
      await chmod(file, 0o400);
      await expect(SqliteTable.open(file)).rejects.toMatchObject({
        code: 'unavailable',
        message: `${file} cannot be written: check its permissions and its folder's, and that it is not on a network share`,
      });
      await chmod(file, 0o600);
    });
  });
});

describe('a full store', () => {
  it('refuses what does not fit, writes no part of it, and goes on with what fits', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const table = await SqliteTable.open(file, { maxBytes: 1_000_000 });
    const results = await Promise.allSettled([
      table.transact([{ put: item('fits', 300_000) }]),
      table.transact([{ put: item('x', 10) }, { put: item('y', 390_000) }, { put: item('z', 390_000) }]),
      table.transact([{ put: item('fits too', 300_000) }]),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(table.transact([{ put: item('more', 390_000) }])).rejects.toMatchObject({
      code: 'store_full',
      message: `${file} cannot grow, the disk is full: free some space`,
      cause: expect.objectContaining({ errcode: 13 }),
    });
    expect(await sorts(table, { partition: 'p' })).toEqual(['fits', 'fits too']);
    await table.transact([{ remove: item('fits') }]);
    expect(await table.transact([{ put: item('more', 290_000) }])).toEqual({ committed: true });
    await table.close();
  });
});

describe('expiry', () => {
  it('removes what expired, the longest expired first, at most so many at a time, and nothing else', async () => {
    const table = await SqliteTable.open(join(await temporaryFolder(), 'ledger.db'));
    const expiring = [30, 10, 20, 40, 50].map((expiresAt) => ({ put: { ...item(`at ${expiresAt}`), expiresAt } }));
    await table.transact([...expiring, { put: item('never') }]);
    expect(await table.purgeExpired(10, 100)).toBe(0);
    expect(await table.purgeExpired(41, 3)).toBe(3);
    expect(await sorts(table, { partition: 'p' })).toEqual(['at 40', 'at 50', 'never']);
    expect(await table.purgeExpired(41, 3)).toBe(1);
    expect(await table.purgeExpired(41, 3)).toBe(0);
    expect(await sorts(table, { partition: 'p' })).toEqual(['at 50', 'never']);
    await table.close();
  });

  it('goes by the newest expiry of an item, and forgets that of one written without', async () => {
    const table = await SqliteTable.open(join(await temporaryFolder(), 'ledger.db'));
    await table.transact([{ put: { ...item('later'), expiresAt: 10 } }, { put: { ...item('kept'), expiresAt: 10 } }]);
    await table.transact([{ update: item('later'), set: {}, expiresAt: 1_000 }, { put: item('kept') }]);
    expect(await table.purgeExpired(100, 10)).toBe(0);
    expect(await table.purgeExpired(2_000, 10)).toBe(1);
    expect(await sorts(table, { partition: 'p' })).toEqual(['kept']);
    await table.close();
    await expect(table.purgeExpired(1, 1)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('cost', () => {
  it('commits transactions that wait at the same time together, with one sync', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const table = await SqliteTable.open(file);
    const before = await commitsIn(`${file}-wal`);
    await Promise.all(Array.from({ length: 40 }, (_, n) => table.transact([{ put: item(`${n}`) }])));
    expect(await commitsIn(`${file}-wal`)).toBe(before + 1);
    for (let n = 0; n < 3; n++) await table.transact([{ put: item(`${n}`, 20) }]);
    expect(await commitsIn(`${file}-wal`)).toBe(before + 4);
    await table.close();
  });

  it('keeps the log short by copying it into the database as it goes', async () => {
    const file = join(await temporaryFolder(), 'ledger.db');
    const table = await SqliteTable.open(file);
    for (let n = 0; n < 60; n++) await table.transact([{ put: item(`${n}`, 300_000) }]);
    expect((await stat(`${file}-wal`)).size).toBeLessThan(6_000_000);
    await table.close();
  });

  it('reads a page of a query only when the one before it is used up', async () => {
    const table = await SqliteTable.open(join(await temporaryFolder(), 'ledger.db'));
    for (let n = 10; n < 40; n++) await table.transact([{ put: item(`${n}`, 100_000) }]);
    const remove = async (from: number, to: number) => {
      for (let n = from; n < to; n++) await table.transact([{ remove: item(`${n}`) }]);
    };
    const seen: string[] = [];
    for await (const { sort } of table.query({ partition: 'p' })) {
      // The first page has 16 rows, and another one ends with the row that makes it 256 KiB.
      if (sort === '10') await remove(20, 30);
      if (sort === '30') await remove(30, 40);
      seen.push(sort);
    }
    const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => `${from + n}`);
    expect(seen).toEqual([...numbers(10, 26), ...numbers(30, 33)]);
    await table.close();
  });
});

/** Commits in a write-ahead log (https://www.sqlite.org/fileformat2.html section 4.1): frames that have a database size. */
async function commitsIn(log: string): Promise<number> {
  const bytes = await readFile(log);
  const frameBytes = 24 + bytes.readUInt32BE(8);
  let commits = 0;
  for (let at = 32; at + frameBytes <= bytes.byteLength; at += frameBytes) {
    if (bytes.readUInt32BE(at + 4) !== 0) commits += 1;
  }
  return commits;
}
