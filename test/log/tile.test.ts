import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import { type Hash, leafHash } from '../../lib/log/hash.ts';
import {
  bundlePath,
  decodeBundle,
  decodeTile,
  encodeBundle,
  encodeTile,
  newFullTiles,
  nodeFromTile,
  parseTilePath,
  type Tile,
  tileOfNode,
  tilePath,
  tilesOf,
} from '../../lib/log/tile.ts';
import { refusal } from './refusal.ts';

const vectors = JSON.parse(readFileSync(new URL('../vectors/merkle/go-tlog.json', import.meta.url), 'utf8'));
const LARGEST_INDEX = 2 ** 45 - 1; // of a tile of level 0: 2^53 leaves
const named = ({ level, index, width }: Tile): string => `${level}/${index} x ${width}`;
const width = fc.integer({ min: 1, max: 256 });
const index = fc.oneof(fc.nat(2000), fc.nat(LARGEST_INDEX));

describe('the path of a tile', () => {
  it.each<Tile & { path: string }>(vectors.paths)('is what Go makes of it: $path', ({ path, ...tile }) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual({ kind: 'hashes', ...tile });
  });

  it('is the example of C2SP tlog-tiles: index 1234067 is x001/x234/067', () => {
    expect(tilePath({ level: 0, index: 1234067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(bundlePath(1234067, 255)).toBe('tile/entries/x001/x234/067.p/255');
    expect(parseTilePath('tile/entries/x001/x234/067.p/255')).toEqual({ kind: 'entries', index: 1234067, width: 255 });
  });

  it('comes back as the tile it names', () => {
    fc.assert(
      fc.property(fc.nat(63), index, width, (level, index, width) => {
        expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ kind: 'hashes', level, index, width });
        expect(parseTilePath(bundlePath(index, width))).toEqual({ kind: 'entries', index, width });
      }),
    );
  });

  it.each([
    '',
    'tile',
    'tile/0',
    'tile/0/',
    'tile/0/0',
    'tile/0/00',
    'tile/0/0000',
    'tile/0/x000/001',
    'tile/0/x00/001',
    'tile/0/001/002',
    'tile/0/x001',
    'tile/0/x001/x002',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/257',
    'tile/0/000.p/1000',
    'tile/0/000.p/-1',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/99/000',
    'tile/100/000',
    'tile/-1/000',
    'tile/8/0/001',
    'tile/data/000',
    'tile/entries/0',
    'tile/Entries/000',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/000\n',
    'tile//0/000',
    'tile/0/../000',
    'tile/0/X001/000',
    'tile/0/٠٠٠',
    'tile/0/x009/x007/x199/x254/x740/992', // 2^53
    'tile/0/x999/x999/x999/x999/x999/999',
    `tile/0/${'x001/'.repeat(1000)}000`,
  ])('is no path: %j', (path) => {
    expect(parseTilePath(path)).toBeUndefined();
  });

  it('has no second spelling: what is read is written the same', () => {
    const piece = fc.constantFrom(
      'tile',
      '/',
      '0',
      '1',
      '63',
      'entries',
      'x000',
      'x001',
      '000',
      '067',
      '.p',
      '255',
      '256',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const path = pieces.join('');
        const parsed = parseTilePath(path);
        if (parsed === undefined) return;
        expect(parsed.kind === 'hashes' ? tilePath(parsed) : bundlePath(parsed.index, parsed.width)).toBe(path);
      }),
      { numRuns: 5000, examples: [[['tile', '/', '0', '/', '000', '.p', '/', '255']]] },
    );
  });

  it.each<[Partial<Tile>]>([
    [{ level: -1 }],
    [{ level: 64 }],
    [{ level: 0.5 }],
    [{ index: -1 }],
    [{ index: 0.5 }],
    [{ index: 2 ** 53 }],
    [{ width: 0 }],
    [{ width: 257 }],
    [{ width: Number.NaN }],
  ])('is not made for what is no tile: %j', (wrong) => {
    const tile = { level: 0, index: 0, width: 256, ...wrong };
    const message = `there is no tile ${tile.level}/${tile.index} of width ${tile.width}`;
    expect(() => tilePath(tile)).toThrow(new RangeError(message));
    if (wrong.level === undefined) expect(() => bundlePath(tile.index, tile.width)).toThrow(new RangeError(message));
  });
});

