import type { VerificationKind } from '../../contract/verification.ts';
import { attributesOf } from '../../ledger/items/format.ts';
import { type Checkpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import { SealtrailError } from '../../log/error.ts';
import { openNote, parseNote, type Verifier } from '../../log/note.ts';
import type { Attribute, Item } from '../../store/ports.ts';
import type { VerificationFindings } from './ledger-report.ts';

/** Who may have signed a trail's checkpoints. */
export interface Signatories {
  readonly origin: string;
  /** The keys that sign now. */
  readonly current: readonly Verifier[];
  /** Keys that signed checkpoints up to a size, inclusive. */
  readonly retired: readonly { readonly verifier: Verifier; readonly to: number }[];
}

/**
 * A stored checkpoint, if its form, its place and its signatures are right; whether its root is, is another question.
 *
 * @see C2SP tlog-checkpoint; C2SP signed-note, Signatures: those by unknown keys are ignored
 */
export function openStored(
  item: Item,
  signatories: Signatories,
  findings: VerificationFindings,
): Checkpoint | undefined {
  const size = Number(item.sort);
  const seq = Number.isSafeInteger(size) ? { seq: size } : {};
  const flaw = (kind: VerificationKind, message: string): undefined => void findings.add({ kind, ...seq, message });
  let note: Attribute | undefined;
  let checkpoint: Checkpoint;
  try {
    ({ note } = attributesOf('checkpoint', item));
    if (typeof note !== 'string') return flaw('malformed_checkpoint', `the checkpoint at ${size} has no note`);
    checkpoint = parseCheckpoint(parseNote(note).text);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return flaw('malformed_checkpoint', error.message);
  }
  if (checkpoint.origin !== signatories.origin) return flaw('wrong_origin', `it is of another log or trail`);
  if (checkpoint.size !== size) {
    return flaw('misplaced_checkpoint', `a checkpoint of size ${checkpoint.size} stands at ${size}`);
  }
  try {
    const { current, retired } = signatories;
    const { verified } = openNote(note, [...current, ...retired.map(({ verifier }) => verifier)]);
    const late = retired.find(
      ({ verifier, to }) => to < size && verified.some(({ keyId }) => keyId === verifier.keyId),
    );
    if (late === undefined) return checkpoint;
    return flaw('retired_key', `a key that was to sign up to size ${late.to} signed a checkpoint of size ${size}`);
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
    return flaw('bad_signature', error.message);
  }
}
