import fc from 'fast-check';
import { Archiver } from '../../lib/followers/archive/archiver.ts';
import { ArchivedRecords } from '../../lib/ledger/archived-records.ts';
import type { Item, Table } from '../../lib/store/ports.ts';
import { MemoryObjects } from '../../lib/testing/memory/objects.ts';
import { openLedger } from '../ledger/fixture.ts';
import { append, index, MemoryTable, START, someEvent, type TestEvent, TRAIL } from './fixture.ts';

/** A trail that is archived, with blocks of one record and of hundreds: some bundles hold many, some blocks many bundles. */
export interface ArchivedHistory {
  readonly table: MemoryTable;
  readonly objects: MemoryObjects;
  readonly archive: ArchivedRecords;
}

/** How a trail came to be: sizes of blocks, and what is in their events in turn. */
export const someTrail = fc.record({
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 100, max: 500 })), {
    minLength: 4,
    maxLength: 16,
    size: 'max',
  }),
  events: fc.array(someEvent, { minLength: 5, maxLength: 40, size: 'max' }),
  later: fc.array(fc.constantFrom(0, 0, 1000, 1_800_000), { minLength: 1, maxLength: 5 }),
  indexedAfter: fc.integer({ min: 0, max: 30 }),
});
export interface SomeTrail {
  readonly sizes: readonly number[];
  readonly events: readonly TestEvent[];
  readonly later: readonly number[];
  readonly indexedAfter: number;
}

export async function archivedHistory({ sizes, events, later, indexedAfter }: SomeTrail): Promise<ArchivedHistory> {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  let [now, next] = [START, 0];
  for (const [block, size] of sizes.entries()) {
    now += later[block % later.length] ?? 0;
    const from = next;
    next += size;
    await append(
      table,
      Array.from({ length: size }, (_, n) => events[(from + n) % events.length] ?? {}),
      now,
      block % 3 === 0 ? 'other' : 'app',
    );
    if (block === indexedAfter) await index(table);
  }
  const ledger = openLedger(table);
  await ledger.seal(TRAIL);
  await new Archiver({ objects, table, ledger }).run(TRAIL, { force: true });
  return { table, objects, archive: new ArchivedRecords({ objects, table }) };
}

/** The blocks that may go: those of which full bundles hold every record. */
export async function expendable(table: Table, archive: ArchivedRecords): Promise<Item[]> {
  const end = await archive.end(TRAIL);
  const items = await Array.fromAsync(table.query({ partition: `block/${TRAIL}` }));
  return items.filter(({ attributes }) => Number(attributes.first) + Number(attributes.count) <= end);
}

/** Removes blocks, as a store does whose time to expire has come; of those with parts the parts may go first. */
export async function expire(table: Table, blocks: readonly Item[]): Promise<void> {
  for (const { partition, sort } of blocks) await table.transact([{ remove: { partition, sort } }]);
}
