import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Archiver, type ArchiverOptions } from '../../../lib/followers/archive/archiver.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { SqliteTable } from '../../../lib/store/sqlite/table.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { THOROUGH } from '../../runs.ts';
import { temporaryFolder } from '../../store/temporary.ts';
import { newKey } from '../../support/keys.ts';
import { DAY, FakeLedger, MORNING } from '../fake-ledger.ts';
import { ManualTimers } from '../runtime/manual-timers.ts';
import { checkArchive } from './archive-checker.ts';

const FORCE = { force: true };

function setUp(options: Partial<ArchiverOptions> = {}) {
  const ledger = new FakeLedger();
  const timers = new ManualTimers(MORNING);
  const objects = new MemoryObjects(() => timers.now());
  const table = new MemoryTable();
  const archiver = new Archiver({ objects, table, ledger, now: () => timers.now(), ...options });
  return { ledger, timers, objects, table, archiver };
}

describe('the archive of a trail', () => {
  it.each([1, 255, 256, 257, 1000])('of %i records holds them all, under a checkpoint, sealed', async (size) => {
    const { ledger, objects, archiver } = setUp();
    ledger.growTo(size).sign();
    await archiver.run('orders', FORCE);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, sealed: size, uncovered: 0 });
  });

  it.each(THOROUGH ? [65_536, 65_537] : [65_537])('of %i records has its tiles on all levels', async (size) => {
    const { ledger, objects, archiver } = setUp();
    ledger.growTo(size).sign();
    await archiver.run('orders', FORCE);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, sealed: size, uncovered: 0 });
    expect(await objects.get('orders/tile/1/000')).toHaveLength(8192);
    expect(await objects.get('orders/tile/2/000.p/1')).toHaveLength(32);
  });

  it('grows run by run into the same tiles, whatever the runs', async () => {
    const { ledger, objects, archiver } = setUp();
    for (const size of [1, 2, 200, 256, 300, 511, 512, 1300]) {
      ledger.growTo(size).sign();
      await archiver.run('orders', FORCE);
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, uncovered: 0 });
    }
  });

  it('goes on from the open tiles, in another process, without reading what it wrote', async () => {
    const { ledger, objects, table, archiver, timers } = setUp();
    ledger.growTo(65_000).sign();
    await archiver.run('orders', FORCE);
    ledger.growTo(66_000).sign();
    const later = objects.restarted();
    const next = new Archiver({ objects: later, table: table.restarted(), ledger, now: () => timers.now() });
    await next.run('orders', FORCE);
    const reads = later.faults.calls.filter(({ operation }) => operation !== 'put');
    expect(reads).toEqual([
      { operation: 'get', key: 'orders/checkpoints/65000' },
      { operation: 'get', key: 'orders/checkpoint' },
    ]);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 66_000 });
  });

  it('has segments of one UTC day each, named so that they sort', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger
      .add(3, MORNING)
      .add(2, MORNING + DAY)
      .sign();
    await archiver.run('orders', FORCE);
    const { keys } = await checkArchive(objects, ledger);
    expect(keys.filter((key) => key.includes('/records/'))).toEqual([
      'orders/records/dt=2026-11-21/0000000000000000-0000000000000002.jsonl.gz',
      'orders/records/dt=2026-11-22/0000000000000003-0000000000000004.jsonl.gz',
    ]);
  });

  it('has segments no larger than they may be', async () => {
    const { ledger, objects, archiver } = setUp({ segment: { records: 100, bytes: 1_000_000 } });
    ledger.growTo(250).sign();
    await archiver.run('orders', FORCE);
    const { keys } = await checkArchive(objects, ledger);
    expect(keys.filter((key) => key.includes('/records/'))).toHaveLength(3);
  });

  it('ends at a checkpoint: what is not signed waits', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(10).sign().add(5);
    await archiver.run('orders', FORCE);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 10 });
    expect(await archiver.status('orders')).toMatchObject({ size: 15, archived: 10, lagRecords: 5 });
  });

  it('of a trail that does not exist is nothing, and no error', async () => {
    const { ledger, objects, archiver } = setUp();
    await archiver.run('orders', FORCE);
    expect(await archiver.seal('orders')).toBeUndefined();
    expect(await checkArchive(objects, ledger)).toMatchObject({ keys: [] });
  });

  it('is the same on a real folder and a real database, and goes on after both were closed', async () => {
    const folder = await temporaryFolder();
    const ledger = new FakeLedger();
    for (const size of [300, 700]) {
      ledger.growTo(size).sign();
      const objects = await FolderObjects.open(join(folder, 'archive'));
      const table = await SqliteTable.open(join(folder, 'ledger.sqlite'));
      const archiver = new Archiver({ objects, table, ledger, now: () => MORNING });
      await archiver.run('orders', FORCE);
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: size, uncovered: 0 });
      await table.close();
      await objects.close();
    }
  });

  it('of a long backlog is written in steps that last', async () => {
    const { ledger, objects, archiver } = setUp();
    for (const size of [50_000, 101_000, 102_000]) ledger.growTo(size).sign();
    objects.faults.add({ effect: 'cut_before', matching: ({ key }) => key === 'orders/checkpoints/102000' });
    await expect(archiver.run('orders', FORCE)).rejects.toThrow('the process was cut off');
    expect(await archiver.status('orders')).toMatchObject({ archived: 101_000, size: 102_000 });
  });

  it('stops between objects when told to, and goes on later', async () => {
    const { ledger, objects, archiver } = setUp({ segment: { records: 10, bytes: 1_000_000 } });
    ledger.growTo(2000).sign();
    const stop = new AbortController();
    objects.faults.add({
      effect: Promise.resolve().then(() => stop.abort()),
      matching: ({ key }) => key.includes('/records/'),
      nth: 5,
    });
    await archiver.run('orders', { force: true, signal: stop.signal });
    const between = await checkArchive(objects, ledger);
    expect(between).toMatchObject({ archived: 0, sealed: 0 });
    expect(between.uncovered).toBeLessThan(2000);
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 2000, uncovered: 0 });
    await archiver.run('orders', { force: true, signal: AbortSignal.abort() });
  });
});

