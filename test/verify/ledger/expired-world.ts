import { Expirer } from '../../../lib/followers/expiry/expirer.ts';
import { Indexer } from '../../../lib/followers/indexing/indexer.ts';
import { ArchivedRecords } from '../../../lib/ledger/archived-records.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';
import { TRAIL } from '../../ledger/fixture.ts';
import type { World } from './verified-world.ts';

export const DAY = 86_400_000;

/** Stamps what may be stamped, and removes what has expired `days` later. @returns how many items were removed */
export async function expire(made: World, days: number): Promise<number> {
  const { table, objects } = made;
  await new Indexer({ table, files: new MemoryFiles() }).run(TRAIL, { force: true });
  await new Expirer({ table, archive: new ArchivedRecords({ objects, table }), hotDays: () => 30 }).run(TRAIL);
  made.clock += days * DAY;
  return table.purgeExpired(Math.floor(made.clock / 1000), 1000);
}
