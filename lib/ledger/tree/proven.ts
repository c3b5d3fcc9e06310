import { SealtrailError } from '../../log/error.ts';
import type { Hash } from '../../log/hash.ts';
import { checkLeaves, proveLeaves, type ShownLeaf } from '../../log/multiproof.ts';
import {
  checkConsistency,
  checkInclusion,
  checkRange,
  type NodeReader,
  proveConsistency,
  proveInclusion,
  proveRange,
} from '../../log/tree.ts';

/** A size of a trail and the root that was signed for it. */
export interface SignedRoot {
  readonly size: number;
  readonly root: Hash;
}

/**
 * Makes an inclusion proof (RFC 6962 section 2.1.1) and checks it against the checkpoint before giving it away: a
 * damaged store shows as an error here, never as a proof that does not prove.
 *
 * @param leaf the record's leaf hash
 * @param index its sequence number, below the checkpoint's size
 * @throws `store_corrupt`
 *
 * @example
 * const proof = await provenInclusion(nodeReader(sources, 'orders'), leafHash(line), 7, checkpoint);
 */
export async function provenInclusion(read: NodeReader, leaf: Hash, index: number, to: SignedRoot): Promise<Hash[]> {
  const proof = await proveInclusion(index, to.size, read);
  assertProven(`record ${index} in ${to.size}`, () => checkInclusion(leaf, index, to.size, proof, to.root));
  return [...proof];
}

/** Makes and checks a range proof of the consecutive `leaves` from `first` on. See {@link provenInclusion}. */
export async function provenRange(
  read: NodeReader,
  leaves: readonly Hash[],
  first: number,
  to: SignedRoot,
): Promise<Hash[]> {
  const proof = await proveRange(first, first + leaves.length, to.size, read);
  assertProven(`records from ${first} in ${to.size}`, () => checkRange(leaves, first, to.size, proof, to.root));
  return [...proof];
}

/** Makes and checks one proof of several leaves, ascending and at least one. See {@link provenInclusion}. */
export async function provenLeaves(read: NodeReader, leaves: readonly ShownLeaf[], to: SignedRoot): Promise<Hash[]> {
  const indexes = leaves.map(({ index }) => index);
  const proof = await proveLeaves(indexes, to.size, read);
  assertProven(`${leaves.length} records from ${indexes[0]} in ${to.size}`, () =>
    checkLeaves(leaves, to.size, proof, to.root),
  );
  return proof;
}

/** Makes and checks a consistency proof (RFC 6962 section 2.1.2). See {@link provenInclusion}. */
export async function provenConsistency(read: NodeReader, from: SignedRoot, to: SignedRoot): Promise<Hash[]> {
  const proof = await proveConsistency(from.size, to.size, read);
  assertProven(`size ${from.size} in ${to.size}`, () =>
    checkConsistency(from.size, from.root, to.size, to.root, proof),
  );
  return [...proof];
}

function assertProven(what: string, check: () => void): void {
  try {
    check();
  } catch (cause) {
    const message = `the stored tree does not give the root that was signed: no proof of ${what}`;
    throw new SealtrailError('store_corrupt', message, { cause });
  }
}
