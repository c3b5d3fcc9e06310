import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { parseCheckpoint } from './checkpoint.ts';
import { fromHex, toBase64, toHex, toUtf8 } from './encoding.ts';
import { SealtrailError } from './error.ts';
import { sha256 } from './hash.ts';
import {
  assertKeyName,
  ED25519_SPKI_PREFIX,
  formatSignatureLine,
  type NoteSignature,
  parseNote,
  splitVkey,
} from './note.ts';

/**
 * How a cosigner signs: Ed25519 (`cosignature/v1`, signature type 0x04) or ML-DSA-44 (`subtree/v1`, type 0x06), both with the
 * time of signing (C2SP tlog-cosignature).
 */
export type CosignerAlgorithm = 'ed25519' | 'ml-dsa-44';

/** A witness as its signatures know it: a name, a public key and how it signs. */
export interface Cosigner {
  /** Such as `witness.example/w1`. */
  readonly name: string;
  /** Unsigned 32-bit; a hint at the key, not a secure hash. */
  readonly keyId: number;
  readonly algorithm: CosignerAlgorithm;
  /** C2SP tlog-cosignature, "Format": a vkey of type 0x04 or 0x06. */
  readonly vkey: string;
  /** The public key itself, 32 or 1,312 bytes: equal for two names of one key. */
  readonly material: Uint8Array;
  /** True if this Node.js can check its signatures: before 24.7 none of ML-DSA-44. */
  readonly isSupported: boolean;
  /** When it signed a checkpoint's text, in Unix seconds; undefined if the signature is not by this key. Never throws. */
  timeOf(text: string, signature: Uint8Array): number | undefined;
}

const TYPE: Readonly<Record<CosignerAlgorithm, number>> = { ed25519: 0x04, 'ml-dsa-44': 0x06 };
const KEY_BYTES: Readonly<Record<CosignerAlgorithm, number>> = { ed25519: 32, 'ml-dsa-44': 1312 };
const SIGNATURE_BYTES: Readonly<Record<CosignerAlgorithm, number>> = { ed25519: 64, 'ml-dsa-44': 2420 };
/** DER of SubjectPublicKeyInfo before the key (RFC 8410 section 4; RFC 9881 section 4, id-ml-dsa-44). */
const SPKI_PREFIX: Readonly<Record<CosignerAlgorithm, Uint8Array>> = {
  ed25519: ED25519_SPKI_PREFIX,
  'ml-dsa-44': fromHex('30820532300b06096086480165030403110382052100'),
};
/** Bytes of the timestamp before the signature. */
const TIME_BYTES = 8;

/**
 * Parses the vkey of a cosigner: `<name>+<key ID in hex>+<base64 of type and key>`.
 *
 * @throws `malformed_key`, also if the key ID does not match, and for ML-DSA-44 on a Node.js before 24.7
 * @see C2SP tlog-cosignature, "Format"
 * @example parseCosigner('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2').algorithm // 'ed25519'
 */
export function parseCosigner(vkey: string): Cosigner {
  const cosigner = parseAnyCosigner(vkey);
  if (cosigner.isSupported) return cosigner;
  throw malformedKey('the public key of the witness is not readable: ML-DSA-44 needs Node.js 24.7 or later');
}

/** Like {@link parseCosigner}, also of a key that this Node.js cannot verify by. */
export function parseAnyCosigner(vkey: string): Cosigner {
  const { name, typed } = splitVkey(vkey);
  const algorithm = ALGORITHMS.find((known) => TYPE[known] === typed[0] && KEY_BYTES[known] === typed.length - 1);
  if (algorithm === undefined) {
    throw malformedKey('the vkey of a witness holds an Ed25519 key (type 4) or an ML-DSA-44 key (type 6)');
  }
  const cosigner = cosignerFromKey(name, algorithm, typed.subarray(1));
  if (cosigner.vkey !== vkey) throw malformedKey('the key ID in the vkey does not belong to its name and key');
  return cosigner;
}

const ALGORITHMS = Object.keys(TYPE) as CosignerAlgorithm[]; // the keys of a literal

/**
 * Makes a cosigner from its public key in SubjectPublicKeyInfo DER, also one that is not supported.
 *
 * @throws `malformed_key`
 */
