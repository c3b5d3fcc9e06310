import { SealtrailError } from './error.ts';
import { appendLeaves, EMPTY_FRONTIER } from './frontier.ts';
import { type Hash, isHash, nodeHash, sameBytes } from './hash.ts';
import { isCount } from './json.ts';
import { type NodeReader, type Span, spanHashes, splitSpan } from './tree.ts';

/**
 * Proofs of several leaves of one tree at once. A subtree without any of them is proven by its hash; one that consists of them
 * needs nothing; any other is proven by its halves, left first, but one without any last (RFC 6962 section 2.1). For consecutive leaves that is the range
 * proof of `proveRange`, and for one its audit path.
 */

/** The hashes that prove leaves: ascending indexes, none twice, at least one. */
export async function proveLeaves(indexes: readonly number[], size: number, read: NodeReader): Promise<Hash[]> {
  if (!isAscending(indexes, size)) throw new RangeError(`no such leaves of a tree of ${size}`);
  const siblings: Span[] = [];
  visit({ from: 0, to: size }, 0, indexes.length);
  return spanHashes(siblings, read);

  function visit(span: Span, low: number, high: number): void {
    if (low === high) siblings.push(span);
    else if (high - low < span.to - span.from) {
      const [left, right] = splitSpan(span);
      const middle = firstFrom(indexes, right.from, low, high);
      // A half without any comes after the other, so that for one leaf this is its audit path.
      if (low === middle) visit(right, middle, high);
      visit(left, low, middle);
      if (low < middle) visit(right, middle, high);
    }
  }
}

/** A leaf and its index. */
export interface ShownLeaf {
  readonly index: number;
  readonly hash: Hash;
}

/**
 * Checks that leaves are in a tree.
 *
 * @param shown ascending, none twice, at least one
 * @throws `malformed_proof`, `proof_mismatch`
 */
export function checkLeaves(shown: readonly ShownLeaf[], size: number, proof: readonly Hash[], root: Hash): void {
  const indexes = shown.map(({ index }) => index);
  if (!isCount(size) || !isAscending(indexes, size)) throw malformed('the leaves of a proof are not in order');
  if (!proof.every(isHash) || !shown.every(({ hash }) => isHash(hash))) throw malformed('a hash has 32 bytes');
  let used = 0;
  const next = (): Hash => {
    const hash = proof[used++];
    if (hash === undefined) throw malformed(`the proof is too short: it has ${proof.length} hashes`);
    return hash;
  };
  const rebuild = (span: Span, low: number, high: number): Hash => {
    if (low === high) return next();
    if (high - low === span.to - span.from) {
      return appendLeaves(
        EMPTY_FRONTIER,
        shown.slice(low, high).map(({ hash }) => hash),
      ).root;
    }
    const [left, right] = splitSpan(span);
    const middle = firstFrom(indexes, right.from, low, high);
    const after = low === middle ? rebuild(right, middle, high) : undefined;
    const before = rebuild(left, low, middle);
    return nodeHash(before, after ?? rebuild(right, middle, high));
  };
  const found = rebuild({ from: 0, to: size }, 0, shown.length);
  if (used !== proof.length) throw malformed(`the proof is too long: ${used} of its ${proof.length} hashes are needed`);
  if (!sameBytes(found, root)) throw new SealtrailError('proof_mismatch', 'the proof does not lead to the root');
}

/** The first place from `low` on whose index is at least `from`. */
function firstFrom(indexes: readonly number[], from: number, low: number, high: number): number {
  let [a, b] = [low, high];
  while (a < b) {
    const middle = (a + b) >>> 1;
    if ((indexes[middle] ?? 0) < from) a = middle + 1;
    else b = middle;
  }
  return a;
}

const isAscending = (indexes: readonly number[], size: number): boolean =>
  indexes.length > 0 &&
  indexes.every((index, n) => isCount(index) && index < size && (n === 0 || index > (indexes[n - 1] ?? 0)));

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_proof', message);
