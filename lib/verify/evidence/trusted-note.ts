import { type Checkpoint, parseCheckpoint } from '../../log/checkpoint.ts';
import { toHex } from '../../log/encoding.ts';
import { openNote, parseNote } from '../../log/note.ts';
import { fingerprintOf, keysOfCheckpoint, type TrustedKeys } from './trust.ts';

/** A checkpoint that a trusted key has signed; plain JSON. */
export interface ProvenCheckpoint {
  /** `<log name>/<trail>`. */
  readonly origin: string;
  readonly size: number;
  /** Lower-case hex, like all hashes here. */
  readonly root: string;
  /** SHA-256 fingerprints of the trusted keys that signed it. */
  readonly keys: readonly string[];
}

/** Opens a note with the keys that are trusted for its own origin at its own size. @throws `bad_signature` */
export function openTrusted(note: string, trust: TrustedKeys): { checkpoint: Checkpoint; proven: ProvenCheckpoint } {
  const checkpoint = parseCheckpoint(parseNote(note).text);
  const { origin, size } = checkpoint;
  const verifiers = keysOfCheckpoint(trust, origin, size);
  const signed = new Set(openNote(note, verifiers).verified.map(({ keyId }) => keyId));
  const keys = verifiers.filter(({ keyId }) => signed.has(keyId)).map(({ spki }) => fingerprintOf(spki));
  return { checkpoint, proven: { origin, size, root: toHex(checkpoint.root), keys } };
}
