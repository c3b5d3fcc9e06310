import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { checkMessage } from '../../store/limits.ts';
import type { SignatureAlgorithm, Signer } from '../../store/ports.ts';

/**
 * A Signer with a new key in memory, for tests.
 *
 * @example
 * const signer = new MemorySigner();
 * signer.failures.push(new SealtrailError('signer_unavailable', 'the key is away')); // the next signature fails
 */
export class MemorySigner implements Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly #key: KeyObject;
  /** Thrown by the next calls of `sign`, one each. */
  failures: Error[] = [];
  /** Signatures made so far. */
  signed = 0;

  constructor(algorithm: SignatureAlgorithm = 'ed25519') {
    this.algorithm = algorithm;
    const pair =
      algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = pair.privateKey;
  }

  async publicKey(): Promise<Uint8Array> {
    return new Uint8Array(createPublicKey(this.#key).export({ type: 'spki', format: 'der' }));
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    checkMessage(message);
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.signed += 1;
    return new Uint8Array(sign(this.algorithm === 'ed25519' ? null : 'sha256', message, this.#key));
  }
}
