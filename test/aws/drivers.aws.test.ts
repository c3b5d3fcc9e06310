import { randomUUID } from 'node:crypto';
import { dynamoClient, kmsClient, s3Client } from '../../lib/store/aws-clients.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import { KmsSigner } from '../../lib/store/kms/signer.ts';
import { S3Downloads } from '../../lib/store/s3/downloads.ts';
import { S3Files } from '../../lib/store/s3/files.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { downloadsContract } from '../../lib/testing/contracts/downloads.ts';
import { filesContract } from '../../lib/testing/contracts/files.ts';
import { objectsContract } from '../../lib/testing/contracts/objects.ts';
import { signerContract } from '../../lib/testing/contracts/signer.ts';
import { tableContract } from '../../lib/testing/contracts/table.ts';
import { EVERYTHING, isMinistack } from './emulated.ts';
import { createBucket, createKey, createTable } from './resources.ts';

/**
 * The contract suites over a real wire. `npm run test:aws` starts what answers on it: everything at AWS_ENDPOINT_URL and,
 * at AWS_ENDPOINT_URL_DYNAMODB, the referee of the Table.
 */

/** Makes something when it is first needed, once. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What ministack takes of the 4 MB is said in `gaps.aws.test.ts`. The SDK finds the referee by itself. */
const TABLES = [
  ['DynamoTable', EVERYTHING, isMinistack ? { takesBytes: 2_793_000 } : {}],
  ['DynamoTable on the referee', {}, {}],
] as const;
for (const [name, config, limits] of TABLES) {
  const tableName = `contract-${randomUUID()}`;
  const created = once(() => createTable(tableName, config));
  tableContract(name, {
    ...limits,
    open: async () => {
      await created();
      return new DynamoTable({ client: dynamoClient(config), tableName });
    },
  });
}

const bucket = `contract-${randomUUID()}`;
const bucketMade = once(() => createBucket(bucket));
objectsContract('S3Objects', {
  keepsVersions: true,
  open: async () => {
    await bucketMade();
    return new S3Objects({ client: s3Client({ forcePathStyle: true }), bucket, prefix: 'archive', lock: 'governance' });
  },
});

downloadsContract('S3Downloads', {
  removesByItself: true,
  open: async () => {
    await bucketMade();
    return new S3Downloads({ client: s3Client({ forcePathStyle: true }), bucket });
  },
  follow: async (link) => {
    const answer = await fetch(link);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (!answer.ok) return undefined;
    const [, fileName = ''] =
      /^attachment; filename="(.*)"$/.exec(answer.headers.get('content-disposition') ?? '') ?? [];
    return { fileName, mediaType: answer.headers.get('content-type') ?? '', bytes };
  },
});

filesContract('S3Files', {
  open: async () => {
    await bucketMade();
    return new S3Files({ client: s3Client({ forcePathStyle: true }), bucket });
  },
});

for (const algorithm of ['ecdsa-p256', 'ed25519'] as const) {
  const keyMade = once(() => createKey(algorithm));
  signerContract('KmsSigner', {
    algorithm,
    open: async () => new KmsSigner({ client: kmsClient(), keyId: await keyMade(), algorithm }),
  });
}
