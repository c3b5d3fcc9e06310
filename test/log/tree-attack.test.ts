import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER } from '../../lib/log/frontier.ts';
import { EMPTY_ROOT, type Hash, leafHash, nodeHash, ZERO_HASH } from '../../lib/log/hash.ts';
import {
  checkConsistency,
  checkInclusion,
  checkRange,
  type NodeId,
  type NodeReader,
  proveConsistency,
  proveInclusion,
  proveRange,
  treeRoot,
} from '../../lib/log/tree.ts';
import { NaiveTree, naiveLeaves } from './naive-tree.ts';
import { refusal } from './refusal.ts';

const naive = new NaiveTree(naiveLeaves(70));
const leaves = naive.leaves.map((leaf) => fromHex(leaf));
const whole = appendLeaves(EMPTY_FRONTIER, leaves);
const read: NodeReader = async (ids) => ids.map((id) => whole.node(id) as Hash); // a prover checks that it is one
const rootOf = (size: number): Hash => fromHex(naive.root(0, size));
const REFUSALS = ['malformed_proof', 'proof_mismatch'];

function flipped(hash: Hash, bit: number): Hash {
  const copy = Uint8Array.from(hash);
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** Every way to spoil a list of hashes at one place, and a few that are not hashes. */
function* spoiled(proof: readonly Hash[]): Generator<readonly Hash[]> {
  const strange = [ZERO_HASH, EMPTY_ROOT, leaves[0] as Hash];
  for (let i = 0; i <= proof.length; i++) {
    for (const hash of strange) yield proof.toSpliced(i, 0, hash);
    const hash = proof[i];
    if (hash === undefined) continue;
    yield proof.toSpliced(i, 1);
    yield proof.toSpliced(i, 0, hash);
    yield proof.with(i, flipped(hash, 7 * i));
    yield proof.with(i, flipped(hash, 255));
    yield proof.with(i, hash.subarray(0, 31));
    yield proof.with(i, Buffer.concat([hash, hash]));
    if (i + 1 < proof.length) yield proof.with(i, proof[i + 1] as Hash).with(i + 1, hash);
  }
}

describe('an inclusion proof that was tampered with', () => {
  it('is refused, whatever was changed, in every tree up to 20 leaves', async () => {
    const accepted: string[] = [];
    const expectRefused = (what: string, check: () => void): void => {
      if (!REFUSALS.includes(refusal(check)?.code ?? '')) accepted.push(what);
    };
    for (let size = 1; size <= 20; size++) {
      const root = rootOf(size);
      for (let index = 0; index < size; index++) {
        const leaf = leaves[index] as Hash;
        const where = `${index} of ${size}`;
        const proof = await proveInclusion(index, size, read);
        for (const bad of spoiled(proof)) {
          expectRefused(`${where}: proof`, () => checkInclusion(leaf, index, size, bad, root));
        }
        for (let other = -1; other <= size; other++) {
          if (other === index) continue;
          expectRefused(`${where}: as ${other}`, () => checkInclusion(leaf, other, size, proof, root));
        }
        expectRefused(`${where}: leaf`, () => checkInclusion(flipped(leaf, index), index, size, proof, root));
        expectRefused(`${where}: root`, () => checkInclusion(leaf, index, size, proof, flipped(root, size)));
        expectRefused(`${where}: short leaf`, () => checkInclusion(leaf.subarray(1), index, size, proof, root));
        expectRefused(`${where}: short root`, () => checkInclusion(leaf, index, size, proof, root.subarray(1)));
        expectRefused(`${where}: node as leaf`, () => checkInclusion(root, index, size + 1, proof, root));
      }
    }
    expect(accepted).toEqual([]);
  });

  it('says what is wrong with it', async () => {
    const [leaf, root] = [leaves[2] as Hash, rootOf(5)];
    const proof = await proveInclusion(2, 5, read);
    const refused = (hashes: readonly Hash[], index = 2, size = 5) =>
      refusal(() => checkInclusion(leaf, index, size, hashes, root));
    expect(refused(proof.slice(1))).toEqual({
      code: 'malformed_proof',
      message: 'the proof is too short: it has 2 hashes',
    });
    expect(refused([...proof, root])).toEqual({
      code: 'malformed_proof',
      message: 'the proof is too long: 3 of its 4 hashes are needed',
    });
    expect(refused([new Uint8Array(31), ...proof.slice(1)])).toEqual({
      code: 'malformed_proof',
      message: 'a hash has 32 bytes',
    });
    expect(refused(proof, 3)).toEqual({
      code: 'proof_mismatch',
      message: 'the inclusion proof does not lead to the root',
    });
    expect(refused(proof, 5)).toEqual({
      code: 'malformed_proof',
      message: 'records 5 to 5 cannot be in a tree of 5',
    });
  });
});

describe('a range proof that was tampered with', () => {
  it('is refused, whatever was changed, in every tree up to 12 leaves', async () => {
    const accepted: string[] = [];
    for (let size = 1; size <= 12; size++) {
      const root = rootOf(size);
      for (let first = 0; first < size; first++) {
        for (let end = first + 1; end <= size; end++) {
          const range = leaves.slice(first, end);
          const proof = await proveRange(first, end, size, read);
          const attempts = [
            ...[...spoiled(proof)].map((bad) => () => checkRange(range, first, size, bad, root)),
            ...[...spoiled(range)].map((bad) => () => checkRange(bad, first, size, proof, root)),
            () => checkRange(range, first + 1, size, proof, root),
            () => checkRange(range, first - 1, size, proof, root),
            () => checkRange([], first, size, proof, root),
            () => checkRange(range, first, size, proof, flipped(root, end)),
          ];
          for (const [at, attempt] of attempts.entries()) {
            if (!REFUSALS.includes(refusal(attempt)?.code ?? '')) accepted.push(`${first}-${end} of ${size}: ${at}`);
          }
        }
      }
    }
    expect(accepted).toEqual([]);
  });

  it('without a leaf proves nothing', () => {
    expect(refusal(() => checkRange([], 3, 5, [], rootOf(5)))).toEqual({
      code: 'malformed_proof',
      message: 'records 3 to 2 cannot be in a tree of 5',
    });
  });
});

describe('a consistency proof that was tampered with', () => {
  it('is refused, whatever was changed, between any sizes up to 20', async () => {
    const accepted: string[] = [];
    for (let to = 1; to <= 20; to++) {
      for (let from = 0; from <= to; from++) {
        const [older, newer] = [rootOf(from), rootOf(to)];
        const proof = await proveConsistency(from, to, read);
        const attempts = [
          ...[...spoiled(proof)].map((bad) => () => checkConsistency(from, older, to, newer, bad)),
          () => checkConsistency(from, flipped(older, to), to, newer, proof),
          () => checkConsistency(from, older.subarray(1), to, newer, proof),
          () => checkConsistency(from, older, to, newer.subarray(1), proof),
          () => checkConsistency(to + 1, older, to, newer, proof),
          () => checkConsistency(-1, older, to, newer, proof),
          () => checkConsistency(from, older, 2 ** 53, newer, proof),
        ];
        // From nothing any tree may come.
        if (from > 0) attempts.push(() => checkConsistency(from, older, to, flipped(newer, to), proof));
        if (from > 0 && from < to) attempts.push(() => checkConsistency(from, newer, to, older, proof));
        for (const [at, attempt] of attempts.entries()) {
          if (!REFUSALS.includes(refusal(attempt)?.code ?? '')) accepted.push(`${from} to ${to}: ${at}`);
        }
      }
    }
    expect(accepted).toEqual([]);
  });

  it('says what is wrong with it', async () => {
    const proof = await proveConsistency(3, 7, read);
    const refused = (older: Hash, newer: Hash, hashes = proof) =>
      refusal(() => checkConsistency(3, older, 7, newer, hashes));
    const mismatch = (which: string) => ({
      code: 'proof_mismatch',
      message: `the consistency proof does not lead to the ${which} root`,
    });
    expect(refused(rootOf(2), rootOf(7))).toEqual(mismatch('older'));
    expect(refused(rootOf(3), rootOf(6))).toEqual(mismatch('newer'));
    expect(refused(rootOf(3), rootOf(7), proof.slice(0, -1))?.code).toBe('malformed_proof');
    expect(refusal(() => checkConsistency(7, rootOf(7), 3, rootOf(3), proof))).toEqual({
      code: 'malformed_proof',
      message: 'a tree of 3 cannot extend one of 7',
    });
    for (const [to, root] of [
      [7, rootOf(7)],
      [0, EMPTY_ROOT],
    ] as const) {
      expect(refusal(() => checkConsistency(0, ZERO_HASH, to, root, []))).toEqual({
        code: 'proof_mismatch',
        message: 'an empty tree has another root',
      });
    }
    expect(refusal(() => checkConsistency(0, EMPTY_ROOT, 0, ZERO_HASH, []))?.code).toBe('proof_mismatch');
  });

  it('does not pass a history that was rewritten: one leaf of the old tree is another', async () => {
    const rewritten = appendLeaves(EMPTY_FRONTIER, leaves.with(4, leafHash('rewritten')));
    const proof = await proveConsistency(9, 70, async (ids) => ids.map((id) => rewritten.node(id) as Hash));
    expect(refusal(() => checkConsistency(9, rootOf(9), 70, rewritten.root, proof))?.code).toBe('proof_mismatch');
  });
});

describe('numbers that are none', () => {
  const strange = [Number.NaN, Number.POSITIVE_INFINITY, -1, -0.5, 0.5, 2 ** 53, 2 ** 64, 1e300];
  it.each(strange)('%d is refused at once, with a code', (number) => {
    const [leaf, root] = [leaves[0] as Hash, rootOf(1)];
    const attempts = [
      () => checkInclusion(leaf, number, 1, [], root),
      () => checkInclusion(leaf, 0, number, [], root),
      () => checkRange([leaf, leaf], number, 5, [], root),
      () => checkConsistency(number, root, 5, root, []),
      () => checkConsistency(1, root, number, root, []),
    ];
    for (const attempt of attempts) expect(refusal(attempt)?.code).toBe('malformed_proof');
  });

  it('a proof of a million hashes is refused without being followed', () => {
    const many = new Array<Hash>(1_000_000).fill(ZERO_HASH);
    const largest = 2 ** 53 - 1;
    expect(refusal(() => checkInclusion(ZERO_HASH, 0, largest, many, ZERO_HASH))?.message).toBe(
      'the proof is too long: 53 of its 1000000 hashes are needed',
    );
  });
});

describe('a tree of up to 2^53 - 1 leaves', () => {
  // All leaves alike but one: every node is known without storing a tree.
  const alike: Hash[] = [leafHash('alike')];
  for (let level = 1; level <= 53; level++) alike.push(nodeHash(alike[level - 1] as Hash, alike[level - 1] as Hash));
  const special = leafHash('special');

  function hashOf({ level, index }: NodeId, at: number): Hash {
    if (Math.floor(at / 2 ** level) !== index) return alike[level] as Hash;
    let hash = special;
    for (let below = 0; below < level; below++) {
      const isRight = Math.floor(at / 2 ** below) % 2 === 1;
      hash = isRight ? nodeHash(alike[below] as Hash, hash) : nodeHash(hash, alike[below] as Hash);
    }
    return hash;
  }

  const readerOf =
    (size: number, at: number): NodeReader =>
    async (ids) => {
      for (const { level, index } of ids) {
        const isWithin = Number.isInteger(level) && Number.isInteger(index) && (index + 1) * 2 ** level <= size;
        if (!isWithin || index < 0) throw new Error(`a tree of ${size} has no node ${level}/${index}`);
      }
      return ids.map((id) => hashOf(id, at));
    };

  const edges = [
    2 ** 31 - 1,
    2 ** 31,
    2 ** 31 + 1,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 52,
    2 ** 53 - 2,
    2 ** 53 - 1,
  ];
  const sizes = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 1, max: 2 ** 53 - 1 }));

  it('has proofs of each leaf, at its own place alone', async () => {
    const property = fc.asyncProperty(
      sizes,
      fc.nat(2 ** 53 - 1),
      fc.nat(2 ** 53 - 1),
      async (size, place, elsewhere) => {
        const index = place % size;
        const read = readerOf(size, index);
        const [root, proof] = [await treeRoot(size, read), await proveInclusion(index, size, read)];
        checkInclusion(special, index, size, proof, root);
        expect(proof.length).toBeLessThanOrEqual(53);
        for (const other of [0, size - 1, elsewhere % size, index + 1, index - 1]) {
          if (other === index) continue;
          expect(REFUSALS).toContain(refusal(() => checkInclusion(special, other, size, proof, root))?.code);
        }
      },
    );
    await fc.assert(property);
  });

  it('has proofs of ranges and of growth', async () => {
    const property = fc.asyncProperty(
      sizes,
      fc.nat(2 ** 53 - 1),
      fc.integer({ min: 1, max: 40 }),
      async (size, a, count) => {
        const first = a % size;
        const end = Math.min(size, first + count);
        const read = readerOf(size, first);
        const root = await treeRoot(size, read);
        const range = [special, ...new Array<Hash>(end - first - 1).fill(alike[0] as Hash)];
        checkRange(range, first, size, await proveRange(first, end, size, read), root);
        const older = await treeRoot(end, readerOf(end, first));
        checkConsistency(end, older, size, root, await proveConsistency(end, size, read));
        const forged = await treeRoot(end, readerOf(end, first === 0 ? 1 : first - 1));
        if (toHex(forged) !== toHex(older)) {
          const proof = await proveConsistency(end, size, read);
          expect(refusal(() => checkConsistency(end, forged, size, root, proof))?.code).toBe('proof_mismatch');
        }
      },
    );
    await fc.assert(property);
  });
});
