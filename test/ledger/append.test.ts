import { beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../lib/ledger/ledger.ts';
import { openCheckpoint } from '../../lib/log/checkpoint.ts';
import { fromBase64, fromHex } from '../../lib/log/encoding.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { leafHash } from '../../lib/log/hash.ts';
import { checkRange } from '../../lib/log/tree.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';
import { checkTrail, events, key, LOG_NAME, openLedger, signer, TRAIL } from './fixture.ts';

let table: MemoryTable;
let ledger: Ledger;
beforeEach(() => {
  table = new MemoryTable();
  ledger = openLedger(table);
});

const append = (name: string, count = 1, more: object = {}) =>
  ledger.append({ trail: TRAIL, submitter: 'app', events: events(name, count), ...more });

describe('a ledger without signers', () => {
  it('appends where signing is left to others, and neither signs nor says what is signed with', async () => {
    const orders = openLedger(table, { signers: [], signs: false });
    expect(await orders.append({ trail: TRAIL, submitter: 'app', events: events('a', 1) })).toMatchObject({
      ...{ first: 0, sealed: false },
    });
    await expect(orders.verifiers(TRAIL)).rejects.toThrow('a ledger without signers knows no keys');
    await expect(orders.seal(TRAIL)).rejects.toThrow('a ledger without signers knows no keys');
    expect((await ledger.seal(TRAIL))?.size).toBe(1);
  });

  it('cannot be where appends are signed', () => {
    expect(() => openLedger(table, { signers: [] })).toThrow('a ledger needs at least one signer');
  });
});

describe('an append', () => {
  it('seals events in order and says where they landed', async () => {
    const first = await append('a', 2);
    const second = await append('b', 1);
    expect(first).toMatchObject({ trail: TRAIL, first: 0, count: 2, sealed: true, replayed: false });
    expect(first.events.map(({ seq, id }) => [seq, id])).toEqual([
      [0, 'e-a-0'],
      [1, 'e-a-1'],
    ]);
    expect(second.first).toBe(2);
    expect(await checkTrail(table)).toEqual(['e-a-0', 'e-a-1', 'e-b-0']);
  });

  it('returns what it takes to check the inclusion without asking again', async () => {
    await append('a', 300);
    const { lines, first, checkpoint = '', proof = [] } = await append('b', 70);
    const verifiers = await ledger.verifiers(TRAIL);
    const { size, root } = openCheckpoint(checkpoint, `${LOG_NAME}/${TRAIL}`, verifiers);
    expect(size).toBe(370);
    expect(lines).toHaveLength(70);
    checkRange(
      lines.map(leafHash),
      first,
      size,
      proof.map((hash) => fromBase64(hash)),
      root,
    );
  });

  it('gives leaf hashes that are those of the lines', async () => {
    const { lines, events: sealed } = await append('a', 3);
    expect(sealed.map(({ hash }) => Buffer.from(fromHex(hash)))).toEqual(
      lines.map((line) => Buffer.from(leafHash(line))),
    );
  });

  it('creates the trail, keeps trails apart, and lists them', async () => {
    await append('a');
    await ledger.append({ trail: 'access', submitter: 'app', events: events('x', 1) });
    expect(await Array.fromAsync(ledger.trails())).toEqual(['access', 'payments']);
    expect(await checkTrail(table, 'access')).toEqual(['e-x-0']);
    expect(await checkTrail(table)).toEqual(['e-a-0']);
    expect(await ledger.head('nowhere')).toBeUndefined();
  });

  it('does not wait for the signature when asked not to', async () => {
    const receipt = await append('a', 1, { wait: false });
    expect(receipt).toMatchObject({ sealed: false, first: 0 });
    expect(receipt.checkpoint).toBeUndefined();
    await ledger.close();
    expect(await ledger.checkpoint(TRAIL)).toMatchObject({ size: 1 });
  });

  it('never lets a trail go back in time, even when the clock does', async () => {
    let clock = 0;
    ledger = openLedger(table, { now: () => clock });
    const received: number[] = [];
    for (clock of [5_000, 4_000, 6_000]) received.push((await append('n')).receivedAt);
    expect(received).toEqual([5_000, 5_000, 6_000]);
    await checkTrail(table);
  });

  it('keeps text as it is, whatever is in it', async () => {
    const json = '{"details":{"\\u2028":"line\\nend","emoji":"😀","nul":"\\u0000"},"id":"x","type":"a.b"}';
    await ledger.append({ trail: TRAIL, submitter: 'who "quotes" \\ é', events: [{ id: 'x', json }] });
    const line = JSON.parse((await ledger.record(TRAIL, 0)) ?? '');
    expect(line.event).toEqual(JSON.parse(json));
    expect(line.submitter).toBe('who "quotes" \\ é');
    expect(await checkTrail(table)).toEqual(['x']);
  });
});

describe('group commit', () => {
  it('puts what waits together into one transaction and one signature', async () => {
    await append('warm');
    const [writes, signatures] = [table.faults.writes, signer.signed];
    const receipts = await Promise.all(Array.from({ length: 50 }, (_, n) => append(`g${n}`, 2)));
    expect(table.faults.writes - writes).toBe(2);
    expect(signer.signed - signatures).toBe(1);
    expect(receipts.map(({ first }) => first)).toEqual(Array.from({ length: 50 }, (_, n) => 1 + 2 * n));
    expect(new Set(receipts.map(({ checkpoint }) => checkpoint)).size).toBe(1);
    await checkTrail(table);
  });

  it('gives each of them a proof of its own that holds', async () => {
    await append('warm', 5);
    const receipts = await Promise.all([append('a', 3), append('b', 1), append('c', 7)]);
    const verifiers = await ledger.verifiers(TRAIL);
    for (const { lines, first, checkpoint = '', proof = [] } of receipts) {
      const { size, root } = openCheckpoint(checkpoint, `${LOG_NAME}/${TRAIL}`, verifiers);
      checkRange(
        lines.map(leafHash),
        first,
        size,
        proof.map((hash) => fromBase64(hash)),
        root,
      );
    }
  });

  it('splits what does not fit into one block', async () => {
    const receipts = await Promise.all(Array.from({ length: 130 }, (_, n) => append(`g${n}`, 100)));
    expect(receipts.at(-1)?.first).toBe(12_900);
    const blocks = await Array.fromAsync(ledger.blocks(TRAIL, { from: 0, to: 13_000 }));
    expect(Math.max(...blocks.map(({ count }) => count))).toBeLessThanOrEqual(5_000);
    expect(await checkTrail(table)).toHaveLength(13_000);
  });

  it('pushes back when too much waits, and says when to come again', async () => {
    const large = Array.from({ length: 1000 }, (_, n) => ({
      id: `e${n}`,
      json: JSON.stringify({ id: `e${n}`, d: 'x'.repeat(32_000) }),
    }));
    const burst = Array.from({ length: 4 }, () => ledger.append({ trail: TRAIL, submitter: 'app', events: large }));
    const settled = await Promise.allSettled(burst);
    const refused = settled.filter((one) => one.status === 'rejected').map((one) => one.reason);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ code: 'rate_limited', retryAfter: 1 });
    expect((await ledger.head(TRAIL))?.size).toBe(1000 * (4 - refused.length));
  });
});

