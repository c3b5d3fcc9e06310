import { coseReceipt } from '../cose/receipt.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { provenInclusion } from '../ledger/tree/proven.ts';
import { parseCheckpoint } from '../log/checkpoint.ts';
import { SealtrailError } from '../log/error.ts';
import { leafHash } from '../log/hash.ts';
import { parseNote } from '../log/note.ts';
import type { NodeReader } from '../log/tree.ts';
import type { Signer } from '../store/ports.ts';

/** The sources that receipts are made from. */
interface ReceiptSources {
  readonly ledger: Pick<Ledger, 'record' | 'checkpoint' | 'verifiers' | 'origin'>;
  readonly nodes: (trail: string) => NodeReader;
  readonly signers: readonly Signer[];
}

/**
 * Signs a COSE receipt of a record, under the root of the newest checkpoint. No other root is signed, so a receipt says nothing that
 * the log has not signed already.
 *
 * @throws `not_found`: no such record. `unavailable`: no checkpoint covers it yet. `signer_unavailable`, `store_corrupt`; the
 *   Table's errors
 */
export async function signCoseReceipt(
  { ledger, nodes, signers }: ReceiptSources,
  trail: string,
  seq: number,
): Promise<Uint8Array> {
  const line = await ledger.record(trail, seq);
  if (line === undefined) throw new SealtrailError('not_found', `trail ${trail} has no record ${seq}`);
  const checkpoint = await ledger.checkpoint(trail);
  if (checkpoint === undefined || checkpoint.size <= seq) {
    const message = 'no checkpoint covers the record yet: try again in a second';
    throw new SealtrailError('unavailable', message, { retryAfter: 1 });
  }
  const { size, root } = parseCheckpoint(parseNote(checkpoint.note).text);
  const path = await provenInclusion(nodes(trail), leafHash(line), seq, { size, root });
  // The key that has signed longest: while keys are rotated, those who check receipts know it for certain.
  const [signer] = signers;
  const [verifier] = await ledger.verifiers(trail);
  if (signer === undefined || verifier === undefined) throw new RangeError('a log without signers signs no receipts');
  const inclusion = { origin: ledger.origin(trail), size, index: seq, path, root };
  return coseReceipt(inclusion, verifier, (message) => signer.sign(message));
}
