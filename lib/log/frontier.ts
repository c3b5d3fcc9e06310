import { SealtrailError } from './error.ts';
import { EMPTY_ROOT, HASH_BYTES, type Hash, isHash, nodeHash } from './hash.ts';

/** The complete subtree over the leaves `[index * 2^level, (index + 1) * 2^level)`; level 0 is a leaf. */
export interface NodeId {
  /** 0 to 52. */
  readonly level: number;
  /** 0-based, from the left. */
  readonly index: number;
}

/**
 * The state of a tree that is needed to append to it: the roots of its complete subtrees, widest (leftmost) first, one
 * for every 1 in the binary form of `size`. At most 53 hashes.
 */
export interface Frontier {
  /** Leaves in the tree, 0 to 2^53 - 1. */
  readonly size: number;
  readonly nodes: readonly Hash[];
}

/** The frontier of the tree without leaves. */
export const EMPTY_FRONTIER: Frontier = { size: 0, nodes: [] };

/** The positions of a frontier's hashes in the tree, widest first: one for every 1 in the binary form of `size`. */
export function frontierNodes(size: number): NodeId[] {
  assertSize(size);
  const ids: NodeId[] = [];
  let rest = size;
  for (let level = 52; level >= 0; level--) {
    const leaves = 2 ** level;
    if (rest < leaves) continue;
    ids.push({ level, index: (size - rest) / leaves });
    rest -= leaves;
  }
  return ids;
}

/** The result of adding leaves to a tree. */
export interface Growth {
  /** Of the larger tree. */
  readonly frontier: Frontier;
  /** Its root. */
  readonly root: Hash;
  /** The hash of any complete subtree that was on the old frontier or that the new leaves completed. */
  node(id: NodeId): Hash | undefined;
}

/** The known complete subtrees of one level, starting at `first`, which is always even. */
interface Row {
  readonly first: number;
  readonly hashes: readonly Hash[];
}

/** How many 1s the binary form of `size` has. By division: bit operations would cut `size` to 32 bits. */
function countOnes(size: number): number {
  let ones = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) ones += rest % 2;
  return ones;
}

function assertSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a tree cannot have ${size} leaves`);
}

/**
 * The root of a tree from its complete subtrees, widest first: joined from the right.
 *
 * @see RFC 6962 section 2.1: a tree of n leaves splits at the largest power of two below n, so what is left of the
 *   split is complete, and the ragged rest is on the right
 */
export function joinSubtrees(widestFirst: readonly Hash[]): Hash {
  let root = widestFirst.at(-1);
  if (root === undefined) return EMPTY_ROOT; // RFC 6962 section 2.1: MTH({})
  for (let i = widestFirst.length - 2; i >= 0; i--) {
    const left = widestFirst[i];
    if (left !== undefined) root = nodeHash(left, root); // RFC 6962 section 2.1
  }
  return root;
}

/** The root of the frontier's tree. Computes at most 52 hashes. */
export function frontierRoot(frontier: Frontier): Hash {
  return joinSubtrees(frontier.nodes);
}

/** The hashes of a frontier, concatenated, widest subtree first. The size is not included. */
export function encodeFrontier(frontier: Frontier): Uint8Array {
  return Buffer.concat(frontier.nodes);
}

/**
 * Decodes the output of {@link encodeFrontier}.
 *
 * @throws `store_corrupt` if the number of bytes does not fit the size
 */
export function decodeFrontier(size: number, bytes: Uint8Array): Frontier {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new SealtrailError('store_corrupt', `a stored head gives ${size} as the size of its tree`);
  }
  const count = countOnes(size);
  if (bytes.length !== count * HASH_BYTES) {
    throw new SealtrailError(
      'store_corrupt',
      `the frontier of a tree of ${size} leaves has ${count * HASH_BYTES} bytes, the stored one ${bytes.length}`,
    );
  }
  const nodes: Hash[] = [];
  for (let at = 0; at < bytes.length; at += HASH_BYTES) nodes.push(bytes.slice(at, at + HASH_BYTES));
  return { size, nodes };
}

/**
 * Adds leaves to a tree, in O(k + log n) for k leaves and n leaves before: each inner node that the new leaves
 * complete is hashed once, then the root over the frontier.
 *
 * @throws RangeError if the frontier is invalid, a leaf is not a hash, or the tree would exceed 2^53 - 1 leaves
 *
 * @example
 * const { frontier, root } = appendLeaves(EMPTY_FRONTIER, lines.map(leafHash));
 */
export function appendLeaves(frontier: Frontier, leaves: readonly Hash[]): Growth {
  assertSize(frontier.size);
  const size = frontier.size + leaves.length;
  assertSize(size);
  if (frontier.nodes.length !== countOnes(frontier.size)) throw new RangeError('the frontier does not fit its size');
  if (!leaves.every(isHash)) throw new RangeError('a leaf hash has 32 bytes');

  const rows: Row[] = [];
  const narrowestFirst: Hash[] = [];
  let oldCount = frontier.size; // complete subtrees of this level in the old tree
  let unused = frontier.nodes.length;
  let completed = leaves; // subtrees of this level that the new leaves complete
  for (let newCount = size; newCount > 0; newCount = Math.floor(newCount / 2)) {
    // An unpaired subtree of the old frontier is the left neighbour of the first completed one. With it in front, every
    // row starts at an even index, so its hashes pair up from the start.
    const old = oldCount % 2 === 1 ? frontier.nodes[--unused] : undefined;
    const hashes = old === undefined ? completed : [old, ...completed];
    rows.push({ first: old === undefined ? oldCount : oldCount - 1, hashes });
    const last = hashes.length % 2 === 1 ? hashes.at(-1) : undefined;
    if (last !== undefined) narrowestFirst.push(last);
    completed = joinPairs(hashes);
    oldCount = Math.floor(oldCount / 2);
  }

  const grown: Frontier = { size, nodes: narrowestFirst.reverse() };
  return {
    frontier: grown,
    root: frontierRoot(grown),
    node({ level, index }) {
      const row = rows[level];
      return row?.hashes[index - row.first];
    },
  };
}

/** The level above: the parents of the 1st and 2nd, 3rd and 4th, ... hash; an odd last one has no parent yet. */
function joinPairs(hashes: readonly Hash[]): Hash[] {
  const parents: Hash[] = [];
  for (let i = 0; i + 1 < hashes.length; i += 2) {
    const left = hashes[i];
    const right = hashes[i + 1];
    if (left !== undefined && right !== undefined) parents.push(nodeHash(left, right)); // RFC 6962 section 2.1
  }
  return parents;
}