describe('an idempotency key', () => {
  it('gives the same receipt to the same request, and stores nothing twice', async () => {
    const once = await append('a', 3, { idempotency: key('k') });
    await append('between', 200);
    const again = await append('a', 3, { idempotency: key('k') });
    expect(again).toEqual({ ...once, replayed: true });
    expect(await checkTrail(table)).toHaveLength(203);
  });

  it('holds in another process and after a restart', async () => {
    const once = await append('a', 1, { idempotency: key('k') });
    const other = openLedger(table.restarted());
    const again = await other.append({ trail: TRAIL, submitter: 'app', events: events('a', 1), idempotency: key('k') });
    expect(again).toEqual({ ...once, replayed: true });
  });

  it('refuses another body under the same key', async () => {
    await append('a', 1, { idempotency: key('k') });
    await expect(append('b', 1, { idempotency: key('k', 'another') })).rejects.toMatchObject({
      code: 'idempotency_conflict',
      message: 'this idempotency key was used with another body: use a new key for new events',
    });
    expect(await checkTrail(table)).toEqual(['e-a-0']);
  });

  it('belongs to one submitter and one trail', async () => {
    await append('a', 1, { idempotency: key('k') });
    expect(await append('b', 1, { idempotency: key('k'), submitter: 'other' })).toMatchObject({ replayed: false });
    expect(await append('c', 1, { idempotency: key('k'), trail: 'other' })).toMatchObject({ replayed: false });
  });

  it('belongs to a role, whichever of its sessions sends it, one after the other or at the same time', async () => {
    const role = 'arn:aws:sts::123456789012:assumed-role/shop';
    const sent = (session: string, name = role) =>
      append('a', 2, { idempotency: key('k'), submitter: `${name}/${session}` });
    const receipts = await Promise.all(['one', 'two', 'three'].map((session) => sent(session)));
    receipts.push(await sent('four'));
    expect(receipts.map(({ first, replayed }) => [first, replayed])).toEqual([
      [0, false],
      [0, true],
      [0, true],
      [0, true],
    ]);
    expect(await checkTrail(table)).toHaveLength(2);
    expect(await sent('one', `${role}-2`)).toMatchObject({ first: 2, replayed: false });
  });

  it('is kept by one of many who use it at the same time, and the rest get its receipt', async () => {
    const others = [append('x'), append('y', 2)];
    const receipts = await Promise.all(Array.from({ length: 20 }, () => append('a', 2, { idempotency: key('k') })));
    await Promise.all(others);
    expect(receipts.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(receipts.map(({ first }) => first)).size).toBe(1);
    expect(await checkTrail(table)).toHaveLength(5);
  });

  it('is remembered for at least a day', async () => {
    const before = Date.now() / 1000;
    await append('a', 1, { idempotency: key('k') });
    const item = await table.get({ partition: `idempotency/${TRAIL}/app`, sort: 'k' });
    expect(item?.expiresAt).toBeGreaterThanOrEqual(before + 24 * 3600);
  });
});

