import { sign } from 'node:crypto';
import { formatNote, type NoteSignature, type Verifier, verifierFromSpki } from '../../lib/log/note.ts';
import * as keys from '../support/keys.ts';

/** A key that signs notes. */
export interface NoteKey extends keys.TestKey {
  verifier(name: string): Verifier;
  sign(name: string, text: string): NoteSignature;
}

export const ed25519Key = (seed: number): NoteKey => noteKey(keys.ed25519Key(seed));
export const p256Key = (scalar: number): NoteKey => noteKey(keys.p256Key(scalar));

function noteKey(key: keys.TestKey): NoteKey {
  const verifier = (name: string): Verifier => verifierFromSpki(name, key.spki);
  return {
    ...key,
    verifier,
    sign: (name, text) => ({
      name,
      keyId: verifier(name).keyId,
      signature: sign(key.hash, Buffer.from(text), key.privateKey),
    }),
  };
}

/** A note by one key under one name. */
export const noteBy = (key: NoteKey, name: string, text: string): string => formatNote(text, [key.sign(name, text)]);
