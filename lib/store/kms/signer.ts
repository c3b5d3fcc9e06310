import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand, type SigningAlgorithmSpec } from '@aws-sdk/client-kms';
import { SealtrailError } from '../../log/error.ts';
import { checkMessage } from '../limits.ts';
import type { SignatureAlgorithm, Signer } from '../ports.ts';

/** Options of a {@link KmsSigner}. */
export interface KmsSignerOptions {
  /** Use `kmsClient`, which sets suitable timeouts and retries. */
  readonly client: KMSClient;
  /** Id or ARN of an asymmetric signing key: `ECC_NIST_EDWARDS25519` or `ECC_NIST_P256`. */
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
}

/** KMS's names (KMS developer guide, "Key spec reference"). Both sign the message itself: MessageType RAW. */
const SPECS: Readonly<Record<SignatureAlgorithm, SigningAlgorithmSpec>> = {
  ed25519: 'ED25519_SHA_512',
  'ecdsa-p256': 'ECDSA_SHA_256',
};

/** Signs with a key that never leaves KMS. See README.md beside this file. */
export class KmsSigner implements Signer {
  readonly algorithm: SignatureAlgorithm;
  readonly #client: KMSClient;
  readonly #keyId: string;
  #publicKey: Promise<Uint8Array> | undefined;

  constructor({ client, keyId, algorithm }: KmsSignerOptions) {
    this.#client = client;
    this.#keyId = keyId;
    this.algorithm = algorithm;
  }

  async publicKey(): Promise<Uint8Array> {
    this.#publicKey ??= this.#fetchPublicKey();
    try {
      return Uint8Array.from(await this.#publicKey);
    } catch (error) {
      // Do not cache a failure.
      this.#publicKey = undefined;
      throw error;
    }
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    checkMessage(message);
    const command = new SignCommand({
      KeyId: this.#keyId,
      Message: message,
      MessageType: 'RAW',
      SigningAlgorithm: SPECS[this.algorithm],
    });
    const { Signature } = await this.#send('sign', () => this.#client.send(command));
    if (Signature === undefined) throw unavailable('KMS answered without a signature');
    return Uint8Array.from(Signature);
  }

  async #fetchPublicKey(): Promise<Uint8Array> {
    const command = new GetPublicKeyCommand({ KeyId: this.#keyId });
    const { PublicKey } = await this.#send('give the public key', () => this.#client.send(command));
    if (PublicKey === undefined) throw unavailable('KMS answered without a public key');
    const spki = Uint8Array.from(PublicKey);
    const found = algorithmOf(spki);
    if (found === this.algorithm) return spki;
    throw new SealtrailError(
      'malformed_key',
      `the KMS key ${this.#keyId} is not an ${this.algorithm} key but ${found}`,
    );
  }

  async #send<T>(what: string, request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (cause) {
      const name = cause instanceof Error ? cause.name : 'unknown';
      throw unavailable(`KMS did not ${what}: ${name}`, cause);
    }
  }
}

/** The algorithm of a key, in the port's terms or else in Node's. */
function algorithmOf(spki: Uint8Array): string {
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey({
      key: Buffer.from(spki),
      format: 'der',
      type: 'spki',
    });
    if (type !== 'ec') return type ?? 'unknown';
    return details?.namedCurve === 'prime256v1' ? 'ecdsa-p256' : `ec on ${details?.namedCurve}`;
  } catch {
    return 'no public key at all'; // Node's own message adds nothing.
  }
}

const unavailable = (message: string, cause?: unknown): SealtrailError =>
  new SealtrailError('signer_unavailable', message, { cause, retryAfter: 1 });
