import { CreateTableCommand, type DynamoDBClientConfig, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { dynamoClient, kmsClient, s3Client } from '../../lib/store/aws-clients.ts';
import type { SignatureAlgorithm } from '../../lib/store/ports.ts';
import { EVERYTHING } from './emulated.ts';

/** Makes a table as the stack makes it, as far as the driver cares. */
export async function createTable(TableName: string, config: DynamoDBClientConfig = {}): Promise<void> {
  // With the SDK's own limits, which are none: an emulator that has just begun takes its time.
  const client = dynamoClient({ ...config, requestHandler: {} });
  const command = new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'partition', AttributeType: 'S' },
      { AttributeName: 'sort', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'partition', KeyType: 'HASH' },
      { AttributeName: 'sort', KeyType: 'RANGE' },
    ],
  });
  await client.send(command);
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 0.2 }, { TableName });
  client.destroy();
}

/** Makes a bucket with Object Lock, and so with versions. */
export async function createBucket(Bucket: string): Promise<void> {
  const client = s3Client({ forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  client.destroy();
}

const KEY_SPECS = { ed25519: 'ECC_NIST_EDWARDS25519', 'ecdsa-p256': 'ECC_NIST_P256' } as const;

/** Makes a signing key and gives its id. */
export async function createKey(algorithm: SignatureAlgorithm): Promise<string> {
  const client = kmsClient();
  const command = new CreateKeyCommand({ KeySpec: KEY_SPECS[algorithm], KeyUsage: 'SIGN_VERIFY' });
  const { KeyMetadata } = await client.send(command);
  client.destroy();
  if (KeyMetadata?.KeyId === undefined) throw new Error('KMS made a key without an id');
  return KeyMetadata.KeyId;
}

/** Makes a role that Lambda runs functions as, which may do anything, and gives its ARN. */
export async function createFunctionRole(RoleName: string): Promise<string> {
  const client = new IAMClient(EVERYTHING);
  const document = (statement: object) => JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const command = new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document(trust) });
  const { Role } = await client.send(command);
  const PolicyDocument = document({ Effect: 'Allow', Action: '*', Resource: '*' });
  await client.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument }));
  client.destroy();
  if (Role?.Arn === undefined) throw new Error('IAM made a role without an ARN');
  return Role.Arn;
}
