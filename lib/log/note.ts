import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase64, fromHex, toBase64, toHex, toUtf8 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { sameBytes, sha256 } from './hash.ts';

/** Ed25519 (RFC 8032), or ECDSA on NIST P-256 with SHA-256. */
export type KeyAlgorithm = 'ed25519' | 'ecdsa-p256';

/** A named public key (C2SP signed-note). */
export interface Verifier {
  /** For a checkpoint's key: the origin. */
  readonly name: string;
  /** Unsigned 32-bit; a hint at the key, not a secure hash. */
  readonly keyId: number;
  readonly algorithm: KeyAlgorithm;
  /** C2SP signed-note, "Verifier keys". */
  readonly vkey: string;
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Uint8Array;
  /** True if the signature over the message is by this key. Never throws: a malformed signature is just not valid. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** One signature line of a note. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  /** Without the leading key ID. */
  readonly signature: Uint8Array;
}

/** A parsed note, not verified. */
export interface Note {
  /** Includes its final newline, which is signed too. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note with at least one valid signature by a trusted key. */
export interface OpenedNote {
  readonly text: string;
  /** Valid signatures by trusted keys. */
  readonly verified: readonly NoteSignature[];
  /** Signatures by other keys; they prove nothing. */
  readonly unknown: readonly NoteSignature[];
}

/** Signature types (C2SP signed-note, "Signature types"). */
const TYPE: Readonly<Record<KeyAlgorithm, number>> = { ed25519: 0x01, 'ecdsa-p256': 0x02 };
/** DER of SubjectPublicKeyInfo before the 32 bytes of an Ed25519 key (RFC 8410 section 4). */
export const ED25519_SPKI_PREFIX = fromHex('302a300506032b6570032100');
const ED25519_KEY_BYTES = 32;
/** DER of SubjectPublicKeyInfo before the 64 bytes of an uncompressed point on P-256 (RFC 5480 sections 2.1.1 and 2.2). */
const P256_SPKI_PREFIX = fromHex('3059301306072a8648ce3d020106082a8648ce3d03010703420004');
/** C2SP signed-note requires accepting at least 16 signatures and advises a limit. */
const MAX_SIGNATURES = 100;
const MAX_NOTE_CHARACTERS = 1_000_000;

/**
 * Makes a verifier from a public key in SubjectPublicKeyInfo DER.
 *
 * @param name the key's name; for a checkpoint the origin, `<log name>/<trail>`
 * @throws `malformed_key` when the name is not allowed or the key is not Ed25519 or P-256
 */
export function verifierFromSpki(name: string, spki: Uint8Array): Verifier {
  assertKeyName(name, 'malformed_key');
  const key = readKey(() => createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }));
  const algorithm = algorithmOf(key);
  const der = Uint8Array.from(key.export({ format: 'der', type: 'spki' }));
  // The key ID hashes these bytes: a compressed point or explicit curve parameters would give the same key another ID.
  if (algorithm === 'ecdsa-p256' && !sameBytes(der.subarray(0, P256_SPKI_PREFIX.length), P256_SPKI_PREFIX)) {
    throw malformedKey('a P-256 key is given as an uncompressed point on the named curve');
  }
  const material = algorithm === 'ed25519' ? der.slice(-ED25519_KEY_BYTES) : der;
  const typed = Buffer.concat([Uint8Array.of(TYPE[algorithm]), material]);
  // C2SP signed-note, "Signatures": SHA-256(name || 0x0A || type || key)[:4]; for type 0x02, SHA-256(SPKI DER)[:4].
  const digest = sha256(algorithm === 'ed25519' ? Buffer.concat([toUtf8(`${name}\n`), typed]) : der);
  const keyId = Buffer.from(digest).readUInt32BE(0);
  return {
    name,
    keyId,
    algorithm,
    vkey: `${name}+${toHex(digest.subarray(0, 4))}+${toBase64(typed)}`,
    spki: der,
    verify: (message, signature) => verifySafely(algorithm, message, key, signature),
  };
}

/**
 * Makes a verifier from a public key in PEM.
 *
 * @throws `malformed_key`
 */
export function verifierFromPem(name: string, pem: string): Verifier {
  // createPublicKey would accept a private key too, which a verifier must never be given.
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(pem))
    throw malformedKey('a public key in PEM begins with BEGIN PUBLIC KEY');
  const key = readKey(() => createPublicKey(pem));
  return verifierFromSpki(name, key.export({ format: 'der', type: 'spki' }));
}

