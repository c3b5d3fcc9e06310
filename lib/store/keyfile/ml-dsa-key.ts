import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { SealtrailError } from '../../log/error.ts';
import { replaceFile } from '../durable-file.ts';
import type { Signer } from '../ports.ts';

/**
 * An ML-DSA-44 key (FIPS 204) in a PKCS #8 PEM file, made if it is not there. It stays secure against quantum computers, and C2SP
 * says that witnesses and logs should have one.
 *
 * @returns undefined if this Node.js knows no ML-DSA (before 24.7)
 * @throws `signer_unavailable` if others can read the file; `malformed_key` if it holds another key
 */
export async function openMlDsaKey(file: string): Promise<Pick<Signer, 'publicKey' | 'sign'> | undefined> {
  const exists = await stat(file).then(
    ({ mode }) => {
      if ((mode & 0o077) === 0) return true;
      throw new SealtrailError('signer_unavailable', `others can read the key in ${file}: run chmod 600 ${file}`);
    },
    () => false,
  );
  if (exists) return keyOf(file, createPrivateKey(await readFile(file)));
  const key = newKey();
  if (key === undefined) return undefined;
  await replaceFile(file, Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })), 0o600);
  return keyOf(file, key);
}

function newKey(): KeyObject | undefined {
  try {
    return generateKeyPairSync('ml-dsa-44').privateKey;
  } catch {
    return undefined; // the algorithm is not known
  }
}

function keyOf(file: string, key: KeyObject): Pick<Signer, 'publicKey' | 'sign'> {
  if (key.asymmetricKeyType !== 'ml-dsa-44') {
    throw new SealtrailError('malformed_key', `${file} holds no ML-DSA-44 key`);
  }
  const spki = new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  return { publicKey: async () => spki, sign: async (message) => new Uint8Array(sign(null, message, key)) };
}
