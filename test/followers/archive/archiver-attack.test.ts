import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { openTileKey, watermarkKey } from '../../../lib/ledger/items/layout.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { EMPTY_ROOT } from '../../../lib/log/hash.ts';
import { verifierFromSpki } from '../../../lib/log/note.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { newKey } from '../../support/keys.ts';
import { FakeLedger, MORNING } from '../fake-ledger.ts';
import { checkArchive } from './archive-checker.ts';

/** What is under lock cannot be taken back, so whatever someone has prepared for the archiver must stop it, or alarm. */

const FORCE = { force: true };

function setUp() {
  const ledger = new FakeLedger();
  const objects = new MemoryObjects(() => MORNING);
  const table = new MemoryTable();
  return { ledger, objects, table, archiver: new Archiver({ objects, table, ledger, now: () => MORNING }) };
}

const planted = Buffer.from('planted');

describe('objects that someone put where the next ones go', () => {
  it.each([
    'orders/records/dt=2026-11-21/0000000000000000-0000000000000299.jsonl.gz',
    'orders/tile/entries/000',
    'orders/tile/0/000',
    'orders/checkpoints/300',
    'orders/tile/entries/001.p/44',
    'orders/tile/0/001.p/44',
    'orders/tile/1/000.p/1',
  ])('raise an alarm that names %s, and stay as they are', async (key) => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300);
    await objects.put(key, planted);
    const alarm = new SealtrailError(
      'object_differs',
      `${key} holds other bytes than the log has for it: it was written by someone else, and left as it is`,
    );
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(archiver.seal('orders')).rejects.toMatchObject({ code: alarm.code, message: alarm.message });
      expect(Buffer.from((await objects.get(key)) ?? []).toString()).toBe('planted');
    }
    expect(await objects.get('orders/checkpoint')).toBeUndefined();
  });

  it('raise it also when they are gzip of other lines, or a bomb', async () => {
    const key = 'orders/records/dt=2026-11-21/0000000000000000-0000000000000002.jsonl.gz';
    for (const bytes of [gzipSync('{}\n{}\n{}\n'), gzipSync(Buffer.alloc(100_000_000))]) {
      const { ledger, objects, archiver } = setUp();
      ledger.add(3).sign();
      await objects.put(key, bytes);
      await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({
        code: 'object_differs',
        message: expect.stringContaining(key),
      });
    }
  });

  it('raise none when they are the same lines, packed by another zlib', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3).sign();
    const raw = ledger.allLines.map((line) => `${line}\n`).join('');
    const key = 'orders/records/dt=2026-11-21/0000000000000000-0000000000000002.jsonl.gz';
    await objects.put(key, gzipSync(raw, { level: 1, strategy: 2 }));
    await archiver.run('orders', FORCE);
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 3, sealed: 3 });
  });

  it('raise one alarm, not another, when the segment vanishes while it is compared', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3).sign();
    const key = 'orders/records/dt=2026-11-21/0000000000000000-0000000000000002.jsonl.gz';
    await objects.put(key, planted);
    const get = objects.get.bind(objects);
    objects.get = async (name) => (name === key ? undefined : get(name));
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'object_differs' });
  });

  it.each(['pem', 'vkey'])(
    'instead of a public key (%s) raise it too, but do not keep records from the archive',
    async (form) => {
      const { ledger, objects, archiver } = setUp();
      ledger.add(3).sign();
      const [verifier] = await ledger.verifiers('orders');
      const key = `keys/${verifier?.keyId.toString(16).padStart(8, '0')}.${form}`;
      await objects.put(key, planted);
      await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({
        code: 'object_differs',
        message: expect.stringContaining(key),
      });
      expect(await archiver.status('orders')).toMatchObject({ archived: 3 });
      await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'object_differs' });
      expect(await archiver.status('orders')).toMatchObject({ archived: 3, sealed: 3 });
    },
  );

  it('instead of a vkey raise it when they are another key under the same ID', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(3).sign();
    const [verifier] = await ledger.verifiers('orders');
    const other = verifierFromSpki('log.example/orders', newKey('ed25519').spki);
    const key = `keys/${verifier?.keyId.toString(16).padStart(8, '0')}.vkey`;
    await objects.put(key, Buffer.from(`${other.vkey}\n`));
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'object_differs' });
  });
});

