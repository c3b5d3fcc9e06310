import { describe, expect, it } from 'vitest';
import { SealtrailError } from '../../lib/log/error.ts';
import type { Item } from '../../lib/store/ports.ts';
import type { FaultEffect } from '../../lib/testing/memory/faults.ts';
import { MemoryTable, type TableCall } from '../../lib/testing/memory/table.ts';
import { checkTrail, events, key, openLedger, signer, TRAIL } from './fixture.ts';

type Attributes = Item['attributes'];

/**
 * The worst day: every write of an append fails, without being stored or although it was, or the process dies around
 * it. Whatever happens, what was acknowledged is there once, and what was not is found by its key or is not there.
 */

const isAppend = (call: TableCall) =>
  'transact' in call && call.transact.some((w) => 'put' in w && w.put.sort === 'head');
const isSigning = (call: TableCall) =>
  'transact' in call && call.transact.some((w) => 'put' in w && w.put.partition.startsWith('checkpoint/'));

const append = (table: MemoryTable, name: string, count = 2) =>
  openLedger(table).append({ trail: TRAIL, submitter: 'app', events: events(name, count), idempotency: key(name) });

describe.each<{ effect: FaultEffect & string; times: number }>([
  { effect: 'unpersisted', times: 1 },
  { effect: 'unpersisted', times: 3 },
  { effect: 'persisted', times: 1 },
  { effect: 'persisted', times: 3 },
])('a commit that fails $times times, $effect', ({ effect, times }) => {
  it('is repeated until it is known what became of it, and lands once', async () => {
    const table = new MemoryTable();
    await append(table, 'before');
    table.faults.add({ effect, times, matching: isAppend });
    expect(await append(table, 'a')).toMatchObject({ first: 2, replayed: false, sealed: true });
    expect(await checkTrail(table)).toEqual(['e-before-0', 'e-before-1', 'e-a-0', 'e-a-1']);
  });
});

describe.each<FaultEffect & string>(['cut_before', 'cut_after'])('a process that dies: %s', (effect) => {
  it.each([
    ['the commit', isAppend],
    ['the checkpoint', isSigning],
  ])('at %s, leaves a trail that the next one continues', async (_, matching) => {
    const table = new MemoryTable();
    await append(table, 'before');
    table.faults.add({ effect, matching });
    const died = await append(table, 'a').catch((error: unknown) => error);
    const next = table.restarted();
    const found = await checkTrail(next);
    // Acknowledged means stored. Not acknowledged means that the same request settles it.
    if (!(died instanceof SealtrailError)) expect(found).toContain('e-a-1');
    const again = await append(next, 'a');
    expect(again).toMatchObject({ first: 2, count: 2 });
    expect(await checkTrail(next)).toEqual(['e-before-0', 'e-before-1', 'e-a-0', 'e-a-1']);
  });
});

describe('a store that never says', () => {
  it('whether it stored the events: outcome_unknown, and the key finds them', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'cut_after', matching: isAppend });
    await expect(append(table, 'a')).rejects.toMatchObject({
      code: 'outcome_unknown',
      message: 'the store did not say whether the events were stored: try again',
    });
    expect(await append(table.restarted(), 'a')).toMatchObject({ first: 0, replayed: true });
    expect(await checkTrail(table.restarted())).toHaveLength(2);
  });

  it('is told apart from one that says it did not', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'cut_before', matching: isAppend });
    await expect(append(table, 'a')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await checkTrail(table.restarted())).toEqual([]);
  });

  it('does not turn a lost answer into a clean failure because a later try was refused', async () => {
    const table = new MemoryTable();
    table.faults.add({ effect: 'persisted', matching: isAppend });
    const full = new SealtrailError('store_full', 'no space left');
    const transact = table.transact.bind(table);
    let calls = 0;
    table.transact = (writes) => (++calls > 1 ? Promise.reject(full) : transact(writes));
    await expect(append(table, 'a')).rejects.toMatchObject({ code: 'outcome_unknown' });
  });
});

describe('a store that refuses for good', () => {
  it('fails the append at once, with the cause, and the next one goes on', async () => {
    const table = new MemoryTable();
    const ledger = openLedger(table);
    const transact = table.transact.bind(table);
    table.transact = () => Promise.reject(new SealtrailError('store_full', 'no space left on the device'));
    const request = { trail: TRAIL, submitter: 'app', events: events('a', 1) };
    await expect(ledger.append(request)).rejects.toMatchObject({
      code: 'store_full',
      message: 'no space left on the device',
    });
    table.transact = transact;
    expect(await ledger.append(request)).toMatchObject({ first: 0, sealed: true });
    expect(await checkTrail(table)).toHaveLength(1);
  });
});

describe('several writers of one trail', () => {
  it('lose races, rebuild, and lose no event', async () => {
    const table = new MemoryTable();
    const ledgers = Array.from({ length: 12 }, () => openLedger(table.restarted()));
    const appends = Array.from({ length: 120 }, (_, n) =>
      ledgers[n % 12]?.append({ trail: TRAIL, submitter: `p${n % 12}`, events: events(`w${n}`, 3) }),
    );
    const receipts = await Promise.all(appends);
    const ids = await checkTrail(table);
    expect(ids).toHaveLength(360);
    for (const receipt of receipts) {
      expect(receipt?.events.map(({ id }) => id)).toEqual(ids.slice(receipt?.first, (receipt?.first ?? 0) + 3));
    }
  });

  it('keep an idempotency key to one of them', async () => {
    const table = new MemoryTable();
    const receipts = await Promise.all(Array.from({ length: 8 }, () => append(table.restarted(), 'same')));
    expect(new Set(receipts.map(({ first }) => first))).toEqual(new Set([0]));
    expect(receipts.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await checkTrail(table)).toEqual(['e-same-0', 'e-same-1']);
  });
});

