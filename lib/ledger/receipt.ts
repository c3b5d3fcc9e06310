import type { Receipt } from '../contract/receipt.ts';
import { toBase64, toHex } from '../log/encoding.ts';
import type { Growth } from '../log/frontier.ts';
import { rangeProofFrom } from '../log/tree.ts';
import type { StoredCheckpoint } from './checkpoints.ts';
import type { Block } from './items/block.ts';

/** A receipt with the record lines. */
export interface LedgerReceipt extends Receipt {
  readonly lines: readonly string[];
}

/**
 * Makes the receipt of events that were just sealed.
 *
 * @param sealed the block that holds them, and how the tree grew with it
 * @param first sequence number of the first event
 * @param checkpoint of the tree with the block; undefined where there is none yet
 */
export function receiptOf(
  { events }: { readonly events: readonly { readonly id: string }[] },
  { block, growth }: { readonly block?: Block; readonly growth?: Growth },
  first: number,
  checkpoint: StoredCheckpoint | undefined,
): LedgerReceipt {
  if (block === undefined || growth === undefined) throw new RangeError('a commit without a block has no receipt');
  const { trail, receivedAt } = block;
  const count = events.length;
  const at = first - block.first;
  const sealed = events.map(({ id }, index) => {
    const leaf = block.leaves[at + index];
    if (leaf === undefined) throw new RangeError('a block shorter than its events');
    return { seq: first + index, id, hash: toHex(leaf) };
  });
  const lines = block.lines.slice(at, at + count);
  const receipt = { trail, first, count, receivedAt, events: sealed, lines, replayed: false };
  if (checkpoint === undefined) return { ...receipt, sealed: false };
  const proof = rangeProofFrom(growth, first, first + count).map(toBase64);
  return { ...receipt, sealed: true, checkpoint: checkpoint.note, proof };
}
