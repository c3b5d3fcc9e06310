import { describe, expect, it } from 'vitest';
import { FOLLOWERS, openFollowers } from '../../../lib/app/followers.ts';
import { type ArchivedLog, wireLog } from '../../../lib/app/log.ts';
import { parseNote, verifierFromSpki } from '../../../lib/log/note.ts';
import { rebuildTable, standingsOf } from '../../../lib/server/rebuild/rebuild-table.ts';
import { MemoryFiles } from '../../../lib/testing/memory/files.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemorySigner } from '../../../lib/testing/memory/signer.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';

/** A log on AWS whose table is gone goes on after what was archived, without a key of its own at hand, and under another one. */

const settings = { logName: 'audit.example.com' };
const former = new MemorySigner();
const spki = await former.publicKey();
const keys = [spki];
const verifiers = (origin: string) => [verifierFromSpki(origin, spki)];

const logOver = (table: MemoryTable, objects: MemoryObjects, keys: object): ArchivedLog =>
  wireLog({ table, objects, files: new MemoryFiles(), signers: [former], ...keys }, settings);
const append = ({ ledger }: ArchivedLog, trail: string, count: number) =>
  ledger.append({
    trail,
    submitter: 'shop',
    events: Array.from({ length: count }, (_, n) => ({
      id: `e${n}`,
      json: `{"id":"e${n}","severity":"info","type":"a.b"}`,
    })),
  });

async function archived(): Promise<{ readonly table: MemoryTable; readonly objects: MemoryObjects }> {
  const stores = { table: new MemoryTable(), objects: new MemoryObjects() };
  const log = logOver(stores.table, stores.objects, {});
  await append(log, 'orders', 300);
  await append(log, '_system', 2);
  const { archiver } = openFollowers(FOLLOWERS, log);
  for (const trail of ['orders', '_system']) await archiver.seal(trail);
  await append(log, 'orders', 5);
  return stores;
}

describe('a table that is gone', () => {
  it('is completed from the archive, signs nothing, and goes on when the former key is retired', async () => {
    const { objects } = await archived();
    const table = new MemoryTable();
    expect(await standingsOf({ table, objects })).toMatchObject([
      { trail: '_system', state: 'behind', archived: 2 },
      { trail: 'orders', state: 'behind', archived: 300 },
    ]);
    const rebuilt = await rebuildTable({ table, objects, verifiers, keys });
    expect(rebuilt?.trails).toMatchObject([
      { trail: '_system', before: 0, size: 2 },
      { trail: 'orders', before: 0, size: 300 },
    ]);
    expect(await rebuildTable({ table, objects, verifiers, keys })).toBeUndefined();

    const log = logOver(table, objects, { signers: [new MemorySigner()], retired: [former] });
    const { first, checkpoint } = await append(log, 'orders', 1);
    expect(first).toBe(300);
    // Not at what was signed since.
    expect(await log.retiredKeys()).toMatchObject([{ ends: { orders: 300, _system: 2 } }]);
    expect(parseNote(checkpoint ?? '').signatures).toHaveLength(1);
    expect(JSON.parse((await log.ledger.record('_system', 3)) ?? '')).toMatchObject({
      event: { type: 'system.trail_rebuilt', resource: { id: 'orders' }, details: { before: 0, size: 300 } },
    });
  });

  it('is left alone where the archive was signed by other keys than are trusted', async () => {
    const { objects } = await archived();
    const table = new MemoryTable();
    const other = await new MemorySigner().publicKey();
    const strangers = (origin: string) => [verifierFromSpki(origin, other)];
    await expect(rebuildTable({ table, objects, verifiers: strangers, keys })).rejects.toMatchObject({
      code: 'archive_damaged',
    });
    expect(await standingsOf({ table, objects })).toMatchObject([{ head: { size: 0 } }, { head: { size: 0 } }]);
  });
});

it('a table of another history than its archive is not touched', async () => {
  const { objects } = await archived();
  const table = new MemoryTable();
  await append(logOver(table, new MemoryObjects(), {}), 'orders', 301);
  await expect(rebuildTable({ table, objects, verifiers, keys })).rejects.toMatchObject({ code: 'history_conflict' });
});
