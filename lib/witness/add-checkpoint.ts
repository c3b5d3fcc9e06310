import { type Checkpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { cosignaturesOf } from '../log/cosignature.ts';
import { fromBase64, fromDecimal, fromUtf8 } from '../log/encoding.ts';
import { SealtrailError } from '../log/error.ts';
import { EMPTY_ROOT, HASH_BYTES, type Hash, sameBytes } from '../log/hash.ts';
import { type Note, openNote, parseNote, type Verifier } from '../log/note.ts';
import { checkConsistency } from '../log/tree.ts';
import type { LogKeys } from './log-list.ts';

/** A checkpoint that a log submits to a witness (C2SP tlog-witness, "add-checkpoint"). */
export interface Submission {
  /** The size that the log believes the witness to have. */
  readonly old: number;
  /** From there to the checkpoint (RFC 6962 section 2.1.2). */
  readonly proof: readonly Hash[];
  /** The checkpoint with its signatures, verbatim. */
  readonly note: string;
  readonly parsed: Note;
  /** Undefined: it claims an empty tree with a root that is not that of the empty tree. */
  readonly checkpoint: Checkpoint | undefined;
  readonly origin: string;
}

/** Hashes that a consistency proof may have here. */
const MAX_PROOF = 63;
/** Bytes that KMS signs at once, less the two lines before the text. */
const MAX_TEXT_BYTES = 4_000;

/** A request that is answered with something else than a cosignature. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Reads the body of a request.
 *
 * @throws {@link Refused} with 400
 */
export function parseSubmission(body: Uint8Array): Submission {
  try {
    return parse(fromUtf8(body, 'malformed_note', 'the body'));
  } catch (error) {
    if (error instanceof SealtrailError) throw new Refused(400, error.message);
    throw error;
  }
}

function parse(text: string): Submission {
  const blank = text.indexOf('\n\n');
  if (blank < 0) throw new Refused(400, 'an empty line comes before the checkpoint');
  const [first = '', ...lines] = text.slice(0, blank).split('\n');
  if (!first.startsWith('old ')) throw new Refused(400, 'the first line is old and a size');
  const old = fromDecimal(first.slice(4), 'malformed_proof', 'the old size');
  if (lines.length > MAX_PROOF) throw new Refused(400, `a proof has at most ${MAX_PROOF} hashes`);
  const proof = lines.map((line) => {
    const hash = fromBase64(line, 'malformed_proof', 'a hash of the proof');
    if (hash.length !== HASH_BYTES) throw new Refused(400, 'a hash of the proof has 32 bytes');
    return hash;
  });
  const note = text.slice(blank + 2);
  const parsed = parseNote(note);
  if (Buffer.byteLength(parsed.text) > MAX_TEXT_BYTES) {
    throw new Refused(400, `a checkpoint has at most ${MAX_TEXT_BYTES} bytes here`);
  }
  const [origin = '', size, root = ''] = parsed.text.split('\n');
  // It must be answered as what it is, and only to the log itself: so late, and not as malformed.
  const isFalselyEmpty = size === '0' && !sameBytes(fromBase64(root, 'malformed_checkpoint', 'the root'), EMPTY_ROOT);
  return { old, proof, note, parsed, origin, checkpoint: isFalselyEmpty ? undefined : parseCheckpoint(parsed.text) };
}

/**
 * Checks that a log that the witness knows signed a submission.
 *
 * @throws {@link Refused} with 404 for an unknown log, 403 for signatures that do not hold
 */
export function assertSigned({ origin, note, parsed }: Submission, logs: LogKeys): void {
  const keys = logs.get(origin);
  if (keys === undefined) throw new Refused(404, 'this witness does not know the log');
  const known = parsed.signatures.filter((line) =>
    keys.some(({ name, keyId }) => name === line.name && keyId === line.keyId),
  );
  if (known.length === 0) throw new Refused(403, 'no signature is by a key of the log');
  try {
    const cosigners = keys.filter((key) => 'timeOf' in key);
    const verifiers = keys.filter((key): key is Verifier => 'verify' in key);
    const signed = cosignaturesOf(parsed.text, parsed.signatures, cosigners).length;
    if (signed < known.length) openNote(note, verifiers);
  } catch (error) {
    if (error instanceof SealtrailError && error.code === 'bad_signature') throw new Refused(403, error.message);
    if (error instanceof SealtrailError) throw new Refused(400, error.message);
    throw error;
  }
}

/**
 * Checks that a submission extends what the witness cosigned last.
 *
 * @param last undefined: it has cosigned nothing of the log yet
 * @returns the checkpoint
 * @throws {@link Refused} with 400 for an old size beyond the checkpoint, 422 for a tree that does not extend the last one. 409
 *   is decided by the caller, who knows the size to answer with
 */
export function assertGrowth({ proof, checkpoint }: Submission, last: Checkpoint | undefined): Checkpoint {
  if (checkpoint === undefined) throw new Refused(422, 'an empty tree has another root');
  if (last === undefined || last.size === 0) {
    if (proof.length > 0) throw new Refused(422, 'from the empty tree no proof is needed, and this one is not empty');
    return checkpoint;
  }
  try {
    checkConsistency(last.size, last.root, checkpoint.size, checkpoint.root, proof);
  } catch (error) {
    if (error instanceof SealtrailError) throw new Refused(422, `no consistency proof: ${error.message}`);
    throw error;
  }
  return checkpoint;
}