describe('a ledger that does not fit what was signed', () => {
  const untouched = async (objects: MemoryObjects, before: number) => {
    expect((await Array.fromAsync(objects.list('orders/'))).length).toBe(before);
  };

  it('with a record rewritten is not archived, also when everything but the signature was made to fit', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300).sign();
    ledger.rewrite(7, (line) => line.replace('data.read', 'data.none'));
    await expect(archiver.run('orders', FORCE)).rejects.toThrow(
      new SealtrailError(
        'store_corrupt',
        'the records of trail orders do not give the root that was signed at size 300',
      ),
    );
    await untouched(objects, 0);
  });

  it('with a checkpoint that another key signed is not archived', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300).sign();
    ledger.forge(300, ledger.noteOf(300, (await ledger.head('orders'))?.root ?? EMPTY_ROOT, [newKey('ed25519')]));
    await expect(archiver.run('orders', FORCE)).rejects.toThrow(
      new SealtrailError(
        'store_corrupt',
        'the checkpoint of log.example/orders at size 300 is not signed by a key of the log',
      ),
    );
    await untouched(objects, 0);
  });

  it('with a checkpoint over another root is not archived', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300).sign();
    ledger.forge(300, ledger.noteOf(300, EMPTY_ROOT));
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'store_corrupt' });
    await untouched(objects, 0);
  });

  it('with a checkpoint moved to another size is not archived', async () => {
    const { ledger, objects, archiver } = setUp();
    const small = await ledger.add(200).seal('orders');
    ledger.add(100).sign();
    ledger.forge(300, small?.note ?? '');
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'store_corrupt' });
    await untouched(objects, 0);
  });

  it('changed between its two readings is not put under a checkpoint', async () => {
    const { ledger, objects, archiver } = setUp();
    // Too much to be kept from the first reading.
    for (let n = 0; n < 6; n++) ledger.add(100, MORNING, 60_000);
    ledger.sign();
    let readings = 0;
    const blocks = ledger.blocks.bind(ledger);
    ledger.blocks = (trail, range) => {
      if (range.to - range.from === 600) readings += 1;
      if (readings === 2) ledger.rewrite(599, (line) => line.replace('data.read', 'data.none'));
      return blocks(trail, range);
    };
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(readings).toBe(2);
    expect(await objects.get('orders/tile/0/001')).toBeDefined();
    expect(await objects.get('orders/checkpoints/600')).toBeUndefined();
  });

  it('without the checkpoint that was archived is not sealed', async () => {
    const { ledger, objects, archiver } = setUp();
    ledger.add(300);
    await archiver.seal('orders');
    ledger.add(300).sign();
    await archiver.run('orders', FORCE);
    const head = await ledger.seal('orders');
    ledger.seal = async () => head;
    ledger.exactCheckpoint = async () => undefined;
    await expect(archiver.seal('orders')).rejects.toThrow(
      new SealtrailError('store_corrupt', 'the checkpoint of trail orders at size 600 is gone from the ledger'),
    );
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 300 });
  });
});

describe('a table that was tampered with', () => {
  async function archived() {
    const all = setUp();
    all.ledger.add(600);
    await all.archiver.seal('orders');
    all.ledger.add(300).sign();
    return all;
  }

  it.each<[string, number, Uint8Array]>([
    ['another hash', 0, new Uint8Array(64)],
    ['a hash too few', 0, new Uint8Array(32)],
    ['a hash too many', 0, new Uint8Array(96)],
    ['another index', 1, new Uint8Array(64)],
    ['half a hash', 0, new Uint8Array(63)],
    ['more than a tile', 0, new Uint8Array(8192)],
  ])('to hold %s in an open tile stops the archive', async (_what, index, hashes) => {
    const { ledger, objects, table, archiver } = await archived();
    await table.transact([{ put: { ...openTileKey('orders', 1), attributes: { index, hashes } } }]);
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600, uncovered: 0 });
  });

  it('to hold an open tile under another number stops the archive, also where its hashes are right', async () => {
    const { ledger, objects, table, archiver } = await archived();
    await table.transact([{ update: openTileKey('orders', 1), set: { index: 1 } }]);
    await expect(archiver.run('orders', FORCE)).rejects.toThrow(
      new SealtrailError('store_corrupt', 'the open tiles of trail orders are not those of size 600'),
    );
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600, uncovered: 0 });
  });

  it.each<[string, Record<string, string | number>]>([
    ['a watermark further on', { size: 700, revision: 9 }],
    ['a watermark further back', { size: 300, revision: 9 }],
    ['a watermark as before the first run', { size: 0, revision: 9 }],
    ['a plan of another kind', { size: 600, revision: 9, plan: '{"kind":"none"}' }],
    ['a plan that is no JSON', { size: 600, revision: 9, plan: '{' }],
    ['an attribute that is none of ours', { size: 600, revision: 9, surprise: 1 }],
  ])('to hold %s stops the archive', async (_what, attributes) => {
    const { ledger, objects, table, archiver } = await archived();
    await table.transact([{ put: { ...watermarkKey('orders', 'archiver'), attributes } }]);
    await expect(archiver.run('orders', FORCE)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600, uncovered: 0 });
  });

  it('to be unsealed since long ago, although all is sealed, does not keep the archiver busy', async () => {
    const { objects, table, ledger, archiver } = setUp();
    ledger.add(300);
    await archiver.seal('orders');
    const key = watermarkKey('orders', 'archiver');
    await table.transact([{ update: key, set: { unsealedSince: 1 } }]);
    const { writes } = objects.faults;
    await archiver.run('orders', FORCE);
    expect(objects.faults.writes).toBe(writes);
  });

  it('or lost, or restored from an older copy, stops it before it adds what is there already', async () => {
    const { ledger, objects } = await archived();
    const archiver = new Archiver({ objects, table: new MemoryTable(), ledger, now: () => MORNING });
    await expect(archiver.run('orders', FORCE)).rejects.toThrow(
      new SealtrailError(
        'store_corrupt',
        'the archive of trail orders is sealed beyond what the archiver knows of: was the table restored from an older copy?',
      ),
    );
    expect(await checkArchive(objects, ledger)).toMatchObject({ archived: 600, sealed: 600, uncovered: 0 });
  });
});