describe('when records are archived', () => {
  it('is after the oldest has waited long enough, whether or not it is woken', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3, MORNING).sign();
    await archiver.run('orders');
    expect(archiver.revisit('orders')).toBe(20_000);
    await timers.advance(19_000);
    ledger.add(3, timers.now()).sign();
    await archiver.run('orders');
    expect(archiver.revisit('orders')).toBe(1000);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 0 });
    await timers.advance(1000);
    await archiver.run('orders');
    expect(archiver.revisit('orders')).toBeUndefined();
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 6 });
  });

  it('is at once when they fill a segment, by number or by bytes', async () => {
    for (const segment of [
      { records: 100, bytes: 1_000_000_000 },
      { records: 1_000_000, bytes: 20_000 },
    ]) {
      const { ledger, objects, archiver } = setUp({ segment });
      ledger.add(50).sign();
      await archiver.run('orders');
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 0 });
      ledger.add(50).sign();
      await archiver.run('orders');
      expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 100 });
    }
  });

  it('is soon after the sealer has signed them, when they were due before', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3, MORNING);
    await timers.advance(30_000);
    await archiver.run('orders');
    expect(archiver.revisit('orders')).toBe(500);
    ledger.sign();
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 3 });
  });

  it('comes to an end on a trail that grows all the time, forced, due or at midnight', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3, MORNING).sign();
    // Whenever something is put, more comes in.
    const put = objects.put.bind(objects);
    objects.put = async (...args) => {
      ledger.add(1, timers.now()).sign();
      return put(...args);
    };
    await archiver.run('orders', FORCE);
    await timers.advance(20_000);
    await archiver.run('orders');
    await timers.advance(DAY);
    await archiver.run('orders');
    const { archived, sealed } = await checkArchive(objects, ledger);
    expect(archived).toBeLessThan(ledger.size);
    expect(sealed).toBe(archived);
    await archiver.seal('orders');
  });

  it('is measured from the oldest that still waits', async () => {
    const { ledger, timers, archiver } = setUp();
    ledger.add(3, MORNING).sign();
    await archiver.run('orders');
    await timers.advance(20_000);
    ledger.add(3, timers.now());
    await archiver.run('orders');
    expect(await archiver.status('orders')).toMatchObject({ archived: 3, lagRecords: 3 });
    expect(archiver.revisit('orders')).toBe(20_000);
  });

  it('is not put off by a clock that was set back', async () => {
    const { ledger, objects, timers, archiver } = setUp();
    ledger.add(3, MORNING + DAY).sign();
    await archiver.run('orders');
    expect(archiver.revisit('orders')).toBe(20_000);
    await timers.advance(20_000);
    await archiver.run('orders');
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 3 });
  });

  it('does not depend on reading the waiting records again and again', async () => {
    const { ledger, archiver } = setUp();
    ledger.add(3).sign();
    let reads = 0;
    const blocks = ledger.blocks.bind(ledger);
    ledger.blocks = (...args) => {
      reads += 1;
      return blocks(...args);
    };
    for (let i = 0; i < 10; i++) await archiver.run('orders');
    expect(reads).toBe(1);
  });

  it('shows in the lag', async () => {
    const { ledger, timers, archiver } = setUp();
    expect(await archiver.status('orders')).toEqual({ size: 0, archived: 0, sealed: 0, lagRecords: 0, lagMs: 0 });
    ledger.add(3, MORNING).sign();
    await archiver.run('orders', FORCE);
    ledger.add(2, MORNING + 1000).add(2, MORNING + 2000);
    await timers.advance(5000);
    expect(await archiver.status('orders')).toEqual({ size: 7, archived: 3, sealed: 3, lagRecords: 4, lagMs: 4000 });
  });
});

