import { checkWitnessedHead, readWitnessedHead, type WitnessedResult } from '../../contract/witnessed-head.ts';
import { fromBase64, fromHex, toHex } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES, leafHash } from '../../log/hash.ts';
import { isObject } from '../../log/json.ts';
import type { Verifier } from '../../log/note.ts';
import type { Policy } from '../../log/policy.ts';
import { parseProof } from '../../log/proof.ts';
import { parseRecord } from '../../log/record.ts';
import { checkConsistency, checkInclusion } from '../../log/tree.ts';
import { keysOfCheckpoint, type TrustedKeys, trailOf } from '../evidence/trust.ts';
import { openTrusted, type ProvenCheckpoint } from '../evidence/trusted-note.ts';

/** A record that is proven to be in a log. */
export interface ProvenRecord extends ProvenCheckpoint {
  readonly trail: string;
  readonly seq: number;
  /** Its leaf hash. */
  readonly hash: string;
}

/**
 * Checks offline that a record is in a log, from the two files that `sealtrail proof` writes.
 *
 * @param text a C2SP tlog-proof
 * @param line the record's line, without a line end
 * @throws `malformed_proof`, `malformed_note`, `malformed_checkpoint`, `malformed_record`: it is no proof. `bad_signature`,
 *   `proof_mismatch`: it is one, and does not hold
 * @example
 * const { trail, seq } = checkProofFile(proof, line, parseTrustedKeys(pem));
 */
export function checkProofFile(text: string, line: Uint8Array | string, trust: TrustedKeys): ProvenRecord {
  const proof = parseProof(text);
  const { checkpoint, proven } = openTrusted(proof.checkpoint, trust);
  const leaf = leafHash(line);
  checkInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
  // The line is vouched for by now; it must also say itself that it is the record which the proof is for.
  const { seq, trail } = parseRecord(line);
  if (seq !== proof.index || trail !== trailOf(checkpoint.origin)) {
    const place = `record ${proof.index} of ${checkpoint.origin}`;
    throw new SealtrailError('proof_mismatch', `the proof is for ${place}, the record says ${seq} of ${trail}`);
  }
  return { trail, seq, hash: toHex(leaf), ...proven };
}

/** Two checkpoints of one log, the later of which extends the earlier. */
export interface ProvenGrowth {
  readonly from: ProvenCheckpoint;
  readonly to: ProvenCheckpoint;
}

/**
 * Checks offline that one checkpoint extends another, from the file that `sealtrail proof --from` writes, which is what
 * `GET …/consistency` answers: the two notes and a consistency proof (RFC 6962 section 2.1.2).
 *
 * @param text JSON with `proof`, a list of base64 hashes, and `checkpoints`, the notes `from` and `to`
 * @param kept the signed note that someone kept from earlier, which the proof must begin with. Without it a log that shows
 *   different people different histories can prove each of them
 * @throws as {@link checkProofFile}
 */
export function checkConsistencyFile(text: string, trust: TrustedKeys, kept?: string): ProvenGrowth {
  const { proof, from, to } = parseConsistency(text);
  const older = openTrusted(from, trust);
  const newer = openTrusted(to, trust);
  if (older.checkpoint.origin !== newer.checkpoint.origin) {
    const [a, b] = [older.checkpoint.origin, newer.checkpoint.origin];
    throw new SealtrailError('proof_mismatch', `the checkpoints are of two logs, ${a} and ${b}`);
  }
  const hashes = proof.map((hash) => fromBase64(hash, 'malformed_proof', 'a hash of the proof'));
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw malformed('a hash of a proof has 32 bytes');
  const [before, after] = [older.checkpoint, newer.checkpoint];
  checkConsistency(before.size, before.root, after.size, after.root, hashes);
  if (kept !== undefined) assertSame(openTrusted(kept, trust).proven, older.proven);
  return { from: older.proven, to: newer.proven };
}

function assertSame(kept: ProvenCheckpoint, from: ProvenCheckpoint): void {
  const place = ({ origin, size }: ProvenCheckpoint): string => `${size} records of ${origin}`;
  if (kept.origin !== from.origin || kept.size !== from.size) {
    const message = `the proof begins at ${place(from)}, and the checkpoint that was kept is of ${place(kept)}`;
    throw new SealtrailError('proof_mismatch', message);
  }
  if (kept.root === from.root) return;
  const message = `two checkpoints of ${place(kept)} have different roots, and both are signed: the log has two histories. Keep both files`;
  throw new SealtrailError('proof_mismatch', message);
}

function parseConsistency(text: string): { proof: readonly string[]; from: string; to: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('a consistency proof is JSON', cause);
  }
  if (!isObject(value) || !isObject(value.checkpoints)) throw malformed('a consistency proof names two checkpoints');
  const { proof, checkpoints } = value;
  const { from, to } = checkpoints;
  if (typeof from !== 'string' || typeof to !== 'string') throw malformed('a consistency proof names two checkpoints');
  if (!Array.isArray(proof) || !proof.every((hash) => typeof hash === 'string')) {
    throw malformed('a consistency proof has a list of hashes');
  }
  return { proof, from, to };
}

/** The witnesses' verdict on a checkpoint; plain JSON. */
export interface WitnessedProof {
  /** Records of the trail under the cosigned head. */
  readonly size: number;
  /** Who cosigned it, by their names in the policy and of their keys, and when, in Unix seconds. */
  readonly by: WitnessedResult['by'];
}

/**
 * Checks offline that witnesses cosigned a head that covers a proven checkpoint, from the file that `sealtrail witnessed` writes.
 *
 * @param text JSON, as `GET …/witnessed` answers it
 * @throws `not_witnessed`, `bad_signature`, `proof_mismatch`: it is no such proof. `malformed_…`: it is none at all
 */
export function checkWitnessedFile(
  text: string,
  { origin, size, root }: ProvenCheckpoint,
  trust: TrustedKeys,
  policy: Policy,
): WitnessedProof {
  const from = { origin, size, root: fromHex(root) };
  const keysOf = (of: string, at: number): Verifier[] => keysOfCheckpoint(trust, of, at);
  const found = checkWitnessedHead(readWitnessedHead(parseJson(text)), from, keysOf, policy);
  return { size: found.size, by: found.by };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed('a cosigned head is JSON', cause);
  }
}

const malformed = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_proof', message, { cause });
