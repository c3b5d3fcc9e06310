import type { ExportManifest } from '../../contract/exports.ts';
import { EXPORT_COMPLETED, LOG_SUBMITTER, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import { manifestDigest } from '../../export/formats/manifest-digest.ts';
import { parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject } from '../../log/json.ts';
import { parseNote } from '../../log/note.ts';
import { parseProof } from '../../log/proof.ts';
import { parseRecord } from '../../log/record.ts';
import { keysOfTrail, type TrustedKeys } from '../evidence/trust.ts';
import { checkProofFile } from './proof-file.ts';

/**
 * Who vouches for a manifest. `log`: a record of the log in `_system`, under a checkpoint of a trusted key, names its digest.
 * `nobody`: there is no such record. `unknown-key`: there is one, and none of the trusted keys is for `_system`.
 */
export type Vouched = 'log' | 'nobody' | 'unknown-key';

/**
 * Checks the statement of a manifest.
 *
 * @throws `proof_mismatch`, `bad_signature`: it is not of this manifest, or does not hold. `malformed_proof`, `malformed_note`,
 *   `malformed_checkpoint`, `malformed_record`: it is none
 */
export function whoVouches(manifest: ExportManifest, trust: TrustedKeys): Vouched {
  const { statement, log, id } = manifest;
  if (statement === undefined) return 'nobody';
  const { origin } = parseCheckpoint(parseNote(parseProof(statement.proof).checkpoint).text);
  if (origin !== `${log}/${SYSTEM_TRAIL}`) throw mismatch(`the statement is of ${origin}`);
  if (keysOfTrail(trust, origin, SYSTEM_TRAIL).length === 0) return 'unknown-key';
  checkProofFile(statement.proof, statement.record, trust);
  const { submitter, event } = parseRecord(statement.record);
  const details = isObject(event.details) ? event.details : {};
  // Only the log appends to `_system`; its own records of exports name what they are of.
  if (submitter !== LOG_SUBMITTER || event.type !== EXPORT_COMPLETED || details.export !== id) {
    throw mismatch('the statement is of something else');
  }
  if (details.manifest !== manifestDigest(manifest)) throw mismatch('the manifest is not the one that the log stated');
  return 'log';
}

const mismatch = (message: string): SealtrailError => new SealtrailError('proof_mismatch', message);
