import { generateKeyPairSync } from 'node:crypto';
import { GetPublicKeyCommand, KMSClient, KMSServiceException, SignCommand } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { KmsSigner } from '../../../lib/store/kms/signer.ts';
import type { SignatureAlgorithm } from '../../../lib/store/ports.ts';

const kms = mockClient(KMSClient);
const open = (algorithm: SignatureAlgorithm = 'ed25519') =>
  new KmsSigner({ client: new KMSClient({}), keyId: 'alias/log', algorithm });

const DER = { type: 'spki', format: 'der' } as const;
const ed25519 = generateKeyPairSync('ed25519').publicKey.export(DER);
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export(DER);
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export(DER);

/** An error of KMS's, as the SDK throws it. */
const refused = (name: string) =>
  new KMSServiceException({ name, message: 'as it says', $fault: 'client', $metadata: { httpStatusCode: 400 } });
const FAILURES = [
  refused('ThrottlingException'),
  refused('KMSInvalidStateException'),
  refused('DisabledException'),
  refused('AccessDeniedException'),
  refused('KMSInternalException'),
  Object.assign(new Error('no answer in 2000 ms'), { name: 'TimeoutError' }),
];

beforeEach(() => {
  kms.reset();
});

describe('the public key', () => {
  it('is fetched once, by however many ask at once', async () => {
    kms.on(GetPublicKeyCommand).resolves({ PublicKey: ed25519 });
    const signer = open();
    const keys = await Promise.all([signer.publicKey(), signer.publicKey(), signer.publicKey()]);
    keys.push(await signer.publicKey());
    expect(keys).toEqual(Array(4).fill(new Uint8Array(ed25519)));
    expect(kms.commandCalls(GetPublicKeyCommand)).toHaveLength(1);
  });

  it.each(FAILURES)('is fetched again after a failure, which is told and not remembered: %s', async (cause) => {
    kms.on(GetPublicKeyCommand).rejectsOnce(cause).resolves({ PublicKey: ed25519 });
    const signer = open();
    const told = { code: 'signer_unavailable', message: `KMS did not give the public key: ${cause.name}`, cause };
    await expect(signer.publicKey()).rejects.toMatchObject(told);
    expect(await signer.publicKey()).toEqual(new Uint8Array(ed25519));
  });

  it.each([
    ['ed25519', p256, 'an ed25519 key but ecdsa-p256'],
    ['ecdsa-p256', ed25519, 'an ecdsa-p256 key but ed25519'],
    ['ecdsa-p256', p384, 'an ecdsa-p256 key but ec on secp384r1'],
    ['ed25519', Buffer.from('nonsense'), 'an ed25519 key but no public key at all'],
  ] satisfies [SignatureAlgorithm, Buffer, string][])(
    'must be of the algorithm %s',
    async (algorithm, PublicKey, message) => {
      kms.on(GetPublicKeyCommand).resolves({ PublicKey });
      await expect(open(algorithm).publicKey()).rejects.toMatchObject({
        ...{ code: 'malformed_key', message: `the KMS key alias/log is not ${message}` },
      });
    },
  );

  it('must be in the answer', async () => {
    kms.on(GetPublicKeyCommand).resolves({});
    await expect(open().publicKey()).rejects.toMatchObject({
      ...{ code: 'signer_unavailable', message: 'KMS answered without a public key' },
    });
  });
});

describe('a signature', () => {
  it.each([
    ['ed25519', 'ED25519_SHA_512'],
    ['ecdsa-p256', 'ECDSA_SHA_256'],
  ] as const)('is asked for over the message as it is: %s', async (algorithm, SigningAlgorithm) => {
    kms.on(SignCommand).resolves({ Signature: Uint8Array.of(1, 2) });
    expect(await open(algorithm).sign(Uint8Array.of(9))).toEqual(Uint8Array.of(1, 2));
    expect(kms.commandCalls(SignCommand)[0]?.args[0].input).toEqual({
      ...{ KeyId: 'alias/log', Message: Uint8Array.of(9), MessageType: 'RAW', SigningAlgorithm },
    });
  });

  it.each(FAILURES)('that cannot be had can be asked for again: %s', async (cause) => {
    kms
      .on(SignCommand)
      .rejectsOnce(cause)
      .resolves({ Signature: Uint8Array.of(1) });
    const signer = open();
    await expect(signer.sign(Uint8Array.of(9))).rejects.toMatchObject({
      ...{ code: 'signer_unavailable', message: `KMS did not sign: ${cause.name}`, retryAfter: 1, cause },
    });
    expect(await signer.sign(Uint8Array.of(9))).toEqual(Uint8Array.of(1));
  });

  it('must be in the answer', async () => {
    kms.on(SignCommand).resolves({});
    await expect(open().sign(Uint8Array.of(9))).rejects.toMatchObject({
      ...{ code: 'signer_unavailable', message: 'KMS answered without a signature' },
    });
  });
});