export function cosignerFromSpki(name: string, spki: Uint8Array): Cosigner {
  const algorithm = ALGORITHMS.find((known) => {
    const prefix = SPKI_PREFIX[known];
    return (
      spki.length === prefix.length + KEY_BYTES[known] && Buffer.compare(prefix, spki.subarray(0, prefix.length)) === 0
    );
  });
  if (algorithm === undefined) throw malformedKey('a witness signs with an Ed25519 or an ML-DSA-44 key');
  return cosignerFromKey(name, algorithm, spki.slice(SPKI_PREFIX[algorithm].length));
}

function cosignerFromKey(name: string, algorithm: CosignerAlgorithm, key: Uint8Array): Cosigner {
  assertKeyName(name, 'malformed_key');
  const typed = Buffer.concat([Uint8Array.of(TYPE[algorithm]), key]);
  // C2SP tlog-cosignature, "Format": SHA-256(name || 0x0A || type || key)[:4].
  const digest = sha256(Buffer.concat([toUtf8(`${name}\n`), typed]));
  const publicKey = readKey(algorithm, Buffer.concat([SPKI_PREFIX[algorithm], key]));
  return {
    name,
    keyId: Buffer.from(digest).readUInt32BE(0),
    algorithm,
    vkey: `${name}+${toHex(digest.subarray(0, 4))}+${toBase64(typed)}`,
    material: Uint8Array.from(key),
    isSupported: publicKey !== undefined,
    timeOf: (text, signature) => publicKey && timeIfValid({ name, algorithm }, publicKey, text, signature),
  };
}

/**
 * The message that a cosigner signs for a checkpoint.
 *
 * @param text of the checkpoint, with its final newline
 * @param seconds when, in Unix seconds
 * @throws `malformed_checkpoint`
 * @see C2SP tlog-cosignature, "Ed25519 signed message" and "ML-DSA-44 signed message"
 */
export function cosignatureMessage(
  { name, algorithm }: Pick<Cosigner, 'name' | 'algorithm'>,
  text: string,
  seconds: number,
): Uint8Array {
  if (algorithm === 'ed25519') return toUtf8(`cosignature/v1\ntime ${seconds}\n${text}`);
  const { origin, size, root, extensions } = parseCheckpoint(text);
  // The message has no place for them, so a signature beside them would seem to cover what it does not.
  if (extensions !== undefined) {
    throw new SealtrailError('malformed_checkpoint', 'an ML-DSA-44 cosignature covers no extension lines');
  }
  const span = [bigEndian(0), bigEndian(size)];
  return Buffer.concat([toUtf8('subtree/v1\n\0'), vector(name), bigEndian(seconds), vector(origin), ...span, root]);
}

/** The public key of a cosigner as SubjectPublicKeyInfo in DER. */
export const spkiOf = ({ algorithm, material }: Pick<Cosigner, 'algorithm' | 'material'>): Uint8Array =>
  Buffer.concat([SPKI_PREFIX[algorithm], material]);

/** A signature with its time, as a note carries it (C2SP tlog-cosignature, `timestamped_signature`). */
export const timestamped = (seconds: number, signature: Uint8Array): Uint8Array =>
  Buffer.concat([bigEndian(seconds), signature]);

/** The line of a cosignature, ready to follow a note. */
export function cosignatureLine(
  { name, keyId }: Pick<Cosigner, 'name' | 'keyId'>,
  seconds: number,
  signature: Uint8Array,
): string {
  return formatSignatureLine({ name, keyId, signature: timestamped(seconds, signature) });
}

/** The bytes of a line by an ML-DSA-44 key, without the key ID. */
const ML_DSA_LINE_BYTES = TIME_BYTES + SIGNATURE_BYTES['ml-dsa-44'];

/** True if a signature line is by the form of an ML-DSA-44 key. */
export const isMlDsaLine = ({ signature }: Pick<NoteSignature, 'signature'>): boolean =>
  signature.length === ML_DSA_LINE_BYTES;

