import { checkCoseReceipt } from '../../cose/receipt.ts';
import { toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { leafHash } from '../../log/hash.ts';
import { parseRecord } from '../../log/record.ts';
import { fingerprintOf, keysOfCheckpoint, type TrustedKeys, trailOf } from '../evidence/trust.ts';
import type { ProvenRecord } from './proof-file.ts';

/**
 * Checks offline that a record is in a log, by a COSE receipt (RFC 9942) and the record's line.
 *
 * @throws `malformed_proof`, `malformed_record`: it is no receipt. `bad_signature`, `proof_mismatch`: it is one, and does not hold
 */
export function checkCoseFile(receipt: Uint8Array, line: Uint8Array | string, trust: TrustedKeys): ProvenRecord {
  const keysFor = (origin: string, size: number) => keysOfCheckpoint(trust, origin, size);
  const { origin, size, index, root, key } = checkCoseReceipt(receipt, line, keysFor);
  const { seq, trail } = parseRecord(line);
  if (seq !== index || trail !== trailOf(origin)) {
    const message = `the receipt is for record ${index} of ${origin}, the record says ${seq} of ${trail}`;
    throw new SealtrailError('proof_mismatch', message);
  }
  const keys = [fingerprintOf(key.spki)];
  return { trail, seq, hash: toHex(leafHash(line)), origin, size, root: toHex(root), keys };
}