describe('the tiles of a tree', () => {
  it('are those of the example of C2SP tlog-tiles, 70,000 leaves', () => {
    const tiles = [...tilesOf(70_000)];
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(tiles.filter(({ level, width }) => level !== 0 || width !== 256).map(named)).toEqual([
      '0/273 x 112',
      '1/0 x 256',
      '1/1 x 17',
      '2/0 x 1',
    ]);
    expect([...tilesOf(256)].map(named)).toEqual(['0/0 x 256', '1/0 x 1']);
  });

  it('have floor(size / 256^level) hashes at each level, in full tiles but for the last', () => {
    expect([...tilesOf(0)]).toEqual([]);
    for (const size of [...Array(600).keys(), 65_535, 65_536, 65_537, 131_072, 70_000]) {
      const tiles = [...tilesOf(size)];
      for (let level = 0; level < 4; level++) {
        const own = tiles.filter((tile) => tile.level === level);
        const sum = own.reduce((total, { width }) => total + width, 0);
        expect(sum).toBe(Math.floor(size / 256 ** level));
        expect(own.every((tile, at) => tile.index === at)).toBe(true);
        expect(own.slice(0, -1).every((tile) => tile.width === 256)).toBe(true);
        expect(own.every((tile) => tile.width >= 1 && tile.width <= 256)).toBe(true);
      }
      expect(tiles.every(({ level }) => level < 4)).toBe(true);
    }
  });

  it('that are full come once each while a tree grows in steps of any sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(70_000), { maxLength: 8 }), (steps) => {
        const sizes = [0, ...steps].sort((a, b) => a - b);
        const came = sizes.slice(1).flatMap((to, at) => [...newFullTiles(sizes[at] ?? 0, to)]);
        const full = [...tilesOf(sizes.at(-1) ?? 0)].filter((tile) => tile.width === 256);
        expect(came.map(named).sort()).toEqual(full.map(named).sort());
      }),
    );
  });

  it('that are new are found without going through the old ones, at any size', () => {
    const near = 2 ** 48; // a level 5 tile fills here, and all below it
    expect([...newFullTiles(near - 1, near)].map(named)).toEqual(
      [0, 1, 2, 3, 4, 5].map((level) => `${level}/${2 ** (40 - 8 * level) - 1} x 256`),
    );
    expect([...newFullTiles(2 ** 53 - 257, 2 ** 53 - 1)].map(named)).toEqual([`0/${2 ** 45 - 2} x 256`]);
  });

  it('of no tree are a mistake of the caller, not an endless list', () => {
    for (const size of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      const message = `a tree does not grow from 0 to ${size} leaves`;
      expect(() => [...tilesOf(size)]).toThrow(new RangeError(message));
      expect(() => [...newFullTiles(0, size)]).toThrow(new RangeError(message));
    }
    expect(() => [...newFullTiles(2, 1)]).toThrow(new RangeError('a tree does not grow from 2 to 1 leaves'));
  });
});

describe('the bytes of a tile', () => {
  const hashes = Array.from({ length: 256 }, (_, i) => leafHash(`${i}`));

  it('are its hashes, and come back', () => {
    for (const count of [1, 2, 112, 255, 256]) {
      const bytes = encodeTile(hashes.slice(0, count));
      expect(bytes.length).toBe(32 * count);
      expect(decodeTile(bytes, count).map(toHex)).toEqual(hashes.slice(0, count).map(toHex));
    }
  });

  it('of another number are refused', () => {
    const bytes = encodeTile(hashes);
    expect(refusal(() => decodeTile(bytes.subarray(1), 256))).toEqual({
      code: 'malformed_tile',
      message: 'a tile of 256 hashes has 8192 bytes, this one 8191',
    });
    for (const width of [0, 1, 255, 257, -1, Number.NaN]) {
      expect(refusal(() => decodeTile(bytes, width))?.code).toBe('malformed_tile');
    }
    expect(refusal(() => decodeTile(new Uint8Array(), 1))?.code).toBe('malformed_tile');
  });

  it('are not made of what is no tile', () => {
    expect(() => encodeTile([])).toThrow(new RangeError('a tile of 0 hashes'));
    expect(() => encodeTile([...hashes, ...hashes])).toThrow(new RangeError('a tile of 512 hashes'));
    expect(() => encodeTile([...hashes.slice(1), new Uint8Array(33)])).toThrow(new RangeError('a hash has 32 bytes'));
  });
});

