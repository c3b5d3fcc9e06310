import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import type { Hash } from '../../lib/log/hash.ts';
import {
  checkConsistency,
  checkInclusion,
  checkRange,
  type NodeReader,
  proveConsistency,
  proveInclusion,
  proveRange,
  rangeProofFrom,
  rootBeforeRange,
  treeRoot,
} from '../../lib/log/tree.ts';
import { NaiveTree, naiveLeaves } from './naive-tree.ts';

const LARGEST = 300;
const naive = new NaiveTree(naiveLeaves(LARGEST));
const leaves = naive.leaves.map((leaf) => fromHex(leaf));
const whole = appendLeaves(EMPTY_FRONTIER, leaves);
const rootOf = (size: number): Hash => fromHex(naive.root(0, size));

/** Answers like a store that has the tree of `size` leaves and not a node more. */
function readerOf(size: number): NodeReader {
  return async (ids) =>
    ids.map((id) => {
      const hash = whole.node(id);
      const exists = (id.index + 1) * 2 ** id.level <= size;
      if (hash === undefined || !exists) throw new Error(`asked a tree of ${size} for ${id.level}/${id.index}`);
      return hash;
    });
}

const texts = (hashes: readonly Hash[]): string[] => hashes.map(toHex);

/** Sizes where a tree changes its shape, and a few more. */
const SIZES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 300];

describe('the root of a tree', () => {
  it('is that of RFC 6962 section 2.1, from 0 to 300 leaves', async () => {
    for (let size = 0; size <= LARGEST; size++) {
      expect(toHex(await treeRoot(size, readerOf(size)))).toBe(naive.root(0, size));
    }
  });
});

describe('an inclusion proof', () => {
  it('is the audit path of RFC 6962 section 2.1.1, and holds, for every leaf', async () => {
    for (const size of SIZES) {
      for (let index = 0; index < size; index++) {
        const proof = await proveInclusion(index, size, readerOf(size));
        expect(texts(proof)).toEqual(naive.path(index, 0, size));
        checkInclusion(leaves[index] as Hash, index, size, proof, rootOf(size)); // throws unless it holds
      }
    }
  });
});

