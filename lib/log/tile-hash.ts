import { hash } from 'node:crypto';
import { HASH_BYTES } from './hash.ts';

/**
 * Hashing of whole tiles as one row of bytes, as stored in the archive. Elsewhere in this folder each hash is an object;
 * an archive has three hashes per record, so here the objects would cost as much as the hashing.
 */

/** Writes the hash of `input` at byte `at`. One-byte text is the fastest way out of node:crypto. */
function hashInto(row: Buffer, at: number, input: Uint8Array): void {
  row.write(hash('sha256', input, 'binary'), at, 'latin1');
}

/**
 * The leaf hashes of record lines, concatenated.
 *
 * @param leaves each a line with its prefix 0x00, ready to be hashed (RFC 6962 section 2.1)
 */
export function hashLeaves(leaves: readonly { readonly leaf: Uint8Array }[]): Buffer {
  const row = Buffer.allocUnsafe(leaves.length * HASH_BYTES);
  for (let i = 0; i < leaves.length; i++) {
    const line = leaves[i];
    if (line !== undefined) hashInto(row, i * HASH_BYTES, line.leaf); // RFC 6962 section 2.1: SHA-256(0x00 || leaf)
  }
  return row;
}

// Reused for every node; nothing here awaits, so no two hashes overlap.
const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES);
nodeInput[0] = 0x01; // RFC 6962 section 2.1: the prefix of a node

/**
 * The root of a complete subtree.
 *
 * @param row the concatenated hashes of its leaves, a power of two in number
 */
export function completeRoot(row: Uint8Array): Buffer {
  return completeRows(row).at(-1) ?? Buffer.alloc(0);
}

/**
 * All hashes of a complete subtree, level by level, from its leaves to its root.
 *
 * @param row the concatenated hashes of its leaves, a power of two in number
 */
export function completeRows(row: Uint8Array): Buffer[] {
  let below = Buffer.from(row.buffer, row.byteOffset, row.length);
  const rows = [below];
  while (below.length > HASH_BYTES) {
    const above = Buffer.allocUnsafe(below.length / 2);
    for (let at = 0; at < above.length; at += HASH_BYTES) {
      below.copy(nodeInput, 1, at * 2, at * 2 + 2 * HASH_BYTES);
      hashInto(above, at, nodeInput); // RFC 6962 section 2.1: SHA-256(0x01 || left || right)
    }
    rows.push(above);
    below = above;
  }
  return rows;
}
