import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { formatNote, type NoteSignature, type Verifier, verifierFromSpki } from '../../lib/log/note.ts';

/** A key for tests that is the same every time: Ed25519 from a seed of 32 equal bytes (RFC 8410 section 7), or P-256. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly spki: Uint8Array;
  verifier(name: string): Verifier;
  sign(name: string, text: string): NoteSignature;
}

export function ed25519Key(seed: number): TestKey {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return keyOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), null);
}

export function p256Key(scalar: number): TestKey {
  // RFC 5915 inside RFC 5958, without the public point: it follows from the scalar.
  const prefix = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420';
  const der = Buffer.concat([Buffer.from(prefix, 'hex'), Buffer.alloc(31), Buffer.of(scalar)]);
  return keyOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), 'sha256');
}

function keyOf(privateKey: KeyObject, digest: 'sha256' | null): TestKey {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  const verifier = (name: string): Verifier => verifierFromSpki(name, spki);
  return {
    privateKey,
    spki,
    verifier,
    sign: (name, text) => ({
      name,
      keyId: verifier(name).keyId,
      signature: sign(digest, Buffer.from(text), privateKey),
    }),
  };
}

/** A note by one key under one name. */
export const noteBy = (key: TestKey, name: string, text: string): string => formatNote(text, [key.sign(name, text)]);
