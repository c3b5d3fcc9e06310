import { sha256 } from '@noble/hashes/sha2.js';
import type { PublicKey } from './public-key.ts';

/**
 * Signatures by WebCrypto, which answers later, for code that asks and needs an answer at once. {@link verify} answers what is
 * known by now. Of anything else it keeps the question and says no, and {@link settled} does not let such a run count: it asks
 * WebCrypto and runs the check again, until a run has met no open question. So a result never rests on an answer that was not there.
 */

interface Question {
  readonly key: PublicKey;
  readonly message: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

const answers = new Map<string, boolean>();
const open = new Map<string, Question>();
/** Counts questions that had no answer, so that a run knows whether it met one. */
let misses = 0;
/** More would be a leak rather than a log. */
const MAX_ANSWERS = 200_000;

/** Node's `verify`, as far as it is known: see above. */
export function verify(_digest: 'sha256' | null, message: Uint8Array, key: PublicKey, signature: Uint8Array): boolean {
  const id = idOf(message, key, signature);
  const known = answers.get(id);
  if (known !== undefined) return known;
  misses++;
  open.set(id, { key, message: Uint8Array.from(message), signature: Uint8Array.from(signature) });
  return false;
}

/**
 * Runs a check that may ask about signatures, until all of its questions were answered.
 *
 * @param check gives the same result each time it is run, apart from what signatures it is told to hold
 * @throws what the last run throws; an error where this browser cannot check a kind of signature
 */
export async function settled<T>(check: () => T | Promise<T>): Promise<T> {
  for (;;) {
    const before = misses;
    let outcome: { readonly result: T } | { readonly error: unknown };
    try {
      outcome = { result: await check() };
    } catch (error) {
      outcome = { error };
    }
    if (misses === before) {
      if ('error' in outcome) throw outcome.error;
      return outcome.result;
    }
    await answerAll();
  }
}

async function answerAll(): Promise<void> {
  if (answers.size > MAX_ANSWERS) answers.clear();
  const asked = [...open];
  const held = await Promise.all(asked.map(([, question]) => holds(question)));
  for (const [at, [id]] of asked.entries()) {
    answers.set(id, held[at] ?? false);
    open.delete(id);
  }
}

async function holds({ key, message, signature }: Question): Promise<boolean> {
  if (key.asymmetricKeyType === 'ec') return holdsEcdsa({ key, message, signature });
  const name = key.asymmetricKeyType === 'ed25519' ? 'Ed25519' : 'ML-DSA-44';
  const imported = await importKey(key, { name });
  return imported !== undefined && crypto.subtle.verify(name, imported, signature, message);
}

async function holdsEcdsa({ key, message, signature }: Question): Promise<boolean> {
  const raw = rawSignature(signature);
  const imported = await importKey(key, { name: 'ECDSA', namedCurve: 'P-256' });
  if (raw === undefined || imported === undefined) return false;
  return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, imported, raw, message);
}

/** Undefined for bytes that are no key, such as a point that is not on its curve: nothing is signed by it. */
async function importKey({ spki }: PublicKey, algorithm: { readonly name: string; readonly namedCurve?: string }) {
  try {
    return await crypto.subtle.importKey('spki', Uint8Array.from(spki), algorithm, false, ['verify']);
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'NotSupportedError') {
      throw new Error(`this browser cannot check signatures by ${algorithm.name}: use the command line`, { cause });
    }
    return undefined;
  }
}

const COORDINATE_BYTES = 32;

/** WebCrypto takes r and s of 32 bytes each, notes carry ASN.1 DER (RFC 3279 section 2.2.3). Undefined: it is not that. */
function rawSignature(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return undefined;
  const raw = new Uint8Array(2 * COORDINATE_BYTES);
  let at = 2;
  for (const end of [COORDINATE_BYTES, 2 * COORDINATE_BYTES]) {
    const length = der[at + 1] ?? 0;
    const integer = der.subarray(at + 2, at + 2 + length);
    if (der[at] !== 0x02 || integer.length !== length || !isLeastForm(integer)) return undefined;
    const digits = integer[0] === 0 ? integer.subarray(1) : integer;
    if (digits.length > COORDINATE_BYTES) return undefined;
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  return at === der.length ? raw : undefined;
}

/** A positive INTEGER in as few bytes as it takes (X.690 section 8.3.2). */
function isLeastForm(integer: Uint8Array): boolean {
  const [first, second = 0x80] = integer;
  return first !== undefined && first < 0x80 && (first !== 0 || second >= 0x80);
}

function idOf(message: Uint8Array, key: PublicKey, signature: Uint8Array): string {
  const state = sha256.create();
  for (const part of [key.spki, signature, message]) state.update(sha256(part));
  return Array.from(state.digest(), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