describe('what is refused', () => {
  it.each(['', 'Payments', '-a', 'a/b', 'a'.repeat(64), 'a b', '../a'])('a trail named %j', async (trail) => {
    await expect(append('a', 1, { trail })).rejects.toMatchObject({ code: 'invalid_trail', field: 'trail' });
    expect(table.faults.writes).toBe(0);
  });

  it('no events', async () => {
    await expect(append('a', 0)).rejects.toMatchObject({ code: 'empty_batch', message: 'there is no event to append' });
  });

  it('an event that would not fit into a record, naming it', async () => {
    const json = JSON.stringify({ id: 'x', d: 'é'.repeat(33_000) });
    const batch = [...events('a', 2), { id: 'x', json }];
    await expect(ledger.append({ trail: TRAIL, submitter: 'app', events: batch })).rejects.toMatchObject({
      code: 'record_too_large',
      field: 'events[2]',
    });
    expect(table.faults.writes).toBe(0);
  });

  it('seals the largest event that fits, within 65,535 bytes', async () => {
    const submitter = 'p'.repeat(100);
    const room = 65_535 - 256 - TRAIL.length - submitter.length - 2;
    const json = `{"d":"${'x'.repeat(room - 16)}","id":"x"}`.padEnd(room);
    const event = { id: 'x', json: json.slice(0, room) };
    const [line = ''] = (await ledger.append({ trail: TRAIL, submitter, events: [event] })).lines;
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(65_535);
    expect(Buffer.byteLength(line)).toBeGreaterThan(65_200);
  });

  it('appends after it was closed, and finishes those under way', async () => {
    const under = append('a');
    await ledger.close();
    expect(await under).toMatchObject({ first: 0, sealed: true });
    await expect(append('b')).rejects.toMatchObject({ code: 'unavailable', message: 'the log is shutting down' });
  });

  it('a batch that no transaction can hold', async () => {
    const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(23_000))).toString('base64');
    const batch = Array.from({ length: 250 }, (_, n) => ({
      id: `e${n}`,
      json: JSON.stringify({ id: `e${n}`, d: noise() }),
    }));
    const refused = ledger.append({ trail: TRAIL, submitter: 'app', events: batch });
    await expect(refused).rejects.toBeInstanceOf(SealtrailError);
    await expect(refused).rejects.toMatchObject({ code: 'batch_too_large' });
  });
});

describe('a block larger than one item', () => {
  it('is stored in parts and read back whole', async () => {
    const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(20_000))).toString('base64');
    const batch = Array.from({ length: 60 }, (_, n) => ({
      id: `e${n}`,
      json: JSON.stringify({ d: noise(), id: `e${n}` }),
    }));
    await ledger.append({ trail: TRAIL, submitter: 'app', events: batch });
    expect(await checkTrail(table)).toHaveLength(60);
    const parts = await Array.fromAsync(table.query({ partition: `block-part/${TRAIL}/${'0'.repeat(16)}` }));
    expect(parts.length).toBeGreaterThan(1);
    expect(JSON.parse((await ledger.record(TRAIL, 59)) ?? '').event).toEqual(JSON.parse(batch[59]?.json ?? ''));
  });
});
