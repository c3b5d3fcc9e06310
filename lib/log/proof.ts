import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { fromBase64, fromDecimal, toBase64 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { HASH_BYTES, type Hash } from './hash.ts';
import { parseNote, type Verifier } from './note.ts';
import { checkInclusion } from './tree.ts';

/** A proof that a record is in a log, in one file (C2SP tlog-proof). */
export interface TlogProof {
  /** The record's number, 0-based. */
  readonly index: number;
  /** Audit path, from the leaf's sibling to the root's child (RFC 6962 section 2.1.1). */
  readonly hashes: readonly Hash[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
  /** Opaque and not authenticated; never empty. */
  readonly extra?: Uint8Array;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
/** The longest audit path of a tree of 2^53 leaves. */
const MAX_HASHES = 53;

/**
 * Formats a proof as text.
 *
 * @see C2SP tlog-proof, "Format"
 */
export function formatProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  if (!Number.isSafeInteger(index) || index < 0) throw malformed(`a record cannot have the number ${index}`);
  if (extra?.length === 0) throw malformed('extra data that is empty is left out');
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map((hash) => toBase64(hash)),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/**
 * Parses the text of a proof; {@link checkProof} checks it.
 *
 * @throws `malformed_proof`, `malformed_note`
 */
export function parseProof(text: string): TlogProof {
  const blank = text.indexOf('\n\n');
  if (blank < 0) throw malformed('a proof has an empty line before its checkpoint');
  const lines = text.slice(0, blank).split('\n');
  const checkpoint = text.slice(blank + 2);
  if (lines.shift() !== HEADER) throw malformed(`a proof begins with the line ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ')
    ? fromBase64(String(lines.shift()).slice(6), 'malformed_proof', 'the extra data')
    : undefined;
  const [index = '', ...encoded] = lines;
  if (extra?.length === 0) throw malformed('extra data that is empty is left out'); // C2SP tlog-proof, "Format"
  if (!index.startsWith('index ')) throw malformed('a proof names the index of the record');
  if (encoded.length > MAX_HASHES) throw malformed(`a proof has at most ${MAX_HASHES} hashes`);
  const hashes = encoded.map((line) => {
    const hash = fromBase64(line, 'malformed_proof', 'a hash of the proof');
    if (hash.length !== HASH_BYTES) throw malformed('a hash of a proof has 32 bytes');
    return hash;
  });
  parseNote(checkpoint);
  const proof = { index: fromDecimal(index.slice(6), 'malformed_proof', 'the index'), hashes, checkpoint };
  return extra === undefined ? proof : { ...proof, extra };
}

/**
 * Checks that a proof shows a record to be in a log.
 *
 * @param leaf the record's leaf hash: `leafHash` of its line
 * @returns the checkpoint that the proof leads to
 * @throws `bad_signature`, `malformed_note`, `malformed_checkpoint`, `malformed_proof`, `proof_mismatch`
 * @see C2SP tlog-proof, "Verifying a tlog proof"
 */
export function checkProof(proof: TlogProof, leaf: Hash, origin: string, verifiers: readonly Verifier[]): Checkpoint {
  const checkpoint = openCheckpoint(proof.checkpoint, origin, verifiers);
  checkInclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root);
  return checkpoint;
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_proof', message);