/** A public key in PEM. */
export function pemOf({ spki }: Pick<Verifier, 'spki'>): string {
  const lines = toBase64(spki).match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join('\n')}\n-----END PUBLIC KEY-----\n`; // RFC 7468 section 13
}

/**
 * Parses a vkey: `<name>+<key ID in hex>+<base64 of type and key>`.
 *
 * @throws `malformed_key`, also if the key ID does not match the name and key
 * @see C2SP signed-note, "Verifier keys"
 */
export function parseVkey(text: string): Verifier {
  const { name, typed } = splitVkey(text);
  const material = typed.subarray(1);
  let spki: Uint8Array;
  if (typed[0] === TYPE.ed25519 && material.length === ED25519_KEY_BYTES) {
    spki = Buffer.concat([ED25519_SPKI_PREFIX, material]);
  } else if (typed[0] === TYPE['ecdsa-p256']) spki = material;
  else throw malformedKey('a vkey holds an Ed25519 key (type 1) or a P-256 key (type 2)');
  const verifier = verifierFromSpki(name, spki);
  if (verifier.vkey !== text) throw malformedKey('the key ID in the vkey does not belong to its name and key');
  return verifier;
}

/**
 * Takes a vkey apart, whatever it is for: its name, and its type byte with the key. The key ID is not compared.
 *
 * @throws `malformed_key`
 */
export function splitVkey(text: string): { readonly name: string; readonly typed: Uint8Array } {
  const [, name = '', , encoded = ''] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text) ?? [];
  if (name === '') throw malformedKey('a vkey has the form <name>+<8 hex digits>+<base64>');
  return { name, typed: fromBase64(encoded, 'malformed_key', 'the key in the vkey') };
}

/**
 * Formats a note from its text and signatures.
 *
 * @param text ends with a newline
 * @see C2SP signed-note, "Format"
 */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  assertText(text);
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) throw malformed('a note has 1 to 100 signatures');
  return `${text}\n${signatures.map(formatSignatureLine).join('')}`;
}

/** One signature line of a note, with its newline (C2SP signed-note, "Format"). */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  assertKeyName(name, 'malformed_note');
  if (signature.length === 0) throw malformed('a signature has at least one byte');
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `— ${name} ${toBase64(Buffer.concat([id, signature]))}\n`; // the dash is U+2014
}

/**
 * Parses a note, without verifying it.
 *
 * @throws `malformed_note`
 */
export function parseNote(note: string): Note {
  if (note.length > MAX_NOTE_CHARACTERS) throw malformed(`a note has at most ${MAX_NOTE_CHARACTERS} characters`);
  // C2SP signed-note: the last empty line separates the text from the signatures.
  const blank = note.lastIndexOf('\n\n');
  if (blank < 0) throw malformed('a note has an empty line before its signatures');
  const text = note.slice(0, blank + 1);
  assertText(text);
  const block = note.slice(blank + 2);
  if (!block.endsWith('\n')) throw malformed('a note ends with a newline');
  const lines = block.slice(0, -1).split('\n');
  if (lines.length > MAX_SIGNATURES) throw malformed(`a note has at most ${MAX_SIGNATURES} signatures`);
  return { text, signatures: lines.map(parseSignature) };
}

/**
 * Opens a note with trusted keys. Signatures by other keys are ignored; a signature under the name and ID of a trusted
 * key must be valid.
 *
 * @throws `malformed_note`; `bad_signature` if a trusted key's signature is invalid, or if no trusted key signed
 * @see C2SP signed-note, "Signatures"
 */
export function openNote(note: string, verifiers: readonly Verifier[]): OpenedNote {
  const { text, signatures } = parseNote(note);
  const message = toUtf8(text);
  const verified: NoteSignature[] = [];
  const unknown: NoteSignature[] = [];
  const seen = new Set<string>();
  for (const signature of signatures) {
    const { name, keyId } = signature;
    const known = verifiers.filter((verifier) => verifier.name === name && verifier.keyId === keyId);
    if (known.length === 0) {
      unknown.push(signature);
      continue;
    }
    if (seen.has(`${keyId} ${name}`)) throw malformed(`the note has two signatures by the key ${name}`);
    seen.add(`${keyId} ${name}`);
    if (!known.some((verifier) => verifier.verify(message, signature.signature))) {
      throw new SealtrailError('bad_signature', `the signature by the key ${name} does not hold`);
    }
    verified.push(signature);
  }
  if (verified.length === 0) throw new SealtrailError('bad_signature', 'no signature is by a key that is trusted');
  return { text, verified, unknown };
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', encoded = ''] = /^— ([^ ]+) ([^ ]+)$/.exec(line) ?? []; // the dash is U+2014
  if (name === '') throw malformed('a signature line has the form — <name> <base64>');
  assertKeyName(name, 'malformed_note');
  const bytes = fromBase64(encoded, 'malformed_note', 'a signature');
  if (bytes.length < 5) throw malformed('a signature has a key ID of 4 bytes and at least one byte more');
  return { name, keyId: Buffer.from(bytes).readUInt32BE(0), signature: bytes.slice(4) };
}

/** C2SP signed-note, "Format": valid UTF-8, no ASCII control characters but newline, ending in one. */
function assertText(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matching control characters is the point
  if (!text.endsWith('\n') || !text.isWellFormed() || /[\x00-\x09\x0b-\x1f]/.test(text)) {
    throw malformed('the text of a note ends with a newline and has no control characters');
  }
}

/** C2SP signed-note, "Format": key names are not empty and have no Unicode spaces and no plus. */
export function assertKeyName(name: string, code: 'malformed_key' | 'malformed_note'): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matching control characters is the point
  if (name === '' || !name.isWellFormed() || /[\p{White_Space}+\x00-\x1f]/u.test(name)) {
    throw new SealtrailError(code, 'the name of a key is not empty and has no spaces, plus or control characters');
  }
}

function algorithmOf(key: KeyObject): KeyAlgorithm {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ecdsa-p256';
  throw malformedKey('a public key is an Ed25519 or a P-256 key');
}

function readKey(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch (cause) {
    throw malformedKey('the public key is not readable', cause);
  }
}

function verifySafely(algorithm: KeyAlgorithm, message: Uint8Array, key: KeyObject, signature: Uint8Array): boolean {
  try {
    // Ed25519 hashes inside (RFC 8032); ECDSA signs SHA-256 and its signature is ASN.1 DER (RFC 3279 section 2.2.3).
    return verify(algorithm === 'ed25519' ? null : 'sha256', message, key, signature);
  } catch {
    // Node throws on some malformed signatures. They are certainly not by this key.
    return false;
  }
}

const malformed = (message: string): SealtrailError => new SealtrailError('malformed_note', message);
const malformedKey = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_key', message, { cause });
