import { describe, expect, it } from 'vitest';
import type { Delivery } from '../../../lib/forward/destination.ts';
import { parseCheckpoint } from '../../../lib/log/checkpoint.ts';
import { leafHash } from '../../../lib/log/hash.ts';
import { checkLeaves } from '../../../lib/log/multiproof.ts';
import { parseNote } from '../../../lib/log/note.ts';
import { ForwardedLog } from './forwarded-log.ts';

/** The promise: every record reaches the destination, in order, in batches that join; what it will never take is set aside. */

const from = (first: number, to: number) => Array.from({ length: to - first }, (_, n) => first + n);
const failed: Delivery = { is: 'failed', reason: 'it answered 500' };
const refused: Delivery = { is: 'refused', reason: 'it answered 400' };

describe('a destination that takes what it gets', () => {
  it('gets every record once, in order, in batches that join', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 10);
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    await log.append('orders', 1);
    await forwarder.run('orders');
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual(from(0, 11));
    expect(log.destination.ranges).toEqual(['0-4', '4-8', '8-10', '10-11']);
    expect(await forwarder.statusOf('orders')).toEqual({
      ...{ destination: 'siem', trail: 'orders', size: 11, forwarded: 11, sent: 11, aside: 0, lagMs: 0 },
    });
  });

  it('can prove every batch', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 6);
    await log.forwarder().run('orders');
    for (const { records, proof } of log.destination.taken) {
      const { size, root } = parseCheckpoint(parseNote(proof?.checkpoint ?? '').text);
      const shown = records.map(({ seq, text }) => ({ index: seq, hash: leafHash(text) }));
      const hashes = proof?.hashes.map((hash) => Buffer.from(hash, 'base64')) ?? [];
      expect(() => checkLeaves(shown, size, hashes, root)).not.toThrow();
    }
    expect(log.destination.taken).toHaveLength(2);
  });

  it('gets only what its filter lets pass, in batches that still join', async () => {
    const log = new ForwardedLog();
    for (let n = 0; n < 6; n++) await log.append('orders', 2, n % 2 === 0 ? 'auth.login' : 'order.paid');
    const forwarder = log.forwarder({ filter: { type: 'auth.*' } });
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual([0, 1, 4, 5, 8, 9]);
    expect(log.destination.ranges).toEqual(['0-8', '8-12']);
    await log.append('orders', 3);
    await forwarder.run('orders');
    await log.append('orders', 1, 'auth.logout');
    await forwarder.run('orders');
    // What was passed over in between is covered by the next batch.
    expect(log.destination.ranges.at(-1)).toBe('12-16');
    expect(log.destination.taken.at(-1)?.filter).toEqual({ type: 'auth.*' });
  });

  it('gets the trails that it names, and system trails only if it names them', async () => {
    const log = new ForwardedLog();
    const all = log.forwarder();
    expect(['orders', '_system', '_index'].map((trail) => all.isFor(trail))).toEqual([true, false, false]);
    const some = log.forwarder({ trails: ['pay-*', '_system'] });
    expect(['pay-1', 'orders', '_system', '_access'].map((trail) => some.isFor(trail))).toEqual([
      ...[true, false, true, false],
    ]);
  });
});

describe('a beginning', () => {
  it('is at a record or a time, and elsewhere once that is changed', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 6);
    await log.forwarder({ from: 4 }).run('orders');
    expect(log.destination.seqs).toEqual([4, 5]);
    await log.forwarder({ from: 4 }).run('orders');
    await log.forwarder({ from: 2 }).run('orders');
    expect(log.destination.seqs).toEqual([4, 5, 2, 3, 4, 5]);
    await log.forwarder({ from: '2001-01-01' }).run('orders');
    expect(log.destination.seqs.slice(6)).toEqual(from(0, 6));
    await log.forwarder({ from: '2999-01-01' }).run('orders');
    expect(log.destination.seqs).toHaveLength(12);
  });

  it('may lie ahead of a trail', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 2);
    const forwarder = log.forwarder({ from: 3 });
    await forwarder.run('orders');
    await log.append('orders', 2);
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual([3]);
  });
});

