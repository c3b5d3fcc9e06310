import { type Checkpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import { isMlDsaLine } from '../../log/cosignature.ts';
import { fromUtf8, toUtf8 } from '../../log/encoding.ts';
import { SealtrailError } from '../../log/error.ts';
import { type NoteSignature, parseNote, type Verifier } from '../../log/note.ts';
import { quoted } from '../report/findings.ts';
import type { ProblemKind } from '../report/problem.ts';
import { keyIdText, type TrailKey } from './trust.ts';

/** The expected place of a checkpoint, and its possible signers. */
export interface Expectation {
  readonly origin: string;
  /** The size that its name gives; absent: any. */
  readonly size?: number;
  /** Keys that are trusted for the trail. Where there is none, signatures are not judged. */
  readonly trusted: readonly TrailKey[];
  /** Keys that the archive holds besides: not trusted, but their signatures must hold. */
  readonly known: readonly Verifier[];
}

/** The result of reading a checkpoint. */
export interface Judged {
  /** Undefined where it does not parse or is another log's. */
  readonly checkpoint?: Checkpoint;
  /** True if a key signed it that is trusted at its size, and nothing is wrong with it. */
  readonly trusted: boolean;
  /** Key IDs of the keys whose signature holds. */
  readonly signedBy: readonly number[];
  readonly flaws: readonly { readonly kind: ProblemKind; readonly message: string }[];
}

/**
 * Judges a checkpoint by itself: its form, its place, its signatures. Whether its root is right is another question.
 *
 * @see C2SP tlog-checkpoint; C2SP signed-note, "Signatures": signatures by unknown keys are ignored
 */
export function judgeCheckpoint(bytes: Uint8Array, expected: Expectation): Judged {
  try {
    const { text, signatures } = parseNote(fromUtf8(bytes, 'malformed_note', 'the note'));
    return judgeParsed(parseCheckpoint(text), toUtf8(text), signatures, expected);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return unsigned('malformed_checkpoint', error.message);
  }
}

function judgeParsed(
  checkpoint: Checkpoint,
  message: Uint8Array,
  signatures: readonly NoteSignature[],
  { origin, size, trusted, known }: Expectation,
): Judged {
  if (checkpoint.origin !== origin) {
    return unsigned('wrong_origin', `the checkpoint is of ${quoted(checkpoint.origin)}, not of ${quoted(origin)}`);
  }
  if (size !== undefined && checkpoint.size !== size) {
    return unsigned('misplaced_checkpoint', `the checkpoint is of size ${checkpoint.size}, its name says ${size}`);
  }
  const flaws: { kind: ProblemKind; message: string }[] = [];
  const signedBy: number[] = [];
  let isTrusted = false;
  let isRetired = false;
  for (const { name, keyId, signature } of signatures) {
    const ours = trusted.filter(({ verifier }) => verifier.name === name && verifier.keyId === keyId);
    const others = known.filter((verifier) => verifier.name === name && verifier.keyId === keyId);
    if (ours.length === 0 && others.length === 0) continue;
    const holding = ours.filter(({ verifier }) => verifier.verify(message, signature));
    // A key ID is 32 bits: a key that is not trusted must not stand in for one that is.
    const holds = ours.length > 0 ? holding.length > 0 : others.some((other) => other.verify(message, signature));
    if (!holds) {
      flaws.push({ kind: 'bad_signature', message: `the signature by the key ${keyIdText(keyId)} does not hold` });
      continue;
    }
    signedBy.push(keyId);
    if (holding.some(({ from, to }) => from <= checkpoint.size && checkpoint.size <= to)) isTrusted = true;
    else if (holding.length > 0 && holding.every(({ to }) => to < checkpoint.size)) {
      isRetired = true;
      const retired = `the key ${keyIdText(keyId)} signed a checkpoint of size ${checkpoint.size}, after its end`;
      flaws.push({ kind: 'retired_key', message: retired });
    }
  }
  if (trusted.length > 0 && !isTrusted && !isRetired && flaws.length === 0) {
    flaws.push({ kind: 'unknown_key', message: 'no key that is trusted at this size has signed the checkpoint' });
  }
  return {
    checkpoint,
    trusted: isTrusted && flaws.length === 0,
    signedBy,
    flaws: [...flaws, ...extras(checkpoint, signatures, { trusted, known })],
  };
}

/** Reports lines that should not be there, though the valid signatures hold. */
function extras(
  { origin, extensions = [] }: Checkpoint,
  signatures: readonly NoteSignature[],
  { trusted, known }: Pick<Expectation, 'trusted' | 'known'>,
): Judged['flaws'] {
  const keyIds = new Set([...trusted.map(({ verifier }) => verifier), ...known].map(({ keyId }) => keyId));
  // Lines under other names are those of witnesses (C2SP tlog-cosignature).
  // And those of the log's ML-DSA-44 key are judged where that is given.
  const strange = signatures.filter((line) => line.name === origin && !keyIds.has(line.keyId) && !isMlDsaLine(line));
  const lines = strange.map(({ keyId }) => ({
    kind: 'unknown_key' as const,
    message: `a signature line under the log’s own name is by the key ${keyIdText(keyId)}, which is neither trusted nor in keys/`,
  }));
  const more = `the checkpoint has lines beyond size and root: ${extensions.map(quoted).join(', ')}`;
  return [
    // Who knows no key of the log knows no strange one either.
    ...(trusted.length > 0 && known.length > 0 ? lines : []),
    ...(extensions.length > 0 ? [{ kind: 'extension_lines' as const, message: more }] : []),
  ];
}

const unsigned = (kind: ProblemKind, message: string): Judged => ({
  trusted: false,
  signedBy: [],
  flaws: [{ kind, message }],
});
