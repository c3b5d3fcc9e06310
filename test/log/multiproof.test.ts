import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import { leafHash } from '../../lib/log/hash.ts';
import { checkLeaves, proveLeaves } from '../../lib/log/multiproof.ts';
import { proveRange } from '../../lib/log/tree.ts';

const someLeaves = fc
  .integer({ min: 1, max: 300 })
  .chain((size) =>
    fc.tuple(fc.constant(size), fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { minLength: 1, maxLength: 30 })),
  );

function tree(size: number) {
  const leaves = Array.from({ length: size }, (_, n) => leafHash(`leaf ${n}`));
  const growth = appendLeaves(EMPTY_FRONTIER, leaves);
  const read = async (ids: readonly { level: number; index: number }[]) =>
    ids.map((id) => growth.node(id) ?? expect.fail());
  return { leaves, root: growth.root, read };
}

describe('a proof of several leaves', () => {
  it('proves them, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(someLeaves, fc.nat(), async ([size, chosen], at) => {
        const { leaves, root, read } = tree(size);
        const indexes = chosen.toSorted((a, b) => a - b);
        const proof = await proveLeaves(indexes, size, read);
        const shown = indexes.map((index) => ({ index, hash: leaves[index] ?? leafHash('') }));
        checkLeaves(shown, size, proof, root);
        const n = at % shown.length;
        const other = { index: shown[n]?.index ?? 0, hash: leafHash('another') };
        expect(() => checkLeaves(shown.toSpliced(n, 1, other), size, proof, root)).toThrow();
        expect(() => checkLeaves(shown, size, [...proof, leafHash('one more')], root)).toThrow('too long');
        if (proof.length > 0) expect(() => checkLeaves(shown, size, proof.slice(1), root)).toThrow();
        if (shown.length > 1) expect(() => checkLeaves(shown.toSpliced(n, 1), size, proof, root)).toThrow();
      }),
      { numRuns: 100 },
    );
  });

  it('of consecutive ones is the range proof', async () => {
    const { read } = tree(100);
    expect(await proveLeaves([13, 14, 15, 16], 100, read)).toEqual(await proveRange(13, 17, 100, read));
  });

  it.each([[[]], [[3, 3]], [[4, 3]], [[-1]], [[8]], [[0.5]]])(
    'is not made or checked for %j of eight',
    async (indexes) => {
      const { root, read } = tree(8);
      await expect(proveLeaves(indexes, 8, read)).rejects.toThrow(RangeError);
      const shown = indexes.map((index) => ({ index, hash: leafHash('') }));
      expect(() => checkLeaves(shown, 8, [], root)).toThrow('not in order');
    },
  );
});