describe('a consistency proof', () => {
  it('is that of RFC 6962 section 2.1.2, and holds, between any two sizes up to 130', async () => {
    const wrong: string[] = [];
    for (let to = 1; to <= 130; to++) {
      for (let from = 1; from <= to; from++) {
        const proof = await proveConsistency(from, to, readerOf(to));
        if (texts(proof).join() !== naive.consistency(from, to).join()) wrong.push(`${from} to ${to}`);
        checkConsistency(from, rootOf(from), to, rootOf(to), proof);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('holds from any size to those where a tree changes its shape', async () => {
    for (const to of SIZES) {
      for (let from = 1; from <= to; from++) {
        const proof = await proveConsistency(from, to, readerOf(to));
        expect(texts(proof)).toEqual(naive.consistency(from, to));
        checkConsistency(from, rootOf(from), to, rootOf(to), proof);
      }
    }
  });

  it('from nothing, or to the same size, is empty', async () => {
    for (const size of [0, 1, 2, 7, 256]) {
      expect(await proveConsistency(0, size, readerOf(size))).toEqual([]);
      expect(await proveConsistency(size, size, readerOf(size))).toEqual([]);
      checkConsistency(0, rootOf(0), size, rootOf(size), []);
      checkConsistency(size, rootOf(size), size, rootOf(size), []);
    }
  });
});

describe('a range proof', () => {
  it('is what docs/spec.md says, and holds, for every range of every tree up to 40 leaves', async () => {
    const wrong: string[] = [];
    for (let size = 1; size <= 40; size++) {
      const read = readerOf(size);
      for (let first = 0; first < size; first++) {
        for (let end = first + 1; end <= size; end++) {
          const proof = await proveRange(first, end, size, read);
          if (texts(proof).join() !== naive.range(first, end, 0, size).join()) wrong.push(`${first}-${end} of ${size}`);
          checkRange(leaves.slice(first, end), first, size, proof, rootOf(size));
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('of one leaf is its inclusion proof, and of all leaves is empty', async () => {
    for (const size of SIZES) {
      expect(await proveRange(0, size, size, readerOf(size))).toEqual([]);
      for (const index of [0, Math.floor(size / 2), size - 1]) {
        expect(texts(await proveRange(index, index + 1, size, readerOf(size)))).toEqual(naive.path(index, 0, size));
      }
    }
  });

  it('holds in larger trees and is no longer than two hashes a level', async () => {
    const ends = [1, 2, 3, 127, 128, 129, 200, 255, 256, 257, 299, 300];
    for (const size of [255, 256, 257, 300]) {
      for (const end of ends.filter((value) => value <= size)) {
        for (const first of [0, ...ends].filter((value) => value < end)) {
          const proof = await proveRange(first, end, size, readerOf(size));
          expect(texts(proof)).toEqual(naive.range(first, end, 0, size));
          expect(proof.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(size)));
          checkRange(leaves.slice(first, end), first, size, proof, rootOf(size));
        }
      }
    }
  });

  it('of leaves that were just added comes out of the growth, with nothing to read', () => {
    const wrong: string[] = [];
    for (let before = 0; before <= 40; before++) {
      const { frontier } = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, before));
      for (const size of [before + 1, before + 2, before + 3, before + 9, before + 33]) {
        const growth = appendLeaves(frontier, leaves.slice(before, size));
        for (let first = before; first < size; first++) {
          for (let end = first + 1; end <= size; end++) {
            const proof = rangeProofFrom(growth, first, end);
            if (texts(proof).join() !== naive.range(first, end, 0, size).join())
              wrong.push(`${first}-${end}, ${before} grown to ${size}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('of the last leaves has the root of the tree before them', async () => {
    for (let size = 1; size <= 70; size++) {
      for (let first = 0; first < size; first++) {
        const proof = await proveRange(first, size, size, readerOf(size));
        expect(texts([rootBeforeRange(proof)])).toEqual(texts([rootOf(first)]));
      }
    }
  });

  it('of older leaves does not come out of it', () => {
    const { frontier } = appendLeaves(EMPTY_FRONTIER, leaves.slice(0, 3));
    const growth = appendLeaves(frontier, leaves.slice(3, 8));
    expect(() => rangeProofFrom(growth, 0, 1)).toThrow(new RangeError('the growth does not know node 0/1'));
    // Record 2 stood alone on the frontier, so its proof is at hand.
    checkRange(leaves.slice(2, 3), 2, 8, rangeProofFrom(growth, 2, 3), growth.root);
  });
});

describe('a prover', () => {
  it('reads everything it needs in one go, and no node twice', async () => {
    for (const size of SIZES) {
      const calls: string[][] = [];
      const read: NodeReader = (ids) => {
        calls.push(ids.map(({ level, index }) => `${level}/${index}`));
        return readerOf(size)(ids);
      };
      await treeRoot(size, read);
      await proveInclusion(size - 1, size, read);
      await proveConsistency(Math.ceil(size / 2), size, read);
      await proveRange(0, Math.ceil(size / 2), size, read);
      expect(calls.length).toBeLessThanOrEqual(4);
      for (const ids of calls) {
        expect(ids.length).toBeGreaterThan(0);
        expect(new Set(ids).size).toBe(ids.length);
      }
    }
  });

  it.each<[string, NodeReader]>([
    ['too few hashes', async (ids) => ids.slice(1).map(() => leaves[0] as Hash)],
    ['too many hashes', async (ids) => [...ids, undefined].map(() => leaves[0] as Hash)],
    ['something else than hashes', async (ids) => ids.map(() => new Uint8Array(31))],
  ])('does not believe a reader that answers with %s', async (_, read) => {
    const broken = new RangeError('the reader did not return one hash per node');
    await expect(treeRoot(3, read)).rejects.toThrow(broken);
    await expect(proveInclusion(0, 3, read)).rejects.toThrow(broken);
    await expect(proveConsistency(1, 3, read)).rejects.toThrow(broken);
  });

  it('passes on what went wrong underneath', async () => {
    const failure = new Error('the disk is gone');
    const read: NodeReader = () => Promise.reject(failure);
    await expect(proveInclusion(0, 3, read)).rejects.toBe(failure);
  });

  it('refuses what no tree has', async () => {
    const read = readerOf(LARGEST);
    const notCounts = [-1, 0.5, Number.NaN, 2 ** 53];
    for (const count of notCounts) {
      const message = (what: string) => new RangeError(`${what} is ${count}, not a whole number from 0 to 2^53 - 1`);
      await expect(treeRoot(count, read)).rejects.toThrow(message('size'));
      await expect(proveInclusion(0, count, read)).rejects.toThrow(message('size'));
      await expect(proveRange(count, 3, 3, read)).rejects.toThrow(message('first'));
      await expect(proveConsistency(1, count, read)).rejects.toThrow(message('to'));
      await expect(proveConsistency(count, 3, read)).rejects.toThrow(message('from'));
    }
    const noRanges = [...notCounts.map((end) => [0, end]), [2, 2], [2, 1], [3, 4], [2, 4]] as const;
    for (const [first, end] of noRanges) {
      const message = `the range [${first}, ${end}) is not in a tree of 3`;
      await expect(proveRange(first ?? 0, end ?? 0, 3, read)).rejects.toThrow(new RangeError(message));
    }
    await expect(proveConsistency(4, 3, read)).rejects.toThrow(
      new RangeError('a tree of 3 leaves does not extend one of 4'),
    );
  });
});
