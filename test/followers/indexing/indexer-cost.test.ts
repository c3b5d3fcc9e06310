import { hash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Indexer } from '../../../lib/followers/indexing/indexer.ts';
import { itemBytes } from '../../../lib/store/limits.ts';
import type { Item, Key, Outcome, Range, Table, Write } from '../../../lib/store/ports.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { append, START, TRAIL } from '../../query/fixture.ts';

/**
 * What the index costs on DynamoDB, where write units are most of the bill. docs/costs.md gives these figures: who
 * changes what is stored has to change them.
 */

/** Counts write units: in a transaction two for each started KB of an item that is written or removed. */
class Meter implements Table {
  units = 0;
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  get(key: Key): Promise<Item | undefined> {
    return this.#table.get(key);
  }

  query(range: Range): AsyncIterable<Item> {
    return this.#table.query(range);
  }

  async transact(writes: readonly Write[]): Promise<Outcome> {
    for (const write of writes) {
      const item = 'put' in write ? write.put : 'remove' in write ? await this.#table.get(write.remove) : undefined;
      this.units += 2 * Math.max(1, Math.ceil((item === undefined ? 0 : itemBytes(item)) / 1024));
    }
    return this.#table.transact(writes);
  }

  close(): Promise<void> {
    return this.#table.close();
  }
}

/** An event with seven dimensions of which four hardly repeat, as of a busy application. */
const event = (n: number) => ({
  id: hash('md5', `id ${n}`),
  type: ['auth.login', 'data.read', 'data.update', 'config.changed'][n % 4],
  actor: { id: `user-${(n * 7919) % 100}@example.com`, type: 'user' },
  resource: { id: `document-${(n * 31) % 2000}`, type: 'document' },
  context: {
    correlation: hash('md5', `correlation ${n >> 3}`),
    request: hash('md5', `request ${n}`),
    session: hash('md5', `session ${n % 400}`),
    tenant: `tenant-${n % 40}`,
  },
});

/** Write units for each of so many events, of which `size` are indexed together. */
async function unitsPerEvent(size: number, events: number): Promise<number> {
  const table = new MemoryTable();
  const meter = new Meter(table);
  const indexer = new Indexer({ table: meter });
  for (let first = 0; first < events; first += size) {
    for (let at = first; at < first + size; at += Math.min(size, 128)) {
      const block = Array.from({ length: Math.min(size, 128) }, (_, n) => event(at + n));
      await append(table, block, START + at * 100);
    }
    await indexer.run(TRAIL, { force: true });
  }
  return meter.units / events;
}

it.each([
  ['one at a time', 1, 320, 9, 12],
  ['a hundred at a time, merged once', 128, 2048, 0.4, 0.8],
  ['thousands at a time', 4096, 4096, 0.1, 0.25],
])('an event that is indexed %s costs a bounded number of write units', async (_, size, events, least, most) => {
  const units = await unitsPerEvent(size, events);
  expect(units).toBeLessThan(most);
  expect(units).toBeGreaterThan(least);
});
