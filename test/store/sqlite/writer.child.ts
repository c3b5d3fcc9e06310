// Writes groups of items until it is killed, and says which ones were acknowledged.
import { writeSync } from 'node:fs';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { groupWrites, lanes } from './groups.ts';

const table = await SqliteTable.open(process.argv[2] ?? '');

async function write(lane: string): Promise<void> {
  const head = await table.get({ partition: lane, sort: 'head' });
  for (let n = Number(head?.attributes.n ?? 0) + 1; ; n++) {
    const outcome = await table.transact(groupWrites(lane, n));
    if (!outcome.committed) throw new Error(`group ${n} of ${lane} was refused`);
    // Not console.log: it may keep lines back, and a kill would lose them.
    writeSync(1, `${lane} ${n}\n`);
  }
}

await Promise.all(lanes.map(write));
