import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Archiver } from '../../../lib/followers/archive/archiver.ts';
import { openTileKey } from '../../../lib/ledger/items/layout.ts';
import { nodeReader } from '../../../lib/ledger/tree/nodes.ts';
import { provenConsistency, provenInclusion, provenRange } from '../../../lib/ledger/tree/proven.ts';
import { TileCache } from '../../../lib/ledger/tree/tile-cache.ts';
import { SealtrailError } from '../../../lib/log/error.ts';
import { checkConsistency, checkInclusion, checkRange, treeRoot } from '../../../lib/log/tree.ts';
import { MemoryObjects } from '../../../lib/testing/memory/objects.ts';
import { MemoryTable } from '../../../lib/testing/memory/table.ts';
import { FakeLedger, MORNING } from '../../followers/fake-ledger.ts';
import { type NaiveTree, treeOf } from '../../log/naive-tree.ts';
import { runs, THOROUGH } from '../../runs.ts';

interface Trail {
  readonly ledger: FakeLedger;
  readonly objects: MemoryObjects;
  readonly table: MemoryTable;
  readonly tree: NaiveTree;
}

/** A long trail takes a while to make, so the tests that leave it alone share one. */
let shared: { readonly ledger: FakeLedger; readonly tree: NaiveTree } | undefined;

function longTrail(): { readonly ledger: FakeLedger; readonly tree: NaiveTree } {
  if (shared === undefined) {
    const ledger = new FakeLedger().growTo(67_000);
    shared = { ledger, tree: treeOf(ledger.allLeaves) };
  }
  return shared;
}

/** Archives the long trail up to a size, where a checkpoint is then. */
async function archiveLongTrail(objects: MemoryObjects, table: MemoryTable, size: number): Promise<void> {
  const { ledger, tree } = longTrail();
  const checkpoint = { size, note: ledger.noteOf(size, tree.rootAt(size)) };
  const upTo = {
    head: () => ledger.head('orders'),
    blocks: (trail: string, range: { from: number; to: number }) => ledger.blocks(trail, range),
    seal: async () => checkpoint,
    checkpoint: async () => checkpoint,
    exactCheckpoint: async () => checkpoint,
    verifiers: () => ledger.verifiers('orders'),
  };
  await new Archiver({ objects, table, ledger: upTo, now: () => MORNING }).run('orders', { force: true });
}

/** The long trail, 67,000 records, of which so many are archived. */
async function longTrailOf(archived: number): Promise<Trail> {
  const { ledger, tree } = longTrail();
  const objects = new MemoryObjects();
  const table = new MemoryTable();
  await archiveLongTrail(objects, table, archived);
  return { ledger, objects, table, tree };
}

/** A trail of which so many records are archived. */
async function trailOf(size: number, archived: number): Promise<Trail> {
  const ledger = new FakeLedger();
  const objects = new MemoryObjects();
  const table = new MemoryTable();
  const archiver = new Archiver({ objects, table, ledger, now: () => MORNING });
  if (archived > 0) {
    ledger.growTo(archived).sign();
    await archiver.run('orders', { force: true });
    expect(await archiver.status('orders')).toMatchObject({ archived });
  }
  ledger.growTo(size);
  return { ledger, objects, table, tree: treeOf(ledger.allLeaves) };
}

const readerOf = ({ ledger, objects, table }: Trail, cache?: TileCache) =>
  nodeReader({ objects, table, ledger, ...(cache === undefined ? {} : { cache }) }, 'orders');

const signed = (tree: NaiveTree, size: number) => ({ size, root: tree.rootAt(size) });
const leafOf = (tree: NaiveTree, index: number) => tree.node(0, index);

/** Proves a record, a range and a growth at a size, and checks them against the naive tree. */
async function checkProofs(trail: Trail, index: number, size: number, cache?: TileCache): Promise<void> {
  const { tree } = trail;
  const read = readerOf(trail, cache);
  const to = signed(tree, size);
  expect(Buffer.from(await treeRoot(size, read)).equals(to.root)).toBe(true);
  checkInclusion(
    leafOf(tree, index),
    index,
    size,
    await provenInclusion(read, leafOf(tree, index), index, to),
    to.root,
  );
  const from = signed(tree, index + 1);
  checkConsistency(from.size, from.root, size, to.root, await provenConsistency(read, from, to));
  const leaves = Array.from({ length: Math.min(300, size - index) }, (_, n) => leafOf(tree, index + n));
  checkRange(leaves, index, size, await provenRange(read, leaves, index, to), to.root);
}