describe('a node of the tree', () => {
  it('is found in one tile: its own level, or by hashing a power of two of hashes', () => {
    expect(tileOfNode({ level: 0, index: 1000 })).toEqual({ level: 0, index: 3, offset: 232, span: 1 });
    expect(tileOfNode({ level: 7, index: 3 })).toEqual({ level: 0, index: 1, offset: 128, span: 128 });
    expect(tileOfNode({ level: 8, index: 3 })).toEqual({ level: 1, index: 0, offset: 3, span: 1 });
    expect(tileOfNode({ level: 17, index: 2 ** 35 })).toEqual({ level: 2, index: 2 ** 28, offset: 0, span: 2 });
    expect(tileOfNode({ level: 0, index: 2 ** 53 - 2 })).toEqual({
      level: 0,
      index: 2 ** 45 - 1,
      offset: 254,
      span: 1,
    });
  });

  it('has the hash that its tile gives it, for every node of a full tile and of partial ones', () => {
    const leaves = Array.from({ length: 512 }, (_, i) => leafHash(`${i}`));
    const whole = appendLeaves(EMPTY_FRONTIER, leaves);
    for (const size of [1, 2, 3, 100, 255, 256, 300, 511, 512]) {
      for (let level = 0; level < 8; level++) {
        for (let index = 0; (index + 1) * 2 ** level <= size; index++) {
          const { index: tile } = tileOfNode({ level, index });
          const hash = nodeFromTile(leaves.slice(tile * 256, Math.min(size, tile * 256 + 256)), { level, index });
          expect(toHex(hash)).toBe(toHex(whole.node({ level, index }) as Hash));
        }
      }
    }
  });

  it('is not made up where the tile is too narrow', () => {
    const hashes = Array.from({ length: 5 }, (_, i) => leafHash(`${i}`));
    expect(refusal(() => nodeFromTile(hashes, { level: 1, index: 2 }))).toEqual({
      code: 'malformed_tile',
      message: 'a tile of 5 hashes holds no node 1/2',
    });
    expect(refusal(() => nodeFromTile([], { level: 0, index: 0 }))?.code).toBe('malformed_tile');
  });
});

describe('an entry bundle', () => {
  const lines = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });

  it('is its entries, each behind its length in two big-endian bytes (C2SP tlog-tiles)', () => {
    expect(toHex(encodeBundle([Buffer.from('ab'), Buffer.alloc(258, 0x2e)]))).toBe(
      `00026162${'0102'}${'2e'.repeat(258)}`,
    );
  });

  it('gives its entries back', () => {
    fc.assert(
      fc.property(lines, (entries) => {
        expect(decodeBundle(encodeBundle(entries)).map(toHex)).toEqual(entries.map(toHex));
      }),
    );
    const full = Array.from({ length: 256 }, (_, i) => Buffer.from(`${i}`));
    expect(decodeBundle(encodeBundle(full)).map(String)).toEqual(full.map(String));
    const longest = Buffer.alloc(65_535, 'x');
    expect(decodeBundle(encodeBundle([longest]))[0]).toHaveLength(65_535);
  });

  it('cut off anywhere but between two entries is refused', () => {
    const bytes = encodeBundle([Buffer.from('one'), Buffer.from('three'), Buffer.from('')]);
    const between = [5, 12];
    for (let end = 1; end < bytes.length; end++) {
      const refused = refusal(() => decodeBundle(bytes.subarray(0, end)));
      if (between.includes(end)) expect(refused).toBeUndefined();
      else expect(refused?.code).toBe('malformed_bundle');
    }
    expect(refusal(() => decodeBundle(bytes.subarray(0, 4)))).toEqual({
      code: 'malformed_bundle',
      message: 'a bundle ends within entry 0',
    });
  });

  it('of no or too many entries is refused, before they are all read', () => {
    expect(refusal(() => decodeBundle(new Uint8Array()))).toEqual({
      code: 'malformed_bundle',
      message: 'a bundle has at least one entry',
    });
    expect(decodeBundle(new Uint8Array(512))).toHaveLength(256);
    for (const bytes of [514, 1_000_000]) {
      expect(refusal(() => decodeBundle(new Uint8Array(bytes)))).toEqual({
        code: 'malformed_bundle',
        message: 'a bundle has at most 256 entries',
      });
    }
  });

  it('that is any bytes at all is read as it would be written, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60, max: 6 }), (bytes) => {
        const refused = refusal(() => expect(toHex(encodeBundle(decodeBundle(bytes)))).toBe(toHex(bytes)));
        expect([undefined, 'malformed_bundle']).toContain(refused?.code);
      }),
      { numRuns: 1000 },
    );
  });

  it('is not made of what does not fit', () => {
    expect(() => encodeBundle([])).toThrow(new RangeError('a bundle of 0 entries'));
    expect(() => encodeBundle(new Array(257).fill(Buffer.from('x')))).toThrow(
      new RangeError('a bundle of 257 entries'),
    );
    expect(() => encodeBundle([Buffer.alloc(65_536)])).toThrow(new RangeError('an entry of 65536 bytes'));
  });
});
