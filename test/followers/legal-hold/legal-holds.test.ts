import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { LegalHoldOrders } from '../../../lib/followers/legal-hold/legal-hold-requests.ts';
import { LegalHolds } from '../../../lib/followers/legal-hold/legal-holds.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import type { Objects } from '../../../lib/store/ports.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { events, openLedger, TRAIL } from '../../ledger/fixture.ts';

/**
 * The promise: while a trail is held, nothing of its archive can be removed, whether it was there before or is put later;
 * who did it and why is in `_system`. The worst day: the follower is stopped between any two objects.
 */

const MINUTE = 60_000;
const REASON = 'case 2026-17, by order of the court';

function world() {
  const table = new MemoryTable();
  const objects = new MemoryObjects();
  const made = { table, objects, clock: Date.UTC(2026, 0, 1) };
  const now = () => made.clock;
  const ledger = openLedger(table, { now });
  const append = (count: number, trail = TRAIL) =>
    ledger.append({ trail, submitter: 'test', events: events(`h${made.clock}`, count) });
  const archive = (trail = TRAIL) => new Archiver({ objects, table, ledger, now }).run(trail, { force: true });
  const orders = new LegalHoldOrders({ table, ledger, now });
  const holds = new LegalHolds({ table, objects, now });
  return Object.assign(made, { ledger, append, archive, orders, holds });
}

/** Whether each version of a trail's objects is held. */
async function held(objects: Objects, trail = TRAIL): Promise<Set<boolean>> {
  const found = new Set<boolean>();
  for await (const { key, version } of objects.versions(`${trail}/`)) found.add(await objects.isHeld(key, version));
  return found;
}

const set = ({ orders }: ReturnType<typeof world>, isHeld: boolean) =>
  orders.set(TRAIL, { held: isHeld, reason: REASON, by: 'carol' });

describe('a legal hold', () => {
  it('reaches what is archived already, of that trail alone, and is recorded with who and why', async () => {
    const made = world();
    await made.append(600);
    await made.append(3, 'others');
    await made.archive();
    await made.archive('others');
    expect(await made.orders.status(TRAIL)).toEqual({ trail: TRAIL, held: false, objects: 0, complete: true });
    await set(made, true);
    await made.holds.run(TRAIL);
    expect(await held(made.objects)).toEqual(new Set([true]));
    expect(await held(made.objects, 'others')).toEqual(new Set([false]));
    const line = await made.ledger.record('_system', 0);
    expect(JSON.parse(line ?? '')).toMatchObject({
      submitter: 'sealtrail',
      event: {
        type: 'system.legal_hold_set',
        severity: 'warning',
        actor: { id: 'carol', type: 'admin' },
        resource: { type: 'trail', id: TRAIL },
        description: REASON,
      },
    });
    for await (const { key, version } of made.objects.versions(`${TRAIL}/`)) {
      expect(() => made.objects.destroyVersion(key, version)).toThrow('is under legal hold');
    }
  });

  it('is on what the archiver puts from then on', async () => {
    const made = world();
    await made.append(10);
    await made.archive();
    await set(made, true);
    await made.holds.run(TRAIL);
    await made.append(300);
    await made.archive();
    expect(await held(made.objects)).toEqual(new Set([true]));
  });

  it('is complete only after a second look, for what an archiver put that had begun before', async () => {
    const made = world();
    await made.append(10);
    await made.archive();
    await set(made, true);
    await made.holds.run(TRAIL);
    expect(await made.orders.status(TRAIL)).toMatchObject({ held: true, complete: false });
    expect(made.holds.revisit(TRAIL)).toBe(15 * MINUTE);
    await made.objects.put(`${TRAIL}/tile/late`, new Uint8Array(1));
    expect(await held(made.objects)).toEqual(new Set([true, false]));
    made.clock += 15 * MINUTE;
    await made.holds.run(TRAIL);
    expect(await held(made.objects)).toEqual(new Set([true]));
    expect(await made.orders.status(TRAIL)).toMatchObject({ held: true, by: 'carol', reason: REASON, complete: true });
    expect(made.holds.revisit(TRAIL)).toBeUndefined();
  });

  it('is released, and that is recorded too', async () => {
    const made = world();
    await made.append(10);
    await made.archive();
    await set(made, true);
    await made.holds.run(TRAIL);
    await set(made, false);
    await made.holds.run(TRAIL);
    expect(await held(made.objects)).toEqual(new Set([false]));
    const types = await Promise.all([0, 1].map(async (seq) => (await made.ledger.record('_system', seq)) ?? ''));
    expect(types.map((line) => JSON.parse(line).event.type)).toEqual([
      'system.legal_hold_set',
      'system.legal_hold_released',
    ]);
  });

  it('that is so already is not recorded again; of a trail that is not there, not at all', async () => {
    const made = world();
    await made.append(1);
    await set(made, true);
    await set(made, true);
    expect((await made.ledger.head('_system'))?.size).toBe(1);
    await expect(made.orders.set('nowhere', { held: true, reason: REASON, by: 'carol' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('is recorded once when its answer was lost and the same is asked again', async () => {
    const made = world();
    await made.append(1);
    const process = made.table.restarted();
    const ledger = openLedger(process);
    const orders = new LegalHoldOrders({ table: process, ledger });
    // The block of the record, its checkpoint, and then the hold: that one is lost.
    process.faults.add({ effect: 'cut_before', nth: 3 });
    await expect(orders.set(TRAIL, { held: true, reason: REASON, by: 'carol' })).rejects.toThrow(SealtrailError);
    expect(await made.orders.status(TRAIL)).toMatchObject({ held: false });
    expect(await set(made, true)).toMatchObject({ held: true });
    expect((await made.ledger.head('_system'))?.size).toBe(1);
  });
});

describe('a follower that is stopped between any two objects', () => {
  it('goes on where it was, and misses none', async () => {
    const made = world();
    await made.append(700);
    await made.archive();
    await set(made, true);
    for (let nth = 1; (await held(made.objects)).has(false); nth++) {
      const objects = made.objects.restarted();
      objects.faults.add({ effect: 'cut_before', nth: nth * 2 });
      const holds = new LegalHolds({ table: made.table, objects, now: () => made.clock });
      await holds.run(TRAIL).catch((error: unknown) => expect(error).toMatchObject({ code: 'unavailable' }));
      expect(nth).toBeLessThan(100);
    }
  });
});