describe('the lock', () => {
  it('is put on every object for as long as the options say, from when it is written', async () => {
    const { ledger, objects, archiver } = setUp({ lockFor: () => ({ ms: 1000 }) });
    ledger.growTo(257).sign();
    await archiver.seal('orders');
    for await (const { key } of objects.list(''))
      expect([key, objects.lockedUntil(key)]).toEqual([key, MORNING + 1000]);
  });

  it('is not put on anything by default', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.growTo(257).sign();
    await archiver.seal('orders');
    for await (const { key } of objects.list('')) expect([key, objects.lockedUntil(key)]).toEqual([key, undefined]);
  });
});

describe('the public keys', () => {
  const texts = async (objects: MemoryObjects) => {
    const found: string[] = [];
    for await (const { key } of objects.list('keys/')) {
      found.push(`${key}: ${Buffer.from((await objects.get(key)) ?? []).toString()}`);
    }
    return found;
  };

  it('are in the archive as vkey and PEM, before anything that they signed', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3).sign();
    await archiver.run('orders', FORCE);
    const written = objects.faults.calls.filter(({ operation }) => operation === 'put').map(({ key }) => key);
    expect(written[0]).toMatch(/^keys\/[0-9a-f]{8}\.pem$/);
    expect(written[1]).toMatch(/^keys\/[0-9a-f]{8}\.vkey$/);
    expect(await texts(objects)).toEqual([
      expect.stringMatching(
        /^keys\/([0-9a-f]{8})\.pem: -----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n$/,
      ),
      expect.stringMatching(/^keys\/([0-9a-f]{8})\.vkey: log\.example\/orders\+\1\+[A-Za-z0-9+/=]+\n$/),
    ]);
  });

  it('are added when others sign, and checkpoints signed before that are still archived', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3).sign();
    await archiver.run('orders', FORCE);
    ledger
      .add(3)
      .sign()
      .rotate([newKey('ed25519'), newKey('ecdsa-p256')]);
    await archiver.run('orders', FORCE);
    expect(await archiver.status('orders')).toMatchObject({ archived: 6 });
    expect(await texts(objects)).toHaveLength(6);
    ledger.add(3).sign();
    await archiver.run('orders', FORCE);
    expect(await archiver.status('orders')).toMatchObject({ archived: 9 });
  });

  it('with an ID that does not depend on the trail are shared by all trails', async () => {
    const key = newKey('ecdsa-p256');
    const { objects, table } = setUp();
    for (const trail of ['orders', 'payments']) {
      const ledger = new FakeLedger(trail, [key]).add(3).sign();
      await new Archiver({ objects, table, ledger, now: () => MORNING }).run(trail, FORCE);
    }
    expect(await texts(objects)).toEqual([
      expect.stringContaining('.pem'),
      expect.stringMatching(/\.vkey: log\.example\/orders\+/),
    ]);
  });
});
