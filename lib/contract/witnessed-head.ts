import { type Checkpoint, openCheckpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { fromBase64 } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { HASH_BYTES, type Hash, leafHash, sameBytes } from '../log/hash.ts';
import { isCount, isObject } from '../log/json.ts';
import { parseNote, type Verifier } from '../log/note.ts';
import { evaluatePolicy, type Policy, type WitnessedBy } from '../log/policy.ts';
import { checkConsistency, checkInclusion } from '../log/tree.ts';
import { headStatement } from './head-statement.ts';
import { HEADS_TRAIL } from './system-trails.ts';

/**
 * The way from a checkpoint of a trail to cosignatures: the checkpoint is extended by a later one (`checkpoint`), which a record
 * of `_heads` states (`statement`), which is under a checkpoint of `_heads` that witnesses cosigned (`heads`). For `_heads`
 * itself the later one is the cosigned one, and there is no statement.
 */
export interface WitnessedHead {
  readonly format: 'sealtrail-witnessed/1';
  readonly trail: string;
  /** Records of the checkpoint that it leads from. */
  readonly from: number;
  /** Consistency proof from there to `checkpoint` (RFC 6962 section 2.1.2), in base64. */
  readonly proof: readonly string[];
  /** The later checkpoint, a signed note. */
  readonly checkpoint: string;
  readonly statement?: {
    /** The record of `_heads`. */
    readonly line: string;
    /** Its inclusion proof under `heads`, in base64. */
    readonly proof: readonly string[];
  };
  /** The checkpoint of `_heads` with the cosignatures. */
  readonly heads: string;
}

/** The result of a valid {@link WitnessedHead}. */
export interface WitnessedResult {
  /** Records of the trail that the cosigned head covers. */
  readonly size: number;
  /** Records of `_heads` under the cosigned checkpoint. */
  readonly heads: number;
  /** Who cosigned, of the policy's witnesses. */
  readonly by: readonly WitnessedBy[];
}

/** The longest proof in a tree of 2^53 leaves. */
const MAX_HASHES = 128;

/**
 * Reads what `GET /v1/trails/{trail}/witnessed` answers.
 *
 * @throws `malformed_proof` where it does not have the shape
 */
export function readWitnessedHead(value: unknown): WitnessedHead {
  if (!isWitnessedHead(value)) {
    throw new SealtrailError('malformed_proof', 'this is no cosigned head (sealtrail-witnessed/1)');
  }
  return value;
}

function isWitnessedHead(value: unknown): value is WitnessedHead {
  if (!isObject(value)) return false;
  const { format, trail, from, proof, checkpoint, statement, heads } = value;
  return (
    format === 'sealtrail-witnessed/1' &&
    typeof trail === 'string' &&
    isCount(from) &&
    isHashes(proof) &&
    typeof checkpoint === 'string' &&
    typeof heads === 'string' &&
    (statement === undefined ||
      (isObject(statement) && typeof statement.line === 'string' && isHashes(statement.proof)))
  );
}

const isHashes = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= MAX_HASHES && value.every((hash) => typeof hash === 'string');

/**
 * Checks that witnesses cosigned a head that covers a checkpoint.
 *
 * @param from a checkpoint whose signature has been checked
 * @param trust the trusted keys of a checkpoint, by its origin and size
 * @param policy which witnesses are enough
 * @throws `not_witnessed` if they are not; `proof_mismatch`, `bad_signature`, `malformed_proof`, `malformed_note`,
 *   `malformed_checkpoint`, `malformed_record`: it does not lead from the checkpoint to the cosignatures
 *
 * @example
 * const checkpoint = checkReceipt(receipt, sent, trust);
 * const { by } = checkWitnessedHead(head, checkpoint, trust, parsePolicy(policyText));
 */
export function checkWitnessedHead(
  head: WitnessedHead,
  from: Checkpoint,
  trust: (origin: string, size: number) => readonly Verifier[],
  policy: Policy,
): WitnessedResult {
  const newer = open(head.checkpoint, trust);
  if (newer.origin !== from.origin) throw mismatch(`it is of ${newer.origin}, not of ${from.origin}`);
  if (newer.size < from.size) throw mismatch(`it is of ${newer.size} records, fewer than ${from.size}`);
  checkConsistency(from.size, from.root, newer.size, newer.root, hashesOf(head.proof));
  const heads = open(head.heads, trust);
  const headsOrigin = `${from.origin.slice(0, from.origin.lastIndexOf('/'))}/${HEADS_TRAIL}`;
  if (heads.origin !== headsOrigin)
    throw mismatch(`the cosigned checkpoint is of ${heads.origin}, not of ${headsOrigin}`);
  if (newer.origin === headsOrigin) assertSame(newer, heads);
  else assertStated(head, newer, heads);
  const { isValid, by } = evaluatePolicy(policy, head.heads);
  if (!isValid) {
    const who = by.length === 0 ? 'no witness of the policy' : `only ${by.map(({ witness }) => witness).join(', ')}`;
    throw new SealtrailError('not_witnessed', `${who} cosigned the head, which is not what the policy asks for`);
  }
  return { size: newer.size, heads: heads.size, by };
}

/** The record must state just this checkpoint, and be under the cosigned one. */
function assertStated({ statement }: WitnessedHead, newer: Checkpoint, heads: Checkpoint): void {
  if (statement === undefined) throw mismatch('no record of _heads states the checkpoint');
  const stated = headStatement(statement.line);
  const trail = newer.origin.slice(newer.origin.lastIndexOf('/') + 1);
  if (stated?.trail !== trail || stated.size !== newer.size || !sameBytes(stated.root, newer.root)) {
    throw mismatch('the record of _heads states another checkpoint');
  }
  checkInclusion(leafHash(statement.line), stated.seq, heads.size, hashesOf(statement.proof), heads.root);
}

function assertSame(newer: Checkpoint, heads: Checkpoint): void {
  if (newer.size !== heads.size || !sameBytes(newer.root, heads.root)) {
    throw mismatch('the checkpoint of _heads is another than the cosigned one');
  }
}

function open(note: string, trust: (origin: string, size: number) => readonly Verifier[]): Checkpoint {
  // Not believed before openCheckpoint says so: it only tells which keys to look for.
  const { origin, size } = parseCheckpoint(parseNote(note).text);
  return openCheckpoint(note, origin, trust(origin, size));
}

function hashesOf(proof: readonly string[]): Hash[] {
  return proof.map((text) => {
    const hash = fromBase64(text, 'malformed_proof', 'a hash of the proof');
    if (hash.length !== HASH_BYTES) throw new SealtrailError('malformed_proof', 'a hash of a proof has 32 bytes');
    return hash;
  });
}

const mismatch = (reason: string): SealtrailError =>
  new SealtrailError('proof_mismatch', `the cosigned head does not belong to the checkpoint: ${reason}`);
