import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../lib/log/encoding.ts';
import {
  appendLeaves,
  decodeFrontier,
  EMPTY_FRONTIER,
  encodeFrontier,
  type Frontier,
  frontierNodes,
  frontierRoot,
} from '../../lib/log/frontier.ts';
import { EMPTY_ROOT, type Hash, leafHash, nodeHash } from '../../lib/log/hash.ts';
import { NaiveTree, naiveLeaves } from './naive-tree.ts';
import { refusal } from './refusal.ts';

const LARGEST = 300;
const naive = new NaiveTree(naiveLeaves(LARGEST));
const leaves = naive.leaves.map((leaf) => fromHex(leaf));
const vectors = JSON.parse(readFileSync(new URL('../vectors/merkle/rfc6962.json', import.meta.url), 'utf8'));

/** The frontier by its definition: the complete subtrees of n leaves, widest first. */
function naiveFrontier(size: number): string {
  let text = '';
  let at = 0;
  for (let width = 2 ** 20; width >= 1; width /= 2) {
    if (size - at < width) continue;
    text += naive.root(at, at + width);
    at += width;
  }
  return text;
}

const grown: readonly Frontier[] = Array.from(
  { length: LARGEST + 1 },
  (_, size) => appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)).frontier,
);

describe('a growing tree', () => {
  it('has the roots and subtrees that others publish for RFC 6962', () => {
    const published = (vectors.leaves as string[]).map((leaf) => leafHash(Buffer.from(leaf, 'hex')));
    for (let size = 0; size <= published.length; size++) {
      expect(toHex(appendLeaves(EMPTY_FRONTIER, published.slice(0, size)).root)).toBe(vectors.roots[size]);
    }
    const { node } = appendLeaves(EMPTY_FRONTIER, published);
    for (const [level, hashes] of (vectors.levels as string[][]).entries()) {
      expect(hashes.map((_, index) => toHex(node({ level, index }) ?? EMPTY_ROOT))).toEqual(hashes);
    }
  });

  it('has the root of RFC 6962 and the frontier of its size, from 0 to 300 leaves', () => {
    for (let size = 0; size <= LARGEST; size++) {
      const growth = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size));
      expect(toHex(growth.root)).toBe(naive.root(0, size));
      expect(toHex(encodeFrontier(growth.frontier))).toBe(naiveFrontier(size));
      expect(growth.frontier.size).toBe(size);
      expect(frontierNodes(size).map((id) => growth.node(id))).toEqual(growth.frontier.nodes);
      expect(toHex(frontierRoot(growth.frontier))).toBe(naive.root(0, size));
    }
  });

  it('comes to the same wherever it is interrupted', () => {
    const expected = grown.map((frontier) => toHex(encodeFrontier(frontier)));
    // Every split of the sizes up to 100, of 256 and of 300; of the others, the powers of two and the end.
    const isEvery = (size: number): boolean => size <= 100 || size === 256 || size === LARGEST;
    const isPowerOfTwo = (split: number): boolean => Number.isInteger(Math.log2(split));
    for (let size = 0; size <= LARGEST; size++) {
      const wrong: number[] = [];
      for (let split = 0; split <= size; split++) {
        if (!isEvery(size) && !isPowerOfTwo(split) && split < size - 3) continue;
        const { frontier } = appendLeaves(grown[split] ?? EMPTY_FRONTIER, leaves.slice(split, size));
        if (toHex(encodeFrontier(frontier)) !== expected[size]) wrong.push(split);
      }
      expect(wrong, `of ${size} leaves, interrupted after these`).toEqual([]);
    }
  });

  it('comes to the same in steps of any sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 12 }), (steps) => {
        let frontier = EMPTY_FRONTIER;
        for (const step of steps) {
          frontier = appendLeaves(
            frontier,
            leaves.slice(frontier.size, Math.min(LARGEST, frontier.size + step)),
          ).frontier;
        }
        expect(toHex(frontierRoot(frontier))).toBe(naive.root(0, frontier.size));
      }),
    );
  });

  it('knows each complete subtree that was on its frontier or that the new leaves completed, and no other', () => {
    for (let size = 0; size <= 40; size++) {
      for (let split = 0; split <= size; split++) {
        const { node } = appendLeaves(grown[split] ?? EMPTY_FRONTIER, leaves.slice(split, size));
        for (let level = 0; level < 8; level++) {
          const width = 2 ** level;
          for (let index = 0; index * width <= size; index++) {
            const end = (index + 1) * width;
            const isOnFrontier = end <= split && end + width > split && index % 2 === 0;
            const isNew = end > split && end <= size;
            const found = node({ level, index });
            const expected = isOnFrontier || isNew ? naive.root(end - width, end) : undefined;
            expect(found && toHex(found), `${level}/${index} from ${split} to ${size}`).toBe(expected);
          }
        }
        expect(node({ level: 0, index: -1 })).toBeUndefined();
        expect(node({ level: 60, index: 0 })).toBeUndefined();
      }
    }
  });

  it('leaves the frontier that it grew from as it was', () => {
    const before = toHex(encodeFrontier(grown[77] ?? EMPTY_FRONTIER));
    appendLeaves(grown[77] ?? EMPTY_FRONTIER, leaves.slice(77, 128));
    expect(toHex(encodeFrontier(grown[77] ?? EMPTY_FRONTIER))).toBe(before);
  });
});

