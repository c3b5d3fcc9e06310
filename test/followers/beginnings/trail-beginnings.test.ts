import { describe, expect, test } from 'vitest';
import { ARCHIVER } from '../../../lib/followers/archive/archive-state.ts';
import { TrailBeginnings } from '../../../lib/followers/beginnings/trail-beginnings.ts';
import { moveWatermark, readWatermark } from '../../../lib/ledger/items/watermark.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { openLedger } from '../../ledger/fixture.ts';

/** `_system` names every trail once, so that an archive from which one was removed contradicts itself. */

async function append(table: MemoryTable, trail: string): Promise<void> {
  const events = [{ id: 'e-1', json: '{"id":"e-1","type":"a.b"}' }];
  await openLedger(table).append({ trail, submitter: 'shop', events });
}

/** As the archiver does it: all of a trail is in the archive. */
async function archive(table: MemoryTable, trail: string): Promise<void> {
  const size = (await openLedger(table).head(trail))?.size ?? 0;
  await moveWatermark(table, await readWatermark(table, trail, ARCHIVER), { size });
}

async function appendAndArchive(table: MemoryTable, trail: string): Promise<void> {
  await append(table, trail);
  await archive(table, trail);
}

const follower = (table: MemoryTable): TrailBeginnings => new TrailBeginnings({ table, ledger: openLedger(table) });

/** The trails that `_system` names, in the order of its records. */
async function named(table: MemoryTable): Promise<string[]> {
  const found: string[] = [];
  for await (const { lines } of openLedger(table).blocks('_system', { from: 0, to: 1000 })) {
    for (const line of lines) {
      const { event, submitter } = JSON.parse(line);
      expect(event).toMatchObject({ type: 'trail.began', resource: { type: 'trail', id: expect.any(String) } });
      expect(submitter).toBe('sealtrail');
      found.push(event.resource.id);
    }
  }
  return found;
}

describe('a trail that begins', () => {
  test('is recorded in _system once, however often and by whomever it is visited', async () => {
    const table = new MemoryTable();
    for (const trail of ['orders', '_access']) await appendAndArchive(table, trail);
    const [one, other] = [follower(table), follower(table)];
    await Promise.all([one.run('orders'), other.run('orders')]);
    await appendAndArchive(table, 'orders');
    for (const each of [one, other, follower(table)]) await each.run('orders');
    await one.run('_access');
    expect(await named(table)).toEqual(['orders', '_access']);
  });

  test('is nothing before its first record, and _system does not name itself', async () => {
    const table = new MemoryTable();
    const one = follower(table);
    await one.run('orders');
    await one.run('_system');
    expect(await named(table)).toEqual([]);
    await appendAndArchive(table, 'orders');
    await one.run('orders');
    await one.run('_system');
    expect(await named(table)).toEqual(['orders']);
  });

  test('is recorded only once the archive holds it: an archive never seems to lack what has not reached it', async () => {
    const table = new MemoryTable();
    const one = follower(table);
    await append(table, 'orders');
    await one.run('orders');
    expect(one.revisit('orders')).toBe(1000);
    expect(await named(table)).toEqual([]);
    await archive(table, 'orders');
    await one.run('orders');
    expect(one.revisit('orders')).toBeUndefined();
    expect(await named(table)).toEqual(['orders']);
  });

  test('of a log from before it was recorded is recorded on the first visit', async () => {
    const table = new MemoryTable();
    for (let records = 0; records < 3; records++) await appendAndArchive(table, 'orders');
    await follower(table).run('orders');
    expect(await named(table)).toEqual(['orders']);
  });

  test.each([1, 2, 3, 4, 5])('survives a crash at its write %i: recorded, and once', async (nth) => {
    const table = new MemoryTable();
    await appendAndArchive(table, 'orders');
    table.faults.add({ effect: nth % 2 === 0 ? 'cut_before' : 'cut_after', nth });
    await follower(table)
      .run('orders')
      .catch(() => undefined);
    const restarted = table.restarted();
    await follower(restarted).run('orders');
    expect(await named(restarted)).toEqual(['orders']);
  });
});
