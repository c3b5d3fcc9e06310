import { createHash } from 'node:crypto';
import * as z from 'zod';
import { toBase64 } from '../lib/log/encoding.ts';
import { verifierFromSpki } from '../lib/log/note.ts';
import { kmsClient } from '../lib/store/aws-clients.ts';
import { KmsSigner } from '../lib/store/kms/signer.ts';
import { customResource } from './custom-resource.ts';

const properties = z.object({
  SigningKey: z.string(),
  SigningAlgorithm: z.enum(['ed25519', 'ecdsa-p256']),
  LogName: z.string(),
});

/**
 * Refuses to give a log another name or another key in the place of this one, which somebody would do by mistake: with a
 * context that differs from last time's. The id says what was deployed: it stays when an update fails, so that what
 * CloudFormation then rolls back to is what it says.
 *
 * @throws RangeError
 */
export function demandSame(id: string, { logName, fingerprint }: { logName: string; fingerprint: string }): void {
  const [name, key] = id.split(' ');
  if (name !== logName) {
    throw new RangeError(`this log is ${name} in every signature and cannot become ${logName}: deploy as last time`);
  }
  if (key !== fingerprint) throw new RangeError(`the key ${key} signs this log and cannot be replaced: rotate it`);
}

/** Tells the stack the public key that belongs to the signing key, which CloudFormation cannot ask KMS for. */
export const handler = customResource(async (event) => {
  // There is nothing to take away, and the key may be gone already.
  if (event.RequestType === 'Delete') return { id: event.PhysicalResourceId };
  const { SigningKey, SigningAlgorithm, LogName } = properties.parse(event.ResourceProperties);
  const signer = new KmsSigner({ client: kmsClient(), keyId: SigningKey, algorithm: SigningAlgorithm });
  const { spki, vkey } = verifierFromSpki(`${LogName}/_system`, await signer.publicKey());
  const fingerprint = createHash('sha256').update(spki).digest('hex');
  if (event.RequestType === 'Update') demandSame(event.PhysicalResourceId, { logName: LogName, fingerprint });
  const data = { KeyLine: `spki:${toBase64(spki)}`, Fingerprint: fingerprint, Vkey: vkey };
  return { id: `${LogName} ${fingerprint}`, data };
});
