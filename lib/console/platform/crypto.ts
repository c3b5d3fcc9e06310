import { sha256 } from '@noble/hashes/sha2.js';
import { type PublicKey, readPem, readSpki } from './public-key.ts';

/**
 * `node:crypto` for browsers: the one place where the log's own code meets another source of hashes. SHA-256 is synchronous, as
 * there; WebCrypto's would be a promise a record. Signatures are in signatures.ts.
 */

export { verify } from './signatures.ts';
export type KeyObject = PublicKey;

type Encoding = 'hex' | 'binary';

const utf8 = new TextEncoder();
const bytesOf = (input: Uint8Array | string): Uint8Array => (typeof input === 'string' ? utf8.encode(input) : input);

function encoded(digest: Uint8Array, encoding: Encoding): string {
  if (encoding === 'binary') return String.fromCharCode(...digest);
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** SHA-256 in one call. */
export const hash = (_algorithm: 'sha256', input: Uint8Array | string, encoding: Encoding = 'hex'): string =>
  encoded(sha256(bytesOf(input)), encoding);

/** SHA-256 of what comes in parts. */
export function createHash(_algorithm: 'sha256') {
  const state = sha256.create();
  return {
    update(input: Uint8Array | string) {
      state.update(bytesOf(input));
      return this;
    },
    digest(encoding?: 'hex'): string | Uint8Array {
      const digest = state.digest();
      return encoding === undefined ? digest : encoded(digest, encoding);
    },
  };
}

/** From PEM, or SubjectPublicKeyInfo in DER. @throws where it is neither, or of a kind that no log signs with */
export const createPublicKey = (given: string | { readonly key: Uint8Array }): PublicKey =>
  typeof given === 'string' ? readPem(given) : readSpki(given.key);

export const randomUUID = (): string => crypto.randomUUID();
