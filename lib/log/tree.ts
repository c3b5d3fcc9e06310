import { SealtrailError } from './error.ts';
import { appendLeaves, EMPTY_FRONTIER, type Growth, joinSubtrees, type NodeId } from './frontier.ts';
import { EMPTY_ROOT, type Hash, isHash, nodeHash, sameBytes } from './hash.ts';
import { isCount } from './json.ts';

export type { NodeId } from './frontier.ts';

/**
 * Reads the hashes of complete subtrees for a prover: one hash per id, in order. Wrong hashes fail when the proof is
 * checked.
 */
export type NodeReader = (ids: readonly NodeId[]) => Promise<readonly Hash[]>;

/** The leaves `[from, to)`: always a subtree in the recursions of RFC 6962, so `from` is a multiple of its width. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The root of the tree over the first `size` leaves. */
export async function treeRoot(size: number, read: NodeReader): Promise<Hash> {
  assertCount(size, 'size');
  if (size === 0) return EMPTY_ROOT;
  const [root] = await spanHashes([{ from: 0, to: size }], read);
  if (root === undefined) throw new RangeError('a tree without a root');
  return root;
}

/**
 * The audit path of a leaf, from its sibling up to a child of the root.
 *
 * @param index of the leaf, 0-based, below `size`
 * @see RFC 6962 section 2.1.1
 */
export function proveInclusion(index: number, size: number, read: NodeReader): Promise<Hash[]> {
  return proveRange(index, index + 1, size, read);
}

/**
 * The siblings of a range of leaves: RFC 6962 section 2.1.1 with a range in place of the leaf. A subtree inside the range
 * needs no proof; one outside is proven by its hash; one partly inside is proven by its halves, left first. For a single
 * leaf this is exactly the audit path.
 *
 * @param first the first leaf of the range, 0-based
 * @param end one past the last leaf; `first < end <= size`
 */
export async function proveRange(first: number, end: number, size: number, read: NodeReader): Promise<Hash[]> {
  return await spanHashes(rangeSiblings(first, end, size), read);
}

/** {@link proveRange} for new leaves of a tree that just grew, from the nodes in memory. */
export function rangeProofFrom(growth: Growth, first: number, end: number): Hash[] {
  return rangeSiblings(first, end, growth.frontier.size).map((span) => {
    const hashes = completeNodes(span).map((id) => {
      const hash = growth.node(id);
      if (hash === undefined) throw new RangeError(`the growth does not know node ${id.level}/${id.index}`);
      return hash;
    });
    return joinSubtrees(hashes);
  });
}

/**
 * The proof that the tree of `to` leaves extends the tree of `from` leaves. Empty if `from` is 0 or equals `to`.
 *
 * @see RFC 6962 section 2.1.2
 */
export async function proveConsistency(from: number, to: number, read: NodeReader): Promise<Hash[]> {
  assertCount(from, 'from');
  assertCount(to, 'to');
  if (from > to) throw new RangeError(`a tree of ${to} leaves does not extend one of ${from}`);
  return await spanHashes(from === 0 ? [] : consistencySpans(from, { from: 0, to }, true), read);
}

/**
 * Checks that a leaf is in a tree.
 *
 * @throws `malformed_proof` if the proof cannot be one of such a leaf; `proof_mismatch` if it leads to another root
 * @see RFC 6962 section 2.1.1
 */
export function checkInclusion(leaf: Hash, index: number, size: number, proof: readonly Hash[], root: Hash): void {
  checkRange([leaf], index, size, proof, root);
}

/**
 * Checks that consecutive leaves, from `first` on, are in a tree. See {@link proveRange}.
 *
 * @throws `malformed_proof`, `proof_mismatch`
 */
export function checkRange(
  leaves: readonly Hash[],
  first: number,
  size: number,
  proof: readonly Hash[],
  root: Hash,
): void {
  assertHashes([root]);
  if (!sameBytes(rangeRoot(leaves, first, size, proof), root)) {
    throw mismatch('the inclusion proof does not lead to the root');
  }
}

/**
 * The root that an inclusion proof leads to.
 *
 * @throws `malformed_proof`
 */
export const inclusionRoot = (leaf: Hash, index: number, size: number, proof: readonly Hash[]): Hash =>
  rangeRoot([leaf], index, size, proof);

function rangeRoot(leaves: readonly Hash[], first: number, size: number, proof: readonly Hash[]): Hash {
  const end = first + leaves.length;
  if (!isCount(first) || !isCount(size) || leaves.length === 0 || end > size) {
    throw malformed(`records ${first} to ${end - 1} cannot be in a tree of ${size}`);
  }
  assertHashes(leaves);
  const hashes = new ProofCursor(proof);
  const rebuild = (span: Span): Hash => {
    if (first <= span.from && span.to <= end) {
      return appendLeaves(EMPTY_FRONTIER, leaves.slice(span.from - first, span.to - first)).root;
    }
    const [left, right] = splitSpan(span);
    // RFC 6962 section 2.1.1: MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n]))
    if (end <= left.to) {
      const inner = rebuild(left);
      return nodeHash(inner, hashes.next());
    }
    if (first >= right.from) {
      const inner = rebuild(right);
      return nodeHash(hashes.next(), inner);
    }
    const inner = rebuild(left);
    return nodeHash(inner, rebuild(right));
  };
  const found = rebuild({ from: 0, to: size });
  hashes.assertEnd();
  return found;
}

/**
 * Checks that the tree with root `toRoot` extends the one with root `fromRoot`.
 *
 * @throws `malformed_proof`, `proof_mismatch`
 * @see RFC 6962 section 2.1.2; RFC 9162 section 2.1.4
 */