/** True if a note is another one, byte for byte, with nothing after it but lines of ML-DSA-44 under the log's own name. */
export function isNoteWithMlDsa(note: string, plain: string): boolean {
  if (!note.startsWith(plain)) return false;
  try {
    const { text, signatures } = parseNote(plain);
    const { origin } = parseCheckpoint(text);
    const lines = parseNote(note).signatures.slice(signatures.length);
    return lines.every((line) => line.name === origin && isMlDsaLine(line));
  } catch (error) {
    if (error instanceof SealtrailError) return false; // no note at all
    throw error;
  }
}

/**
 * Adds the line of a log's own ML-DSA-44 key to one of its checkpoints, unless it is there. The time is 0: an archived checkpoint
 * is not the largest of its log (C2SP tlog-checkpoint, "Signatures"; tlog-cosignature, "ML-DSA-44 signed message").
 *
 * @param cosigner named like the checkpoint's origin
 */
export async function withMlDsaLine(
  note: string,
  cosigner: Cosigner,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const { text, signatures } = parseNote(note);
  if (signatures.some(({ name, keyId }) => name === cosigner.name && keyId === cosigner.keyId)) return note;
  return note + cosignatureLine(cosigner, 0, await sign(cosignatureMessage(cosigner, text, 0)));
}

/** A cosignature that holds. */
export interface Cosignature {
  readonly cosigner: Cosigner;
  /** Unix seconds; 0: the cosigner does not say. */
  readonly time: number;
}

/**
 * The cosignatures of known cosigners on a checkpoint. Lines by others are ignored.
 *
 * @throws `bad_signature` if a line under the name and ID of a known cosigner does not hold, or is there twice
 * @see C2SP signed-note, "Signatures"
 */
export function cosignaturesOf(
  text: string,
  signatures: readonly NoteSignature[],
  cosigners: readonly Cosigner[],
): Cosignature[] {
  const found = new Map<string, Cosignature>();
  for (const { name, keyId, signature } of signatures) {
    const known = cosigners.filter((one) => one.name === name && one.keyId === keyId);
    if (known.length === 0) continue;
    const held = known.flatMap((cosigner) => {
      const time = cosigner.timeOf(text, signature);
      return time === undefined ? [] : [{ cosigner, time }];
    });
    const [cosignature] = held;
    if (cosignature === undefined) {
      throw new SealtrailError('bad_signature', `the cosignature by the witness ${name} does not hold`);
    }
    if (found.has(cosignature.cosigner.vkey)) {
      throw new SealtrailError('bad_signature', `the checkpoint has two cosignatures by the witness ${name}`);
    }
    found.set(cosignature.cosigner.vkey, cosignature);
  }
  return [...found.values()];
}

function timeIfValid(
  cosigner: Pick<Cosigner, 'name' | 'algorithm'>,
  key: KeyObject,
  text: string,
  timestampedSignature: Uint8Array,
): number | undefined {
  if (timestampedSignature.length !== TIME_BYTES + SIGNATURE_BYTES[cosigner.algorithm]) return undefined;
  const seconds = Buffer.from(timestampedSignature).readBigUInt64BE(0);
  // Beyond 2^53 - 1 seconds no time is meant, and the number would not be exact.
  if (seconds > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  try {
    const message = cosignatureMessage(cosigner, text, Number(seconds));
    return verify(null, message, key, timestampedSignature.subarray(TIME_BYTES)) ? Number(seconds) : undefined;
  } catch {
    // A text that is no checkpoint, or a signature that Node throws on, is certainly not signed by this key.
    return undefined;
  }
}

function readKey(algorithm: CosignerAlgorithm, spki: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    // Any bytes are a key of ML-DSA-44 (FIPS 204, Algorithm 23), so the algorithm is not known here.
    if (algorithm === 'ml-dsa-44') return undefined;
    throw new SealtrailError('malformed_key', 'the public key of the witness is not readable', { cause });
  }
}

function bigEndian(value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** `opaque<1..2^8-1>` (RFC 8446 section 3.4). */
function vector(text: string): Uint8Array {
  const bytes = toUtf8(text);
  if (bytes.length === 0 || bytes.length > 255) {
    throw new SealtrailError('malformed_checkpoint', 'the names in an ML-DSA-44 cosignature have 1 to 255 bytes');
  }
  return Buffer.concat([Uint8Array.of(bytes.length), bytes]);
}

const malformedKey = (message: string): SealtrailError => new SealtrailError('malformed_key', message);