describe('proofs from the archive and the ledger', () => {
  it.each([
    [1, 0],
    [1, 1],
    [255, 0],
    [256, 255],
    [256, 256],
    [257, 256],
    [600, 300],
    [1000, 0],
    [1000, 1000],
  ])('are right at all sizes of a trail of %i records, %i of them archived', async (size, archived) => {
    const trail = await trailOf(size, archived);
    const cache = new TileCache();
    for (let at = 1; at <= size; at += 1 + Math.floor(at / 7)) await checkProofs(trail, Math.floor(at / 3), at, cache);
    await checkProofs(trail, size - 1, size, cache);
    await checkProofs(trail, 0, size, cache);
  });

  it('are right on three levels, wherever the archive ends', async () => {
    for (const archived of THOROUGH ? [66_000, 65_536, 65_535, 40_000] : [65_536]) {
      const trail = await longTrailOf(archived);
      for (const size of [67_000, 65_537, 65_536, 300]) {
        await checkProofs(trail, size - 1, size);
        await checkProofs(trail, 77, size);
      }
    }
  });

  it('are right for any record at any size', async () => {
    const trail = await trailOf(3000, 1700);
    const cache = new TileCache(3);
    await fc.assert(
      fc.asyncProperty(fc.nat(2999), fc.nat(2999), (a, b) =>
        checkProofs(trail, Math.min(a, b), Math.max(a, b) + 1, cache),
      ),
      runs(20),
    );
  });

  it('stay right with one cache while the archive grows past them', async () => {
    const { ledger, objects, table } = await trailOf(100, 50);
    const cache = new TileCache();
    const archiver = new Archiver({ objects, table, ledger, now: () => MORNING });
    for (const size of [200, 256, 257, 700, 1500]) {
      ledger.growTo(size).sign();
      const trail = { ledger, objects, table, tree: treeOf(ledger.allLeaves) };
      await checkProofs(trail, size - 1, size, cache);
      await archiver.run('orders', { force: true });
      await checkProofs(trail, size - 1, size, cache);
    }
  });

  it('are right while the archiver moves on between two readings', async () => {
    const { ledger, objects, table } = await trailOf(300, 300);
    const archiver = new Archiver({ objects, table, ledger, now: () => MORNING });
    const get = table.get.bind(table);
    let size = 300;
    for (const level of [1, 2]) {
      size += 700;
      ledger.growTo(size).sign();
      const trail = { ledger, objects, table, tree: treeOf(ledger.allLeaves) };
      let moved = false;
      table.get = async (key) => {
        const item = await get(key);
        if (!moved && key.sort === openTileKey('orders', level).sort) {
          moved = true;
          table.get = get;
          await archiver.run('orders', { force: true });
        }
        return item;
      };
      await checkProofs(trail, 290, size);
      expect(moved).toBe(true);
    }
  });

  it('are right, and need no old records, while the archiver fills a tile of an upper level', async () => {
    const { objects, table, tree, ledger } = await longTrailOf(65_000);
    const get = table.get.bind(table);
    table.get = async (key) => {
      const item = await get(key);
      // Level 2 was read as it was, level 1 will be read as it is then.
      if (key.sort === openTileKey('orders', 2).sort) {
        table.get = get;
        await archiveLongTrail(objects, table, 66_000);
      }
      return item;
    };
    const young = {
      blocks: (trail: string, range: { from: number; to: number }) => {
        if (range.from < 65_536) throw new RangeError('that has left the ledger');
        return ledger.blocks(trail, range);
      },
    };
    const [node] = await nodeReader({ objects, table, ledger: young }, 'orders')([{ level: 8, index: 3 }]);
    expect(Buffer.from(node ?? []).equals(tree.node(8, 3))).toBe(true);
    expect(table.get).toBe(get);
  });

  it('read a long tail of the ledger once, and then only what is new', async () => {
    const trail = await trailOf(50_000, 0);
    const cache = new TileCache();
    await checkProofs(trail, 7, 50_000, cache);
    let read = 0;
    const blocks = trail.ledger.blocks.bind(trail.ledger);
    trail.ledger.blocks = (name, range) => {
      read += range.to - range.from;
      return blocks(name, range);
    };
    await checkProofs(trail, 7, 50_000, cache);
    expect(read).toBe(0);
    trail.ledger.growTo(51_000);
    await checkProofs({ ...trail, tree: treeOf(trail.ledger.allLeaves) }, 7, 51_000, cache);
    expect(read).toBeLessThan(2000);
  });

  it('of archived records need a handful of small reads, each made once', async () => {
    const trail = await longTrailOf(66_000);
    trail.objects.faults.calls.length = 0;
    const cache = new TileCache();
    const { tree } = trail;
    for (let round = 0; round < 2; round++) {
      await provenInclusion(readerOf(trail, cache), leafOf(tree, 777), 777, signed(tree, 66_000));
      expect(trail.objects.faults.calls.map(({ key }) => key).sort()).toEqual([
        'orders/tile/0/003',
        'orders/tile/1/000',
      ]);
    }
  });

  it('beyond the end of the trail are refused', async () => {
    const trail = await trailOf(300, 256);
    await expect(treeRoot(301, readerOf(trail))).rejects.toThrow(
      new SealtrailError('store_corrupt', 'trail orders is too short for hash 44 of tile 0/1'),
    );
  });
});

