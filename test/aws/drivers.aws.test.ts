import { randomUUID } from 'node:crypto';
import { CreateTableCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { CreateKeyCommand } from '@aws-sdk/client-kms';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { dynamoClient, kmsClient, s3Client } from '../../lib/store/aws-clients.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../../lib/store/kms/signer.ts';
import type { SignatureAlgorithm } from '../../lib/store/ports.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { objectsContract } from '../store/objects.contract.ts';
import { signerContract } from '../store/signer.contract.ts';
import { tableContract } from '../store/table.contract.ts';

/**
 * The contract suites over a real wire. `npm run test:aws` starts what answers on it; the endpoint comes from
 * AWS_ENDPOINT_URL, and for the referee of the Table, DynamoDB Local, from AWS_ENDPOINT_URL_DYNAMODB.
 */

const tableName = `contract-${randomUUID()}`;

async function createTable(): Promise<void> {
  const client = dynamoClient();
  await client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'partition', AttributeType: 'S' },
        { AttributeName: 'sort', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'partition', KeyType: 'HASH' },
        { AttributeName: 'sort', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName: tableName });
  client.destroy();
}

let created: Promise<void> | undefined;
tableContract('DynamoTable', {
  open: async () => {
    created ??= createTable();
    await created;
    return new DynamoTable({ client: dynamoClient(), tableName });
  },
});

const bucket = `contract-${randomUUID()}`;
let bucketMade: Promise<unknown> | undefined;
objectsContract('S3Objects', {
  keepsVersions: true,
  open: async () => {
    const client = s3Client({ forcePathStyle: true });
    bucketMade ??= client.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    await bucketMade;
    return new S3Objects({ client, bucket, prefix: 'archive', lock: 'governance' });
  },
});

const KEY_SPECS = { ed25519: 'ECC_NIST_EDWARDS25519', 'ecdsa-p256': 'ECC_NIST_P256' } as const;
const keys = new Map<SignatureAlgorithm, Promise<string>>();
async function createKey(algorithm: SignatureAlgorithm): Promise<string> {
  const command = new CreateKeyCommand({ KeySpec: KEY_SPECS[algorithm], KeyUsage: 'SIGN_VERIFY' });
  return (await kmsClient().send(command)).KeyMetadata?.KeyId ?? '';
}
for (const algorithm of ['ecdsa-p256', 'ed25519'] as const) {
  signerContract('KmsSigner', {
    algorithm,
    open: async () => {
      const made = keys.get(algorithm) ?? createKey(algorithm);
      keys.set(algorithm, made);
      return new KmsSigner({ client: kmsClient(), keyId: await made, algorithm });
    },
  });
}