describe('the worst day', () => {
  it('sends the same batch again until it is taken, and nothing beyond it', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 3);
    log.destination.answer = () => failed;
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    expect(forwarder.revisit('orders')).toBeGreaterThan(0);
    await log.append('orders', 5);
    await forwarder.run('orders'); // too early
    expect(log.destination.asked).toHaveLength(1);
    log.destination.answer = () => ({ is: 'taken' });
    log.now += 60_000;
    await forwarder.run('orders');
    expect(log.destination.asked.map(({ id }) => id.slice(-3))).toEqual(['0-3', '0-3', '3-7', '7-8']);
    expect(log.destination.seqs).toEqual(from(0, 8));
  });

  it('waits as long as the destination asks', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 1);
    log.destination.answer = () => ({ ...failed, retryAfterMs: 120_000 });
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    expect(forwarder.revisit('orders')).toBe(120_000);
  });

  it('survives a destination that throws, and a process that dies after it sent', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 3);
    log.destination.answer = () => Promise.reject(new Error('socket hang up'));
    const first = log.forwarder({}, { isAlone: true });
    await first.run('orders');
    expect((await first.statusOf('orders')).error).toBe('socket hang up');
    // The destination took it, and the process died before it could note that.
    log.destination.answer = () => {
      throw new Error('killed');
    };
    const died = log.forwarder({}, { isAlone: true });
    await died.run('orders');
    await log.append('orders', 1);
    log.destination.answer = () => ({ is: 'taken' });
    await log.forwarder({}, { isAlone: true }).run('orders');
    const ids = log.destination.asked.map(({ id }) => id);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(log.destination.seqs).toEqual(from(0, 4));
  });

  it('has one process send at a time, and the others wait for its lease', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 12);
    let other: Promise<void> | undefined;
    const second = log.forwarder();
    log.destination.answer = async () => {
      other ??= second.run('orders');
      await other;
      return { is: 'taken' };
    };
    await log.forwarder().run('orders');
    expect(log.destination.seqs).toEqual(from(0, 12));
    expect(second.revisit('orders')).toBe(30_000);
  });

  it('sets aside the one record that is refused, says so in _system, and goes on', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 10);
    log.destination.answer = ({ records }) => (records.some(({ seq }) => seq === 2) ? refused : { is: 'taken' });
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual([0, 1, 3, 4, 5, 6, 7, 8, 9]);
    // No range covers it, so the receiver sees it missing too.
    expect(log.destination.ranges).toEqual(['0-2', '3-4', '4-8', '8-10']);
    expect(await forwarder.statusOf('orders')).toMatchObject({ forwarded: 10, sent: 9, aside: 1, lagMs: 0 });
    const { event } = JSON.parse((await log.log.ledger.record('_system', 0)) ?? '');
    expect(event).toMatchObject({
      type: 'forward.set_aside',
      details: { trail: 'orders', seq: 2, destination: 'siem', reason: 'it answered 400' },
    });
  });

  it('sets aside the records that a destination names, and those that it could never take', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 1);
    await log.append('orders', 1, 'order.paid', { note: 'x'.repeat(10_000) });
    await log.append('orders', 2);
    log.destination.answer = () => ({ is: 'taken', refused: [{ seq: 3, reason: 'mapping' }] });
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual([0, 2, 3]);
    expect(await forwarder.statusOf('orders')).toMatchObject({ forwarded: 4, sent: 2, aside: 2 });
  });

  it('takes a destination that refuses everything for broken, and sets nothing aside', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 10);
    log.destination.answer = () => refused;
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    expect(await forwarder.statusOf('orders')).toMatchObject({ forwarded: 0, aside: 0 });
    expect((await forwarder.statusOf('orders')).error).toMatch('it refuses every record');
    log.destination.answer = () => ({ is: 'taken' });
    log.now += 60_000;
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual(from(0, 10));
  });

  it('holds a lone refused record until the next one is taken', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 1);
    log.destination.answer = ({ records }) => (records[0]?.seq === 0 ? refused : { is: 'taken' });
    const forwarder = log.forwarder();
    await forwarder.run('orders');
    expect(await forwarder.statusOf('orders')).toMatchObject({ forwarded: 0, aside: 0 });
    await log.append('orders', 1);
    log.now += 60_000;
    await forwarder.run('orders');
    expect(await forwarder.statusOf('orders')).toMatchObject({ forwarded: 2, sent: 1, aside: 1 });
  });

  it('lets no batch grow beyond its limits where the filter was changed meanwhile', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 9);
    await log.append('orders', 1, 'auth.login');
    log.destination.answer = () => failed;
    await log.forwarder({ filter: { type: 'auth.*' } }, { isAlone: true }).run('orders');
    log.destination.answer = () => ({ is: 'taken' });
    await log.forwarder({}, { isAlone: true }).run('orders');
    expect(log.destination.ranges).toEqual(['0-4', '4-8', '8-10']);
  });

  it('tries to open its destination again', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 1);
    let tries = 0;
    const destination = async () => {
      tries += 1;
      if (tries === 1) throw new Error('not yet');
      return log.destination;
    };
    const forwarder = log.forwarder({}, { destination });
    await expect(forwarder.run('orders')).rejects.toThrow('not yet');
    await forwarder.run('orders');
    expect(log.destination.seqs).toEqual([0]);
  });

  it('raises an alarm over its lag, and not with every try', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 1);
    log.destination.answer = () => failed;
    const forwarder = log.forwarder({ alarmSeconds: 60 });
    await forwarder.run('orders');
    log.now += 90_000;
    await expect(forwarder.run('orders')).rejects.toThrow('siem is 90 seconds and 1 records behind: it answered 500');
    await forwarder.run('orders');
    log.now += 60_000;
    await expect(forwarder.run('orders')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('says so where its stored state cannot be read', async () => {
    const log = new ForwardedLog();
    await log.append('orders', 1);
    const key = { partition: 'follower/orders', sort: 'forward/siem' };
    await log.table.transact([{ put: { ...key, attributes: { format: 1, size: 0, revision: 1, sent: 'many' } } }]);
    await expect(log.forwarder().run('orders')).rejects.toMatchObject({ code: 'store_corrupt' });
  });
});
