import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import type { Hash } from '../../lib/log/hash.ts';
import { nodesBetween, TreeBuilder } from '../../lib/log/tree-builder.ts';
import { NaiveTree, naiveLeaves } from './naive-tree.ts';

const LARGEST = 300;
const naive = new NaiveTree(naiveLeaves(LARGEST));
const leaves = naive.leaves.map((leaf) => fromHex(leaf));
const whole = appendLeaves(EMPTY_FRONTIER, leaves);

const hashOf = (level: number, index: number): Hash => {
  const hash = whole.node({ level, index });
  if (hash === undefined) throw new Error(`there is no node ${level}/${index}`);
  return hash;
};

/** The proof that a selection of leaves is in the tree of `size` leaves: the subtrees between them. */
function prove(selected: readonly number[], size: number): Hash[] {
  let at = 0;
  return [...selected, size].flatMap((seq) => {
    const between = nodesBetween(at, seq).map(({ level, index }) => hashOf(level, index));
    at = seq + 1;
    return between;
  });
}

function rootOf(
  selected: readonly (readonly [seq: number, leaf: Hash])[],
  size: number,
  proof: readonly Hash[],
): string {
  const tree = new TreeBuilder();
  let next = 0;
  const skip = (to: number): void => {
    for (const { level } of nodesBetween(tree.size, to)) tree.add(proof[next++] ?? new Uint8Array(32), level);
  };
  for (const [seq, leaf] of selected) {
    skip(seq);
    tree.add(leaf);
  }
  skip(size);
  return toHex(tree.root());
}

const selection = fc
  .integer({ min: 1, max: LARGEST })
  .chain((size) => fc.tuple(fc.constant(size), fc.uniqueArray(fc.nat({ max: size - 1 }), { maxLength: 60 })))
  .map(([size, selected]) => ({ size, selected: selected.sort((a, b) => a - b) }));

describe('the subtrees between two leaves', () => {
  it('cover every leaf once, from the left, and are as wide as they can be', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const nodes = nodesBetween(from, to);
        expect(nodes.length).toBeLessThanOrEqual(2 * 52);
        let at = from;
        for (const { level, index } of nodes) {
          const width = 2 ** level;
          expect(index * width).toBe(at);
          expect(at % (width * 2) === 0 && at + width * 2 <= to).toBe(false);
          at += width;
        }
        expect(at).toBe(to);
      }),
    );
  });
});

describe('a selection of leaves and what is between them', () => {
  it('gives the root of RFC 6962 section 2.1, whatever is selected', () => {
    fc.assert(
      fc.property(selection, ({ size, selected }) => {
        const chosen = selected.map((seq) => [seq, hashOf(0, seq)] as const);
        expect(rootOf(chosen, size, prove(selected, size))).toBe(naive.root(0, size));
      }),
    );
  });

  it('needs no proof for the whole of a log', () => {
    for (const size of [1, 2, 3, 7, 8, 9, 255, 256, 257, 300]) {
      const all = leaves.slice(0, size).map((leaf, seq) => [seq, leaf] as const);
      expect(prove([...all.keys()], size)).toEqual([]);
      expect(rootOf(all, size, [])).toBe(naive.root(0, size));
    }
  });

  it('gives another root when a leaf is changed, moved or left out, or a hash of the proof is changed', () => {
    const notEmpty = selection.filter(({ selected }) => selected.length > 0);
    fc.assert(
      fc.property(notEmpty, fc.nat(), fc.nat(), ({ size, selected }, which, where) => {
        const proof = prove(selected, size);
        const chosen = selected.map((seq) => [seq, hashOf(0, seq)] as const);
        const at = which % selected.length;
        const other = new Uint8Array(32).fill(7);
        const changed = chosen.with(at, [selected[at] ?? 0, other]);
        expect(rootOf(changed, size, proof)).not.toBe(naive.root(0, size));
        expect(rootOf(chosen.toSpliced(at, 1), size, proof)).not.toBe(naive.root(0, size));
        if (proof.length > 0) {
          expect(rootOf(chosen, size, proof.with(where % proof.length, other))).not.toBe(naive.root(0, size));
        }
      }),
    );
  });
});

describe('a tree that grows by subtrees', () => {
  it('is that of no leaf at first', () => {
    expect(toHex(new TreeBuilder().root())).toBe(naive.root(0, 0));
  });

  it('refuses a subtree where none of its width can begin, and what is no hash', () => {
    const tree = new TreeBuilder();
    tree.add(hashOf(0, 0));
    const refusal = expect.objectContaining({ code: 'malformed_proof' });
    expect(() => tree.add(hashOf(1, 0), 1)).toThrow(refusal);
    expect(() => tree.add(new Uint8Array(31))).toThrow(refusal);
    expect(tree.size).toBe(1);
  });
});
