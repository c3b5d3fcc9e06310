import { createHash } from 'node:crypto';
import * as z from 'zod';
import { toBase64 } from '../../lib/log/encoding.ts';
import { verifierFromSpki } from '../../lib/log/note.ts';
import { kmsClient } from '../../lib/store/aws-clients.ts';
import { KmsSigner } from '../../lib/store/kms/signer.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({
  SigningKey: z.string(),
  SigningAlgorithm: z.enum(['ed25519', 'ecdsa-p256']),
  LogName: z.string(),
});

/**
 * Refuses to replace the key that signs a log. Its fingerprint is the id of the resource, which survives a failed update.
 *
 * @throws RangeError
 */
export function assertSameKey(fingerprint: string, found: string): void {
  if (found !== fingerprint) {
    throw new RangeError(`the key ${fingerprint} signs this log and cannot be replaced by ${found}: rotate it`);
  }
}

/** Gives the stack the public key of the signing key, which CloudFormation cannot get from KMS. */
export const handler = customResource(async (event) => {
  // There is nothing to remove, and the key may be gone already.
  if (event.RequestType === 'Delete') return { id: event.PhysicalResourceId };
  const { SigningKey, SigningAlgorithm, LogName } = properties.parse(event.ResourceProperties);
  const signer = new KmsSigner({ client: kmsClient(), keyId: SigningKey, algorithm: SigningAlgorithm });
  const { spki, vkey } = verifierFromSpki(`${LogName}/_system`, await signer.publicKey());
  const fingerprint = createHash('sha256').update(spki).digest('hex');
  if (event.RequestType === 'Update') assertSameKey(event.PhysicalResourceId, fingerprint);
  const data = { KeyLine: `spki:${toBase64(spki)}`, Fingerprint: fingerprint, Vkey: vkey };
  return { id: fingerprint, data };
});