describe('a tree of up to 2^53 - 1 leaves', () => {
  // All leaves alike: the hash of a complete subtree depends on its level alone, so a tree of any size can be had.
  const alike: Hash[] = [leafHash('alike')];
  for (let level = 1; level <= 53; level++) {
    const below = alike[level - 1] ?? EMPTY_ROOT;
    alike.push(nodeHash(below, below));
  }
  const frontierOf = (size: number): Frontier => {
    const levels = BigInt(size).toString(2).split('').reverse();
    return { size, nodes: alike.filter((_, level) => levels[level] === '1').reverse() };
  };

  it('grows by the same rules', () => {
    const edges = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 52, 2 ** 53 - 10];
    const sizes = fc.oneof(fc.constantFrom(...edges), fc.nat({ max: 2 ** 53 - 300 }));
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 9 }), (size, more) => {
        const leaf = alike[0] ?? EMPTY_ROOT;
        const { frontier, root } = appendLeaves(frontierOf(size), new Array<Hash>(more).fill(leaf));
        const expected = frontierOf(size + more);
        expect(toHex(encodeFrontier(frontier))).toBe(toHex(encodeFrontier(expected)));
        expect(toHex(root)).toBe(toHex(frontierRoot(expected)));
      }),
    );
  });

  it('grows no further', () => {
    const full = frontierOf(Number.MAX_SAFE_INTEGER);
    expect(appendLeaves(full, []).frontier.size).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => appendLeaves(full, [EMPTY_ROOT])).toThrow(
      new RangeError('a tree cannot have 9007199254740992 leaves'),
    );
  });
});

describe('a stored frontier', () => {
  it('comes back', () => {
    for (const frontier of grown) {
      const read = decodeFrontier(frontier.size, encodeFrontier(frontier));
      expect(toHex(encodeFrontier(read))).toBe(toHex(encodeFrontier(frontier)));
      expect(read.size).toBe(frontier.size);
    }
  });

  it('is its hashes, widest first, and nothing else', () => {
    const sum = createHash('sha256');
    for (let size = 0; size <= LARGEST; size++) {
      const bytes = encodeFrontier(grown[size] ?? EMPTY_FRONTIER);
      sum.update(bytes);
      expect(bytes.length).toBe(32 * [...size.toString(2)].filter((digit) => digit === '1').length);
    }
    const expected = createHash('sha256');
    for (let size = 0; size <= LARGEST; size++) expected.update(fromHex(naiveFrontier(size)));
    expect(sum.digest('hex')).toBe(expected.digest('hex'));
  });

  it('of another size or length is refused', () => {
    const bytes = encodeFrontier(grown[7] ?? EMPTY_FRONTIER);
    expect(refusal(() => decodeFrontier(8, bytes))).toEqual({
      code: 'store_corrupt',
      message: 'the frontier of a tree of 8 leaves has 32 bytes, the stored one 96',
    });
    expect(refusal(() => decodeFrontier(7, bytes.subarray(1)))?.code).toBe('store_corrupt');
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
      expect(refusal(() => decodeFrontier(size, bytes))).toEqual({
        code: 'store_corrupt',
        message: `a stored head gives ${size} as the size of its tree`,
      });
    }
  });

  it('that is none is a mistake of the caller', () => {
    const misfit = new RangeError('the frontier does not fit its size');
    expect(() => appendLeaves({ size: 1, nodes: [] }, [])).toThrow(misfit);
    expect(() => appendLeaves({ size: 2, nodes: [EMPTY_ROOT, EMPTY_ROOT] }, [])).toThrow(misfit);
    expect(() => appendLeaves({ size: -1, nodes: [] }, [])).toThrow(new RangeError('a tree cannot have -1 leaves'));
    expect(() => appendLeaves(EMPTY_FRONTIER, [new Uint8Array(31)])).toThrow(
      new RangeError('a leaf hash has 32 bytes'),
    );
  });
});
