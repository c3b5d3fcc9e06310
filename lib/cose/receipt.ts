import { createPublicKey, verify } from 'node:crypto';
import { decode, encode, rfc8949EncodeOptions, Tagged } from 'cborg';
import { SealtrailError } from '../log/error.ts';
import { HASH_BYTES, type Hash, leafHash } from '../log/hash.ts';
import type { KeyAlgorithm, Verifier } from '../log/note.ts';
import { inclusionRoot } from '../log/tree.ts';

/** COSE header parameters (RFC 9052 section 3.1, RFC 9597, RFC 9942 section 2). */
const ALG = 1;
const KID = 4;
const CWT_CLAIMS = 15;
const VDS = 395;
const VDP = 396;
/** Claims of RFC 8392 section 3.1. */
const ISSUER = 1;
const SUBJECT = 2;
/** RFC 9942 section 4: RFC9162_SHA256, and its inclusion proofs. */
const RFC9162_SHA256 = 1;
const INCLUSION = -1;
/** The tag of COSE_Sign1 (RFC 9052 section 2). */
const SIGN1 = 18;

/** Signature algorithms (RFC 9053 section 2): EdDSA with the curve of the key, and ECDSA with SHA-256 on P-256. */
const ALGORITHMS: Readonly<Record<KeyAlgorithm, number>> = { ed25519: -8, 'ecdsa-p256': -7 };
/** Longer ones are no receipts of a tree of 2^53 leaves. */
const MAX_BYTES = 4096;

/** A record's place in a signed tree. */
export interface Inclusion {
  /** `<log name>/<trail>`. */
  readonly origin: string;
  readonly size: number;
  readonly index: number;
  readonly path: readonly Hash[];
  readonly root: Hash;
}

/**
 * A receipt of inclusion (RFC 9942 section 4.3.1): the root is signed and not in it, so that who checks it computes the root from
 * the record.
 *
 * @param key by which `sign` signs; ECDSA signatures are ASN.1 DER (RFC 3279 section 2.2.3), as the port Signer has them
 * @returns a tagged COSE_Sign1
 */
export async function coseReceipt(
  { origin, size, index, path, root }: Inclusion,
  { keyId, algorithm }: Pick<Verifier, 'keyId' | 'algorithm'>,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const claims = new Map([
    [ISSUER, origin.slice(0, origin.lastIndexOf('/'))],
    [SUBJECT, origin],
  ]);
  const protectedHeader = pack(
    new Map<number, unknown>([
      [ALG, ALGORITHMS[algorithm]],
      [KID, keyIdBytes(keyId)],
      [CWT_CLAIMS, claims],
      [VDS, RFC9162_SHA256],
    ]),
  );
  const proof = pack([size, index, [...path]]);
  const signature = await sign(toBeSigned(protectedHeader, root));
  const raw = algorithm === 'ed25519' ? signature : concatenated(signature);
  return pack(new Tagged(SIGN1, [protectedHeader, new Map([[VDP, new Map([[INCLUSION, [proof]]])]]), null, raw]));
}

/** RFC 9052 section 4.4, with the root as the detached payload. Its first byte, 0x84, begins no note. */
const toBeSigned = (protectedHeader: Uint8Array, root: Hash): Uint8Array =>
  pack(['Signature1', protectedHeader, new Uint8Array(), root]);

/** RFC 8949 section 4.2.1: the one deterministic encoding. */
const pack = (value: unknown): Uint8Array => Uint8Array.from(encode(value, rfc8949EncodeOptions));

function keyIdBytes(keyId: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(keyId);
  return Uint8Array.from(bytes);
}

/** RFC 9053 section 2.1: both numbers of an ECDSA signature in 32 bytes each, from its DER. */
function concatenated(der: Uint8Array): Uint8Array {
  const numbers: Uint8Array[] = [];
  for (let at = 2; at < der.length; ) {
    const length = der[at + 1] ?? 0;
    const number = der.subarray(at + 2, at + 2 + length);
    numbers.push(number.subarray(Math.max(0, number.length - 32)));
    at += 2 + length;
  }
  const raw = Buffer.alloc(64);
  for (const [n, number] of numbers.entries()) raw.set(number, 32 * n + 32 - number.length);
  return Uint8Array.from(raw);
}

