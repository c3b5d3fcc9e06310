import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Standing } from '../../rebuild/standing.ts';
import { FolderObjects } from '../../store/folder/objects.ts';
import type { Table } from '../../store/ports.ts';
import { SqliteTable } from '../../store/sqlite/table.ts';
import { standingsOf } from './rebuild-table.ts';

export const databaseFile = (dir: string): string => join(dir, 'sealtrail.db');

const exists = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  );

/** A database that is not there: it must not be made by a look at it. */
const NO_TABLE: Table = {
  get: async () => undefined,
  query: async function* () {},
  transact: async () => {
    throw new RangeError('there is no database to write to');
  },
  close: async () => undefined,
};

/**
 * How each trail of a data folder's database, or of another one, stands to the archive: those that either of them has, by name.
 * Changes nothing but for what opening a database recovers.
 *
 * @throws `in_use` while a server has it open; `archive_damaged`; `not_found` where there is no archive
 */
export async function readStandings(dir: string, open?: Table): Promise<readonly Standing[]> {
  const objects = await FolderObjects.openReadOnly(join(dir, 'archive'));
  const own =
    open === undefined && (await exists(databaseFile(dir))) ? await SqliteTable.open(databaseFile(dir)) : undefined;
  try {
    return await standingsOf({ table: open ?? own ?? NO_TABLE, objects });
  } finally {
    await own?.close();
    await objects.close();
  }
}