describe('a signer that is away', () => {
  it('does not undo the append: the receipt says unsealed and sealing comes later', async () => {
    const table = new MemoryTable();
    const told: unknown[] = [];
    const away = new SealtrailError('signer_unavailable', 'KMS is not there');
    signer.failures.push(away);
    const ledger = openLedger(table, { onUnsealed: (...args) => told.push(args) });
    const receipt = await ledger.append({
      trail: TRAIL,
      submitter: 'app',
      events: events('a', 1),
      idempotency: key('a'),
    });
    expect(receipt).toMatchObject({ sealed: false, first: 0 });
    expect(told).toEqual([[TRAIL, away]]);
    expect(await ledger.checkpoint(TRAIL)).toBeUndefined();
    expect(await ledger.seal(TRAIL)).toMatchObject({ size: 1 });
    expect(await append(table, 'b', 1)).toMatchObject({ sealed: true, first: 1 });
    await checkTrail(table);
  });

  it('is made good by the replay of the request, which then carries a proof', async () => {
    const table = new MemoryTable();
    signer.failures.push(new SealtrailError('signer_unavailable', 'KMS is not there'));
    expect(await append(table, 'a')).toMatchObject({ sealed: false });
    await append(table, 'later');
    const again = await append(table, 'a');
    expect(again).toMatchObject({ sealed: true, replayed: true, first: 0 });
    expect(again.proof).toBeDefined();
  });
});

describe('damage behind our back', () => {
  const damage = async (change: (attributes: Attributes) => Attributes) => {
    const table = new MemoryTable();
    const ledger = openLedger(table);
    for (const name of ['a', 'b', 'c'])
      await ledger.append({ trail: TRAIL, submitter: 'app', events: events(name, 2) });
    const item = await table.get({ partition: `block/${TRAIL}`, sort: '0000000000000002' });
    if (item === undefined) throw new Error('no block at 2');
    await table.transact([{ put: { ...item, attributes: change(item.attributes) } }]);
    return openLedger(table);
  };

  it.each<[string, (attributes: Attributes) => Attributes, string]>([
    ['a flipped bit', (a) => ({ ...a, body: flip(a.body) }), 'damaged'],
    [
      'another submitter',
      (a) => ({ ...a, submitters: Buffer.from('[["mallory",2]]') }),
      'do not hash to what was committed',
    ],
    ['another time', (a) => ({ ...a, receivedAt: 1 }), 'do not hash to what was committed'],
    ['another place', (a) => ({ ...a, first: 3 }), ''],
    ['a count that is off', (a) => ({ ...a, count: 1 }), ''],
    ['a missing attribute', ({ prev: _, ...rest }) => rest, 'an attribute is missing or of another type'],
    ['a huge raw size', (a) => ({ ...a, rawBytes: 2 ** 40 }), 'its sizes are out of bounds'],
  ])('%s in a block is an error, never an answer', async (_, change, message) => {
    const ledger = await damage(change);
    const read = Array.fromAsync(ledger.blocks(TRAIL, { from: 0, to: 6 }));
    await expect(read).rejects.toMatchObject({ code: 'store_corrupt', message: expect.stringContaining(message) });
    const down = Array.fromAsync(ledger.blocks(TRAIL, { from: 0, to: 6, order: 'descending' }));
    await expect(down).rejects.toMatchObject({ code: 'store_corrupt' });
    const one = Promise.all([0, 1, 2, 3, 4, 5].map((seq) => ledger.record(TRAIL, seq)));
    await expect(one).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  it.each([0, 2, 4])('a block removed at %i is an error, in both orders', async (first) => {
    const table = new MemoryTable();
    const ledger = openLedger(table);
    for (const name of ['a', 'b', 'c'])
      await ledger.append({ trail: TRAIL, submitter: 'app', events: events(name, 2) });
    await table.transact([{ remove: { partition: `block/${TRAIL}`, sort: String(first).padStart(16, '0') } }]);
    for (const order of ['ascending', 'descending'] as const) {
      const read = Array.fromAsync(ledger.blocks(TRAIL, { from: 0, to: 100, order }));
      await expect(read).rejects.toMatchObject({ code: 'store_corrupt', message: expect.stringContaining('missing') });
    }
    await expect(ledger.record(TRAIL, first)).rejects.toMatchObject({ code: 'store_corrupt' });
  });

  it('a block planted beyond the head stops the trail, with a name for what is wrong', async () => {
    const table = new MemoryTable();
    const ledger = openLedger(table);
    await ledger.append({ trail: TRAIL, submitter: 'app', events: events('a', 2) });
    const item = await table.get({ partition: `block/${TRAIL}`, sort: '0000000000000000' });
    if (item === undefined) throw new Error('no block at 0');
    await table.transact([{ put: { ...item, sort: '0000000000000002' } }]);
    await expect(ledger.append({ trail: TRAIL, submitter: 'app', events: events('b', 1) })).rejects.toMatchObject({
      code: 'store_corrupt',
      message: 'trail payments holds a block beyond its head',
    });
  });
});

function flip(body: string | number | Uint8Array | undefined): Uint8Array {
  if (!(body instanceof Uint8Array)) throw new Error('no body');
  const copy = Uint8Array.from(body);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
