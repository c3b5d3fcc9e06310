import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { closing, syncFolder, writeSynced } from '../durable-file.ts';
import { checkMessage } from '../limits.ts';
import type { SignatureAlgorithm, Signer } from '../ports.ts';
import { absent, systemCode } from '../system-error.ts';

/** Far longer than the PEM of any supported key. */
const MAX_FILE_BYTES = 16_384;

/**
 * A Signer with its private key in a PKCS#8 PEM file (RFC 5958, RFC 7468 section 10) that only its owner can read.
 *
 * @example
 * const signer = await KeyFileSigner.create('data/signing-key.pem', 'ed25519');
 */
export class KeyFileSigner implements Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly #key: KeyObject;
  readonly #spki: Uint8Array;

  private constructor(key: KeyObject, algorithm: SignatureAlgorithm) {
    this.#key = key;
    this.algorithm = algorithm;
    this.#spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  }

  /**
   * Opens a key file.
   *
   * @throws SealtrailError `not_found` if there is none, `signer_unavailable` if others can read it or this process cannot,
   * `malformed_key` if it is not an Ed25519 or P-256 private key in PKCS#8 PEM.
   */
  static async open(path: string): Promise<KeyFileSigner> {
    const file = resolve(path);
    const key = parse(await readPrivately(file), file);
    return new KeyFileSigner(key, algorithmOf(key, file));
  }

  /**
   * Creates a new key and its file (mode 0600), which survive a crash once this resolves. Never overwrites an existing
   * file.
   *
   * @throws SealtrailError `in_use` if the file exists, `signer_unavailable` if it cannot be written.
   */
  static async create(path: string, algorithm: SignatureAlgorithm): Promise<KeyFileSigner> {
    const file = resolve(path);
    const key = generate(algorithm);
    const pem = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeExclusively(file, pem).catch((cause: unknown) => {
      throw keyFileError(cause, file, 'written');
    });
    return new KeyFileSigner(key, algorithm);
  }

  async publicKey(): Promise<Uint8Array> {
    return new Uint8Array(this.#spki);
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    checkMessage(message);
    // Ed25519 has its hash built in (RFC 8032 section 5.1); ECDSA signatures are DER by default.
    const digest = this.algorithm === 'ed25519' ? null : 'sha256';
    return new Uint8Array(sign(digest, message, this.#key));
  }
}

function generate(algorithm: SignatureAlgorithm): KeyObject {
  if (algorithm === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function algorithmOf(key: KeyObject, file: string): SignatureAlgorithm {
  if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
  // OpenSSL's name for P-256.
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ecdsa-p256';
  throw new SealtrailError('malformed_key', `${file} holds neither an Ed25519 nor a P-256 key`);
}

function parse(pem: string, file: string): KeyObject {
  // Node would accept other forms as well (PKCS#1, SEC 1, encrypted), but one is enough to document.
  if (!pem.trimStart().startsWith('-----BEGIN PRIVATE KEY-----')) {
    throw new SealtrailError('malformed_key', `${file} is not a private key in PKCS#8 PEM form`);
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new SealtrailError('malformed_key', `${file} holds a private key that cannot be read`, { cause });
  }
}

async function readPrivately(file: string): Promise<string> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    return await closing(handle, async () => {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new SealtrailError('malformed_key', `${file} is not a file`);
      if ((stats.mode & 0o077) !== 0) {
        throw new SealtrailError('signer_unavailable', `others can access the key in ${file}: run chmod 600 ${file}`);
      }
      if (stats.size > MAX_FILE_BYTES) throw new SealtrailError('malformed_key', `${file} is too large for a key`);
      return handle.readFile('utf8');
    });
  } catch (cause) {
    throw keyFileError(cause, file, 'read');
  }
}

async function writeExclusively(file: string, pem: string): Promise<void> {
  const unfinished = `${file}.${randomUUID()}`;
  try {
    await writeSynced(unfinished, Buffer.from(pem), 0o600);
    // link makes the name appear atomically: a crash never leaves half a key under it.
    await link(unfinished, file);
    await syncFolder(dirname(file));
  } finally {
    await unlink(unfinished).catch(absent);
  }
}

function keyFileError(cause: unknown, file: string, verb: 'read' | 'written'): unknown {
  if (cause instanceof SealtrailError) return cause;
  const code = systemCode(cause);
  if (code === undefined) return cause;
  if (code === 'EEXIST') {
    return new SealtrailError('in_use', `${file} exists already, and a key file is never overwritten`, { cause });
  }
  if (code === 'ENOENT' && verb === 'read') {
    return new SealtrailError('not_found', `there is no key file ${file}`, { cause });
  }
  return new SealtrailError('signer_unavailable', `the key file ${file} cannot be ${verb}: ${code}`, { cause });
}
