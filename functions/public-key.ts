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
  Stage: z.enum(['dev', 'prod']),
});

/** What a stack says of its log. */
export interface Deployed {
  readonly logName: string;
  /** SHA-256 of the key's SubjectPublicKeyInfo in hex. */
  readonly fingerprint: string;
  readonly stage: 'dev' | 'prod';
}

/**
 * Refuses to give a log another name, another key in the place of this one, or to take back what `prod` protects, which
 * somebody would do by mistake: with a context that differs from last time's. The id says what was deployed: it stays
 * when an update fails, so that what CloudFormation then rolls back to is what it says.
 *
 * @throws RangeError
 */
export function demandSame(id: string, wanted: Deployed): void {
  const [name, key, stage] = id.split(' ');
  if (name !== wanted.logName) {
    throw new RangeError(
      `this log is ${name} in every signature and cannot become ${wanted.logName}: deploy as last time`,
    );
  }
  if (key !== wanted.fingerprint)
    throw new RangeError(`the key ${key} signs this log and cannot be replaced: rotate it`);
  if (stage === 'prod' && wanted.stage !== 'prod') {
    throw new RangeError('this log is prod and cannot become dev: deploy as last time, with -c stage=prod');
  }
}

/** The id of what is deployed, which {@link demandSame} reads. */
export function idOf({ logName, fingerprint, stage }: Deployed): string {
  return `${logName} ${fingerprint} ${stage}`;
}

/** Tells the stack the public key that belongs to the signing key, which CloudFormation cannot ask KMS for. */
export const handler = customResource(async (event) => {
  // There is nothing to take away, and the key may be gone already.
  if (event.RequestType === 'Delete') return { id: event.PhysicalResourceId };
  const { SigningKey, SigningAlgorithm, LogName, Stage } = properties.parse(event.ResourceProperties);
  const signer = new KmsSigner({ client: kmsClient(), keyId: SigningKey, algorithm: SigningAlgorithm });
  const { spki, vkey } = verifierFromSpki(`${LogName}/_system`, await signer.publicKey());
  const fingerprint = createHash('sha256').update(spki).digest('hex');
  const deployed = { logName: LogName, fingerprint, stage: Stage };
  if (event.RequestType === 'Update') demandSame(event.PhysicalResourceId, deployed);
  const data = { KeyLine: `spki:${toBase64(spki)}`, Fingerprint: fingerprint, Vkey: vkey };
  return { id: idOf(deployed), data };
});
