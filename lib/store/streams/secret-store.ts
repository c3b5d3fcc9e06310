import {
  GetSecretValueCommand,
  SecretsManagerClient,
  type SecretsManagerClientConfig,
} from '@aws-sdk/client-secrets-manager';
import { SealtrailError } from '../../log/error.ts';
import { limits } from '../aws-clients.ts';

/**
 * The text of a secret in AWS Secrets Manager, in its current version.
 *
 * @param id its ARN or name
 * @throws `not_found` where it holds no text; the errors of the SDK
 */
export async function fetchSecret(id: string, config: SecretsManagerClientConfig = {}): Promise<string> {
  const client = new SecretsManagerClient({ maxAttempts: 3, requestHandler: limits(1_000, 5_000), ...config });
  try {
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: id }));
    if (text === undefined) throw new SealtrailError('not_found', `the secret ${id} holds no text`);
    return text;
  } finally {
    client.destroy();
  }
}