describe('a damaged store', () => {
  const inclusion = (trail: Trail, index: number, size: number) =>
    provenInclusion(readerOf(trail), leafOf(trail.tree, index), index, signed(trail.tree, size));

  const flip = async (objects: MemoryObjects, key: string, at: number): Promise<void> => {
    const bytes = Buffer.from((await objects.get(key)) ?? []);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    objects.tamper(key, bytes);
  };

  it.each([0, 1])(
    'with a bit flipped in a tile of level %i gives an error that names it, never a proof',
    async (level) => {
      const trail = await longTrailOf(66_000);
      const key = `orders/tile/${level}/000`;
      await flip(trail.objects, key, 4000);
      await expect(inclusion(trail, 7, 66_000)).rejects.toThrow(
        new SealtrailError('store_corrupt', `${key} does not hash to what stands for it one level above`),
      );
    },
  );

  it('says which tile is missing or cut short', async () => {
    const trail = await trailOf(600, 600);
    trail.objects.tamper('orders/tile/0/000', Buffer.alloc(8191));
    await expect(inclusion(trail, 7, 600)).rejects.toThrow(
      new SealtrailError('store_corrupt', 'orders/tile/0/000 is not a full tile'),
    );
    trail.objects.hide('orders/tile/0/000');
    await expect(inclusion(trail, 7, 600)).rejects.toThrow(
      new SealtrailError('store_corrupt', 'orders/tile/0/000 is missing from the archive'),
    );
  });

  it('is not remembered once it was put right', async () => {
    const trail = await trailOf(600, 600);
    const cache = new TileCache();
    await flip(trail.objects, 'orders/tile/0/000', 4000);
    await expect(checkProofs(trail, 7, 600, cache)).rejects.toMatchObject({ code: 'store_corrupt' });
    await flip(trail.objects, 'orders/tile/0/000', 4000);
    await checkProofs(trail, 7, 600, cache);
  });

  it('with a false open tile gives no proof', async () => {
    const trail = await trailOf(600, 600);
    const attributes = { index: 0, hashes: new Uint8Array(64) };
    await trail.table.transact([{ put: { ...openTileKey('orders', 1), attributes } }]);
    const message = 'the stored tree does not give the root that was signed: no proof of record 590 in 600';
    await expect(inclusion(trail, 590, 600)).rejects.toThrow(new SealtrailError('store_corrupt', message));
  });

  it('with open tiles that do not fit together gives no proof, and an answer', async () => {
    const trail = await trailOf(600, 600);
    const attributes = { index: 5, hashes: new Uint8Array(0) };
    await trail.table.transact([{ put: { ...openTileKey('orders', 1), attributes } }]);
    await expect(inclusion(trail, 7, 600)).rejects.toThrow(
      new SealtrailError('store_corrupt', 'the open tiles of levels 1 and 2 in trail orders do not fit together'),
    );
  });

  it('with a record changed in the ledger gives no proof', async () => {
    const trail = await trailOf(300, 100);
    const { tree } = trail;
    trail.ledger.rewrite(299, (line) => line.replace('data.read', 'data.none'));
    const of = (what: string) =>
      new SealtrailError(
        'store_corrupt',
        `the stored tree does not give the root that was signed: no proof of ${what}`,
      );
    await expect(inclusion(trail, 7, 300)).rejects.toThrow(of('record 7 in 300'));
    const leaves = [leafOf(tree, 7), leafOf(tree, 8)];
    await expect(provenRange(readerOf(trail), leaves, 7, signed(tree, 300))).rejects.toThrow(
      of('records from 7 in 300'),
    );
    await expect(provenConsistency(readerOf(trail), signed(tree, 8), signed(tree, 300))).rejects.toThrow(
      of('size 8 in 300'),
    );
  });

  it('keeps the reason', async () => {
    const trail = await trailOf(300, 100);
    trail.ledger.rewrite(299, (line) => line.replace('data.read', 'data.none'));
    await expect(inclusion(trail, 7, 300)).rejects.toMatchObject({ cause: { code: 'proof_mismatch' } });
  });
});

describe('the cache of tiles', () => {
  const hashes = (n: number) => [Buffer.alloc(32, n)];

  it('keeps the tiles used last, and no more than it may', () => {
    const cache = new TileCache(2);
    cache.set('a', hashes(1));
    cache.set('b', hashes(2));
    expect(cache.get('a')).toEqual(hashes(1));
    cache.set('c', hashes(3));
    expect(['a', 'b', 'c'].map((name) => cache.get(name).length)).toEqual([1, 0, 1]);
    cache.set('c', hashes(4));
    expect([cache.get('c'), cache.get('a')]).toEqual([hashes(4), hashes(1)]);
  });

  it('may keep none', () => {
    const cache = new TileCache(0);
    cache.set('a', hashes(1));
    expect(cache.get('a')).toEqual([]);
    expect(() => new TileCache(-1)).toThrow(new RangeError('a cache cannot keep -1 tiles'));
  });
});
