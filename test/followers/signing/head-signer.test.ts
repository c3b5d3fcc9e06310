import { describe, expect, it } from 'vitest';
import { Runner } from '../../../lib/followers/runtime/runner.ts';
import { Sealer } from '../../../lib/followers/signing/head-signer.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { FakeLedger, MORNING } from '../fake-ledger.ts';
import { ManualTimers } from '../runtime/manual-timers.ts';

function setUp() {
  const ledger = new FakeLedger();
  const timers = new ManualTimers(MORNING);
  const sealer = new Sealer({ ledger, now: () => timers.now() });
  return { ledger, timers, sealer };
}

const signedSize = async (ledger: FakeLedger) => (await ledger.checkpoint('orders'))?.size ?? 0;

describe('the sealer', () => {
  it('signs a head that its append has not signed', async () => {
    const { ledger, sealer, timers } = setUp();
    ledger.add(3);
    await timers.advance(1000);
    await sealer.run('orders');
    expect(await signedSize(ledger)).toBe(3);
    expect(sealer.revisit('orders')).toBeUndefined();
  });

  it('leaves a young head to its append, and comes back', async () => {
    const { ledger, sealer, timers } = setUp();
    ledger.add(3);
    await sealer.run('orders');
    expect(ledger.sealCalls).toBe(0);
    expect(sealer.revisit('orders')).toBe(300);
    await timers.advance(299);
    await sealer.run('orders');
    expect([ledger.sealCalls, sealer.revisit('orders')]).toEqual([0, 1]);
    await timers.advance(1);
    await sealer.run('orders');
    expect(await signedSize(ledger)).toBe(3);
  });

  it('signs at once when asked to', async () => {
    const { ledger, sealer } = setUp();
    ledger.add(3);
    await sealer.run('orders', { force: true });
    expect(await signedSize(ledger)).toBe(3);
  });

  it('signs nothing twice', async () => {
    const { ledger, sealer, timers } = setUp();
    ledger.add(3).sign();
    await timers.advance(60_000);
    await sealer.run('orders', { force: true });
    expect([ledger.sealCalls, sealer.revisit('orders')]).toEqual([0, undefined]);
  });

  it('has nothing to do for a trail without a record', async () => {
    const { ledger, sealer } = setUp();
    await sealer.run('orders', { force: true });
    await sealer.run('no-such-trail', { force: true });
    expect(ledger.sealCalls).toBe(0);
  });

  it('signs a busy trail, whose head is always young, when its signatures stand still', async () => {
    const { ledger, sealer, timers } = setUp();
    for (let i = 0; i < 3; i++) {
      ledger.add(1, timers.now());
      await sealer.run('orders');
      await timers.advance(100);
    }
    expect(ledger.sealCalls).toBe(0);
    ledger.add(1, timers.now());
    await sealer.run('orders');
    expect(await signedSize(ledger)).toBe(4);
  });

  it('gives the append of each head its time, as long as others are signed meanwhile', async () => {
    const { ledger, sealer, timers } = setUp();
    for (let i = 0; i < 20; i++) {
      ledger.add(1, timers.now());
      await sealer.run('orders');
      await timers.advance(100);
      ledger.sign();
    }
    expect(ledger.sealCalls).toBe(0);
  });

  it('is not misled by a head from the future, after the clock was set back', async () => {
    const { ledger, sealer, timers } = setUp();
    ledger.add(3, MORNING + 3_600_000);
    await sealer.run('orders');
    expect(sealer.revisit('orders')).toBe(300);
    await timers.advance(300);
    await sealer.run('orders');
    expect(await signedSize(ledger)).toBe(3);
  });

  it('passes on that the signer is away, and signs when it is back', async () => {
    const { ledger, sealer, timers } = setUp();
    ledger.add(3);
    await timers.advance(1000);
    ledger.signerFailure = new SealtrailError('signer_unavailable', 'the key is away');
    await expect(sealer.run('orders')).rejects.toThrow(ledger.signerFailure);
    ledger.signerFailure = undefined;
    await sealer.run('orders');
    expect(await signedSize(ledger)).toBe(3);
  });

  it('covers an unsigned commit within a second, run by the runner', async () => {
    const { ledger, sealer, timers } = setUp();
    const errors: unknown[] = [];
    const runner = new Runner({
      followers: [sealer],
      trails: () => ledger.trails(),
      onError: (error) => void errors.push(error),
      timers,
      random: () => 1,
    });
    ledger.signerFailure = new SealtrailError('signer_unavailable', 'the key is away');
    ledger.add(3, timers.now());
    runner.wake('orders');
    await timers.advance(400);
    expect(errors).toEqual([ledger.signerFailure]);
    ledger.signerFailure = undefined;
    await timers.advance(600);
    expect(await signedSize(ledger)).toBe(3);
    await runner.stop();
  });
});