/** The contents of a valid receipt. */
export interface ReceiptOfInclusion {
  readonly origin: string;
  readonly size: number;
  readonly index: number;
  readonly root: Hash;
  /** The trusted key that signed it. */
  readonly key: Verifier;
}

/**
 * Checks that a record is in a log, by a receipt.
 *
 * @param keysFor the keys that are trusted for a trail at a size
 * @throws `malformed_proof`: it is no such receipt. `bad_signature`: no trusted key signed it for this record, or another record
 *   is meant
 */
export function checkCoseReceipt(
  receipt: Uint8Array,
  line: Uint8Array | string,
  keysFor: (origin: string, size: number) => readonly Verifier[],
): ReceiptOfInclusion {
  const { protectedHeader, origin, algorithm, keyId, size, index, path, signature } = parse(receipt);
  const root = inclusionRoot(leafHash(line), index, size, path);
  const message = toBeSigned(protectedHeader, root);
  const key = keysFor(origin, size).find(
    (one) => one.keyId === keyId && ALGORITHMS[one.algorithm] === algorithm && holds(one, message, signature),
  );
  if (key === undefined) throw new SealtrailError('bad_signature', 'no trusted key signed the receipt for this record');
  return { origin, size, index, root, key };
}

function holds({ spki, algorithm }: Verifier, message: Uint8Array, signature: Uint8Array): boolean {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  if (algorithm === 'ed25519') return verify(null, message, key, signature);
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

function parse(receipt: Uint8Array) {
  const sign1 = unpack(receipt);
  if (!(sign1 instanceof Tagged) || sign1.tag !== SIGN1) throw malformed('it is no tagged COSE_Sign1');
  const [protectedHeader, unprotected, payload, signature] = listOf(sign1.value, 4);
  if (payload !== null) throw malformed('its payload is not detached');
  const header = mapOf(unpack(bytesOf(protectedHeader)));
  if (header.get(VDS) !== RFC9162_SHA256) throw malformed('its tree is not of RFC9162_SHA256');
  const origin = mapOf(header.get(CWT_CLAIMS)).get(SUBJECT);
  if (typeof origin !== 'string') throw malformed('it names no log');
  const keyId = bytesOf(header.get(KID));
  if (keyId.length !== 4) throw malformed('it names no key');
  const [proof] = listOf(mapOf(mapOf(unprotected).get(VDP)).get(INCLUSION), 1);
  const [size, index, path] = listOf(unpack(bytesOf(proof)), 3);
  if (!isCount(size) || !isCount(index) || index >= size) throw malformed('it has no place in a tree');
  return {
    ...{ protectedHeader: bytesOf(protectedHeader), origin, algorithm: header.get(ALG), size, index },
    keyId: Buffer.from(keyId).readUInt32BE(0),
    path: listOf(path).map((hash) => hashOf(bytesOf(hash))),
    signature: bytesOf(signature),
  };
}

function unpack(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_BYTES) throw malformed(`a receipt has at most ${MAX_BYTES} bytes`);
  try {
    return decode(bytes, {
      ...{ useMaps: true, strict: true, allowIndefinite: false, allowUndefined: false, rejectDuplicateMapKeys: true },
      tags: Tagged.preserve(SIGN1),
    });
  } catch (cause) {
    throw malformed('it is not CBOR', cause);
  }
}

function listOf(value: unknown, length?: number): readonly unknown[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  throw malformed('a list in it is missing, or has another length');
}

function mapOf(value: unknown): ReadonlyMap<unknown, unknown> {
  if (value instanceof Map) return value;
  throw malformed('a map in it is missing');
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw malformed('bytes in it are missing');
}

function hashOf(bytes: Uint8Array): Hash {
  if (bytes.length !== HASH_BYTES) throw malformed('a hash in it has not 32 bytes');
  return bytes;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const malformed = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('malformed_proof', `the COSE receipt: ${message}`, { cause });
