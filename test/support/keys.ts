import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';

/** A signing key for tests, with nothing of the product. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly algorithm: 'ed25519' | 'ecdsa-p256';
  /** For `sign` of node:crypto. */
  readonly hash: 'sha256' | null;
  readonly spki: Buffer;
  readonly pem: string;
}

/** The same key in every run: Ed25519 from a seed of 32 equal bytes (RFC 8410 section 7). */
export function ed25519Key(seed: number): TestKey {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)]);
  return keyOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), 'ed25519');
}

/** The same key in every run: P-256 from a small scalar. */
export function p256Key(scalar: number): TestKey {
  // RFC 5915 inside RFC 5958, without the public point: it follows from the scalar.
  const prefix = '3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420';
  const der = Buffer.concat([Buffer.from(prefix, 'hex'), Buffer.alloc(31), Buffer.of(scalar)]);
  return keyOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }), 'ecdsa-p256');
}

/** A key that no other test has. */
export function newKey(algorithm: TestKey['algorithm']): TestKey {
  const pair =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return keyOf(pair.privateKey, algorithm);
}

function keyOf(privateKey: KeyObject, algorithm: TestKey['algorithm']): TestKey {
  const publicKey = createPublicKey(privateKey);
  return {
    privateKey,
    algorithm,
    hash: algorithm === 'ed25519' ? null : 'sha256',
    spki: publicKey.export({ format: 'der', type: 'spki' }),
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
}
