import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import type { FaultEffect } from '../../../lib/testing/memory/faults.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { newKey } from '../../support/keys.ts';
import { DAY, FakeLedger, MORNING } from '../fake-ledger.ts';
import { checkArchive } from './archive-checker.ts';

/**
 * The fault table: every single write of a run fails, before and after it took effect, with the process alive and with
 * it dead. One checker looks at the archive right after the fault and after another process has finished the work.
 */

const KEYS = [newKey('ed25519')];
const SEGMENT = { records: 200, bytes: 1_000_000 };

interface Stores {
  readonly objects: MemoryObjects;
  readonly table: MemoryTable;
}

const archiverOn = ({ objects, table }: Stores, ledger: FakeLedger, segment = SEGMENT): Archiver =>
  new Archiver({ objects, table, ledger, segment, now: () => MORNING + DAY, lockFor: () => ({ ms: 1000 }) });

const restarted = ({ objects, table }: Stores): Stores => ({ objects: objects.restarted(), table: table.restarted() });

/** Something is archived and sealed already, and something new has come in over two days. */
async function begin(): Promise<{ ledger: FakeLedger; stores: Stores }> {
  const stores = { objects: new MemoryObjects(() => MORNING), table: new MemoryTable() };
  const ledger = new FakeLedger('orders', KEYS).add(300);
  await archiverOn(stores, ledger).seal('orders');
  ledger.add(250).add(250, MORNING + DAY);
  return { ledger, stores: restarted(stores) };
}

/** The run that the table goes through, without a fault: its writes, and the objects that it leaves. */
async function undisturbed(): Promise<{ objects: number; table: number; keys: readonly string[] }> {
  const { ledger, stores } = await begin();
  await archiverOn(stores, ledger).seal('orders');
  const { keys, ...checked } = await checkArchive(stores.objects, ledger);
  expect(checked).toEqual({ archived: 800, sealed: 800, uncovered: 0 });
  return { objects: stores.objects.faults.writes, table: stores.table.faults.writes, keys };
}

const clean = await undisturbed();
const effects = ['unpersisted', 'persisted', 'cut_before', 'cut_after'] as const satisfies readonly FaultEffect[];
const rows = (['objects', 'table'] as const).flatMap((store) =>
  Array.from({ length: clean[store] }, (_, at) => effects.map((effect) => [store, at + 1, effect] as const)).flat(),
);

describe('a run of the archiver', () => {
  it('makes its plan, writes segments, bundles, tiles and a checkpoint, and seals: so many writes', () => {
    // 3 segments cut by size and day, 2 bundles, 2 tiles, the checkpoint; the partial bundle, 2 partial tiles, `checkpoint`.
    expect([clean.objects, clean.table]).toEqual([13, 4]);
  });

  it.each(rows)(
    'is completed by the next process when its write to the %s number %i is %s',
    async (store, nth, effect) => {
      const { ledger, stores } = await begin();
      stores[store].faults.add({ effect, nth });
      // A dead process loses both stores at once.
      const dead = effect.startsWith('cut');
      await expect(archiverOn(stores, ledger).seal('orders')).rejects.toMatchObject({
        code: effect === 'persisted' || effect === 'cut_after' ? 'outcome_unknown' : 'unavailable',
      });
      const after = dead ? restarted(stores) : stores;
      const between = await checkArchive(after.objects, ledger);
      expect([300, 800]).toContain(between.archived);

      // The next process is configured otherwise, which must not show in what was begun.
      await archiverOn(after, ledger, { records: 7, bytes: 100 }).seal('orders');
      const done = await checkArchive(after.objects, ledger);
      expect(done).toMatchObject({ archived: 800, sealed: 800, uncovered: 0 });
      const begun = store === 'objects' || nth > 1 || effect === 'persisted' || effect === 'cut_after';
      if (begun) expect(done.keys).toEqual(clean.keys);
    },
  );

  it('is completed however often it is interrupted, a write further each time', async () => {
    const { ledger, stores } = await begin();
    let left = stores;
    for (let round = 0; round < 20; round++) {
      left = restarted(left);
      left.objects.faults.add({ effect: 'cut_before', nth: round + 1 });
      try {
        await archiverOn(left, ledger).seal('orders');
        break;
      } catch {
        await checkArchive(left.objects.restarted(), ledger);
      }
    }
    expect(await checkArchive(left.objects.restarted(), ledger)).toMatchObject({ archived: 800, sealed: 800 });
  });

  it('is the work of anyone who comes first when several archivers race, and none of them fails', async () => {
    const { ledger, stores } = await begin();
    for (let size = 900; size <= 1500; size += 100) {
      ledger.growTo(size, MORNING + DAY);
      const racers = [restarted(stores), restarted(stores), restarted(stores)];
      const sealed = await Promise.all(racers.map((racer) => archiverOn(racer, ledger).seal('orders')));
      expect(sealed.map((checkpoint) => checkpoint?.size)).toEqual([size, size, size]);
      expect(await checkArchive(stores.objects, ledger)).toMatchObject({ archived: size, sealed: size, uncovered: 0 });
    }
  });

  it('is right when another archiver, held up in the middle of a plan, goes on after everybody else', async () => {
    for (let nth = 1; nth <= clean.objects; nth++) {
      const { ledger, stores } = await begin();
      const held = Promise.withResolvers<void>();
      const slow = restarted(stores);
      slow.objects.faults.add({ effect: held.promise, nth });
      const sealing = archiverOn(slow, ledger).seal('orders');
      while (slow.objects.faults.writes < nth) await new Promise((resolve) => setImmediate(resolve));
      await archiverOn(stores, ledger, { records: 7, bytes: 100 }).seal('orders');
      ledger.add(300, MORNING + DAY);
      await archiverOn(stores, ledger).seal('orders');
      held.resolve();
      expect(await sealing).toMatchObject({ size: 1100 });
      expect(await checkArchive(stores.objects, ledger)).toMatchObject({ archived: 1100, sealed: 1100, uncovered: 0 });
    }
  });
});
