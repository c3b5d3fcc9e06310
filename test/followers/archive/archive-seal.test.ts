import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { openTileKey, watermarkKey } from '../../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { EMPTY_ROOT } from '../../../lib/log/hash.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { DAY, FakeLedger, MORNING } from '../fake-ledger.ts';
import { ManualTimers } from '../runtime/manual-timers.ts';
import { checkArchive } from './archive-checker.ts';
import { writeEmptyArchive } from './empty-archive.ts';

const FORCE = { force: true };

function setUp() {
  const ledger = new FakeLedger();
  const timers = new ManualTimers(MORNING);
  const objects = new MemoryObjects(() => timers.now());
  const table = new MemoryTable();
  const archiver = new Archiver({ objects, table, ledger, now: () => timers.now() });
  return { ledger, timers, objects, table, archiver };
}

describe('a seal', () => {
  it.each([1, 255, 256, 257, 600])('at %i records has every partial tile', async (size) => {
    const { ledger, objects, archiver } = setUp();
    ledger.growTo(size);
    expect(await archiver.seal('orders')).toEqual(await ledger.exactCheckpoint('orders', size));
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, sealed: size });
  });

  it('on request signs, archives and covers all that the trail holds, at any moment', async () => {
    const { ledger, objects, archiver } = setUp();
    for (let size = 100; size <= 1000; size += 100) {
      ledger.add(100);
      await archiver.seal('orders');
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, sealed: size });
    }
  });

  it('twice writes nothing twice', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300);
    const first = await archiver.seal('orders');
    const { writes } = objects.faults;
    expect(await archiver.seal('orders')).toEqual(first);
    expect(objects.faults.writes).toBe(writes);
  });

  it('that is told to stop says so, and is complete when it is asked for again', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300);
    const stopped = archiver.seal('orders', { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({
      ...{ code: 'unavailable', message: 'the seal of trail orders was stopped: ask again' },
    });
    expect(objects.faults.writes).toBe(0);
    expect(await archiver.seal('orders')).toMatchObject({ size: 300 });
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 300, sealed: 300 });
  });

  it('leaves `checkpoint` alone between seals, so that the partial tiles always fit it', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300);
    await archiver.seal('orders');
    ledger.add(300).sign();
    await archiver.run('orders', FORCE);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 300 });
  });

  it('comes with the first records, so that a new trail can be checked at once', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3).sign();
    await timers.advance(20_000);
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 3, sealed: 3 });
  });

  it('comes once with each UTC day, over what came in before, and what waits comes along', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3).sign();
    await archiver.run('orders', FORCE);
    ledger.add(3).sign();
    await archiver.run('orders', FORCE);
    await timers.advance(14 * 3_600_000 - 1);
    ledger.add(3, timers.now()).sign();
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 6, sealed: 3 });
    await timers.advance(1);
    ledger.add(3, timers.now()).sign();
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 12, sealed: 12 });

    // What comes in later on that day is archived, and sealed on the next day, for which younger records wait.
    for (const archived of [15, 18]) {
      await timers.advance(3_600_000);
      ledger.add(3, timers.now()).sign();
      await archiver.run('orders', FORCE);
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived, sealed: 12 });
    }
    await timers.advance(22 * 3_600_000);
    ledger.add(3, timers.now()).sign();
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 18, sealed: 18 });
    await timers.advance(DAY);
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 21, sealed: 21 });
    const { writes } = objects.faults;
    await timers.advance(DAY);
    await archiver.run('orders');
    expect(objects.faults.writes).toBe(writes);
  });

  it('of a day does not wait for records that no one signs', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3);
    await archiver.seal('orders');
    ledger.add(3).sign();
    await archiver.run('orders', FORCE);
    ledger.add(3);
    await timers.advance(DAY);
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 6, sealed: 6 });
    expect(archiver.revisit('orders')).toBe(500);
  });

  it('of a quiet trail is not repeated', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3);
    await archiver.seal('orders');
    const { writes } = objects.faults;
    for (let day = 0; day < 5; day++) {
      await timers.advance(DAY);
      await archiver.run('orders');
    }
    expect(objects.faults.writes).toBe(writes);
  });

  it('is not made when nothing can be signed', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3);
    ledger.signerFailure = new SealtrailError('signer_unavailable', 'the key is away');
    await expect(archiver.seal('orders')).rejects.toThrow(ledger.signerFailure);
    expect(await checkArchive(objects, ledger)).toMatchObject({ keys: [] });
  });

  it('puts back a `checkpoint` that an attacker removed or set back', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3);
    const old = await archiver.seal('orders');
    ledger.add(3);
    await archiver.seal('orders');
    objects.overwrite('orders/checkpoint', Buffer.from(old?.note ?? ''));
    expect(await checkArchive(objects, ledger)).toMatchObject({ sealed: 3 });
    await archiver.seal('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ sealed: 6 });
    objects.hide('orders/checkpoint');
    await archiver.seal('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ sealed: 6 });
  });

  it.each<[string, (ledger: FakeLedger) => string]>([
    ['no note', () => 'nothing'],
    ['an empty file', () => ''],
    ['a checkpoint that the log signed but never archived', (ledger) => ledger.noteOf(9, EMPTY_ROOT)],
    ['a checkpoint of an archived size, with another root', (ledger) => ledger.noteOf(3, EMPTY_ROOT)],
  ])('raises the alarm over `checkpoint` holding %s, and puts it right', async (_what, forge) => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3);
    await archiver.seal('orders');
    const alarm = new SealtrailError(
      'object_differs',
      'orders/checkpoint was not a checkpoint that the log had sealed; it was replaced',
    );
    // Found by a seal of the same size, and by one of a new size.
    for (const size of [3, 6]) {
      ledger.growTo(size);
      objects.overwrite('orders/checkpoint', Buffer.from(forge(ledger)));
      await expect(archiver.seal('orders')).rejects.toThrow(alarm);
      await expect(archiver.seal('orders')).resolves.toMatchObject({ size });
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, sealed: size });
    }
  });

  /** Holds up an archiver just before it moves `checkpoint`, lets `meanwhile` happen, and lets it go on. */
  async function overtaken(
    all: ReturnType<typeof setUp>,
    work: (slow: Archiver) => Promise<unknown>,
    meanwhile: () => Promise<unknown>,
  ): Promise<string[]> {
    const { objects, table, ledger, timers } = all;
    const slow = objects.restarted();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    slow.faults.add({ effect: held, matching: ({ operation }) => operation === 'replace' });
    const working = work(new Archiver({ objects: slow, table, ledger, now: () => timers.now() }));
    while (!slow.faults.calls.some(({ operation }) => operation === 'replace')) await timers.advance(0);
    await meanwhile();
    letGo();
    await working;
    const sizes: string[] = [];
    for await (const { key, version } of objects.versions('orders/checkpoint')) {
      const note = Buffer.from((await objects.getVersion(key, version)) ?? []).toString();
      if (key === 'orders/checkpoint') sizes.push(note.split('\n')[1] ?? '');
    }
    return sizes;
  }

  it.each<[string, (slow: Archiver) => Promise<unknown>]>([
    ['on request', (slow) => slow.seal('orders')],
    ['by itself', (slow) => slow.run('orders', FORCE)],
  ])('%s by an archiver so slow that it overwrites a later seal is put right by it', async (_when, work) => {
    const all = setUp();
    const { ledger, objects, archiver } = all;
    ledger.add(300).sign();
    const history = await overtaken(all, work, async () => {
      // Meanwhile another one completes that seal, and makes the next one.
      ledger.add(300);
      await archiver.seal('orders');
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600 });
    });
    expect(history).toEqual(['600', '300', '600', '300']);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600 });
  });

  it('does not push aside what another archiver has begun in the meantime', async () => {
    const { ledger, objects, table, archiver } = setUp();
    ledger.add(300);
    await archiver.seal('orders');
    ledger.add(20).sign();
    // The fourth look at the state is the one that finds everything archived and nothing sealed.
    const own = table.restarted();
    const get = own.get.bind(own);
    let looks = 0;
    own.get = async (key) => {
      if (key.sort === 'archiver') looks += 1;
      if (key.sort === 'archiver' && looks === 4) {
        ledger.add(20).sign();
        const dying = objects.restarted();
        dying.faults.add({ effect: 'cut_before' });
        const other = { objects: dying, table, ledger, now: () => MORNING, segment: { records: 5, bytes: 1_000_000 } };
        await expect(new Archiver(other).run('orders', FORCE)).rejects.toMatchObject({ code: 'unavailable' });
      }
      return get(key);
    };
    await new Archiver({ objects, table: own, ledger, now: () => MORNING }).seal('orders');
    const { keys, ...checked } = await checkArchive(objects, ledger);
    expect(checked).toEqual({ archived: 340, sealed: 340, uncovered: 0 });
    // Cut as the other one had planned.
    expect(keys.filter((key) => key.includes('/records/'))).toHaveLength(2 + 4);
  });

  it('that an older copy of the table has yet to make does not set `checkpoint` back', async () => {
    const { ledger, objects, table, archiver } = setUp();
    ledger.add(300);
    table.faults.add({ effect: 'unpersisted', nth: 4 });
    await expect(archiver.seal('orders')).rejects.toMatchObject({ code: 'unavailable' });
    const old = new MemoryTable();
    for (const key of [watermarkKey('orders', 'archiver'), openTileKey('orders', 1)]) {
      const put = await table.get(key);
      if (put !== undefined) await old.transact([{ put }]);
    }
    ledger.add(300);
    await archiver.seal('orders');
    const restored = new Archiver({ objects, table: old, ledger, now: () => MORNING });
    await expect(restored.run('orders')).rejects.toThrow(
      new SealtrailError(
        'store_corrupt',
        'the archive of trail orders is sealed beyond what the archiver knows of: was the table restored from an older copy?',
      ),
    );
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600 });
  });
});

describe('an archive without a record', () => {
  it('is a checkpoint of size 0, archived and newest', async () => {
    const { ledger, objects } = setUp();
    const note = ledger.noteOf(0, EMPTY_ROOT);
    await writeEmptyArchive(objects, 'orders', note);
    await writeEmptyArchive(objects, 'orders', note);
    expect(await checkArchive(objects, ledger)).toEqual({
      archived: 0,
      sealed: 0,
      uncovered: 0,
      keys: ['orders/checkpoint', 'orders/checkpoints/0'],
    });
  });

  it('goes on as the archive of the trail once that begins', async () => {
    const { ledger, objects, archiver } = setUp();
    await writeEmptyArchive(objects, 'orders', ledger.noteOf(0, EMPTY_ROOT));
    ledger.add(300);
    await archiver.seal('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 300, sealed: 300 });
  });
});