export function checkConsistency(from: number, fromRoot: Hash, to: number, toRoot: Hash, proof: readonly Hash[]): void {
  if (!isCount(from) || !isCount(to) || from > to) throw malformed(`a tree of ${to} cannot extend one of ${from}`);
  assertHashes([fromRoot, toRoot]);
  const hashes = new ProofCursor(proof);
  if (from === 0) {
    hashes.assertEnd();
    if (!sameBytes(fromRoot, EMPTY_ROOT)) throw mismatch('an empty tree has another root'); // RFC 6962 section 2.1
    if (to === 0 && !sameBytes(toRoot, EMPTY_ROOT)) throw mismatch('an empty tree has another root');
    return;
  }
  // RFC 6962 section 2.1.2, SUBPROOF(m, D[n], b), run backwards: each step gives the old and the new root of its span.
  const rebuild = (m: number, span: Span, known: boolean): readonly [Hash, Hash] => {
    if (m === span.to - span.from) {
      const whole = known ? fromRoot : hashes.next();
      return [whole, whole];
    }
    const [left, right] = splitSpan(span);
    const width = left.to - left.from;
    if (m <= width) {
      const [before, after] = rebuild(m, left, known);
      return [before, nodeHash(after, hashes.next())];
    }
    const [before, after] = rebuild(m - width, right, false);
    const beside = hashes.next();
    return [nodeHash(beside, before), nodeHash(beside, after)];
  };
  const [before, after] = rebuild(from, { from: 0, to }, true);
  hashes.assertEnd();
  if (!sameBytes(before, fromRoot)) throw mismatch('the consistency proof does not lead to the older root');
  if (!sameBytes(after, toRoot)) throw mismatch('the consistency proof does not lead to the newer root');
}

/**
 * The root of the leaves before a range that ends its tree, from the range's proof: that is then the complete subtrees before the
 * range, narrowest first. With a proof that {@link checkRange} has found right, the tree is an extension of the one with this root.
 *
 * @see RFC 6962 section 2.1.2: what a consistency proof shows
 */
export function rootBeforeRange(proof: readonly Hash[]): Hash {
  return joinSubtrees(proof.toReversed());
}

/** The spans whose hashes prove a range, in the proof's order. At most 2 per level of the tree. */
function rangeSiblings(first: number, end: number, size: number): Span[] {
  assertCount(first, 'first');
  assertCount(size, 'size');
  if (!Number.isSafeInteger(end) || first >= end || end > size) {
    throw new RangeError(`the range [${first}, ${end}) is not in a tree of ${size}`);
  }
  const siblings = (span: Span): Span[] => {
    if (first <= span.from && span.to <= end) return [];
    const [left, right] = splitSpan(span);
    if (end <= left.to) return [...siblings(left), right];
    if (first >= right.from) return [...siblings(right), left];
    return [...siblings(left), ...siblings(right)];
  };
  return siblings({ from: 0, to: size });
}

/** RFC 6962 section 2.1.2: the spans of SUBPROOF(m, D[n], b), in the proof's order. */
function consistencySpans(m: number, span: Span, known: boolean): Span[] {
  if (m === span.to - span.from) return known ? [] : [span];
  const [left, right] = splitSpan(span);
  const width = left.to - left.from;
  if (m <= width) return [...consistencySpans(m, left, known), right];
  return [...consistencySpans(m - width, right, false), left];
}

/** RFC 6962 section 2.1: the two halves of a span of n > 1 leaves, split at the largest power of two below n. */
export function splitSpan({ from, to }: Span): readonly [Span, Span] {
  let width = 1;
  while (width * 2 < to - from) width *= 2;
  return [
    { from, to: from + width },
    { from: from + width, to },
  ];
}

/** The complete subtrees that make up a span, widest first; their hashes joined from the right are the span's. */
function completeNodes({ from, to }: Span): NodeId[] {
  const nodes: NodeId[] = [];
  let at = from;
  while (at < to) {
    let level = 0;
    let width = 1;
    while (width * 2 <= to - at) {
      width *= 2;
      level += 1;
    }
    nodes.push({ level, index: at / width });
    at += width;
  }
  return nodes;
}

/** The hashes of spans, each joined from its complete subtrees. */
export async function spanHashes(spans: readonly Span[], read: NodeReader): Promise<Hash[]> {
  const ids = spans.map(completeNodes);
  const all = ids.flat();
  const hashes = all.length === 0 ? [] : await read(all);
  if (hashes.length !== all.length || !hashes.every(isHash))
    throw new RangeError('the reader did not return one hash per node');
  let at = 0;
  return ids.map((group) => {
    at += group.length;
    return joinSubtrees(hashes.slice(at - group.length, at));
  });
}

/** Reads the hashes of a proof one by one; too few or too many mean a proof of another shape. */
class ProofCursor {
  readonly #hashes: readonly Hash[];
  #at = 0;

  constructor(hashes: readonly Hash[]) {
    assertHashes(hashes);
    this.#hashes = hashes;
  }

  next(): Hash {
    const hash = this.#hashes[this.#at++];
    if (hash === undefined) throw malformed(`the proof is too short: it has ${this.#hashes.length} hashes`);
    return hash;
  }

  assertEnd(): void {
    if (this.#at !== this.#hashes.length) {
      throw malformed(`the proof is too long: ${this.#at} of its ${this.#hashes.length} hashes are needed`);
    }
  }
}

function assertHashes(hashes: readonly unknown[]): void {
  if (!hashes.every(isHash)) throw malformed('a hash has 32 bytes');
}

function assertCount(value: number, what: string): void {
  if (!isCount(value)) throw new RangeError(`${what} is ${value}, not a whole number from 0 to 2^53 - 1`);
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_proof', message);
const mismatch = (message: string): SealtrailError => new SealtrailError('proof_mismatch', message);
