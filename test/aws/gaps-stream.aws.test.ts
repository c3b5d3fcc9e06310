import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTableCommand, UpdateTableCommand, UpdateTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { CreateEventSourceMappingCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamoClient, s3Client } from '../../lib/store/aws-clients.ts';
import { EXPIRES_AT } from '../../lib/store/dynamodb/item.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { folderUntil } from '../store/temporary.ts';
import { EVERYTHING, isMinistack } from './emulated.ts';
import { createBucket, createFunctionRole, createTable } from './resources.ts';

/**
 * Where an emulator falls short of what Lambda does with a table's stream. What our function answers to a batch, and what
 * it makes of a record, is tested in `test/functions`; what the mapping is set to, in `test/stack`.
 */

/** Says what it is handed, and that a record of the item `fails` has failed. */
const CODE = `export const handler = async ({ Records }) => {
  for (const { eventName, dynamodb, userIdentity } of Records) {
    console.log('handed ' + eventName + ' ' + dynamodb.Keys.sort.S + ' ' + (userIdentity?.principalId ?? ''));
  }
  const failed = Records.filter(({ dynamodb }) => dynamodb.Keys.sort.S === 'fails');
  return { batchItemFailures: failed.map(({ dynamodb }) => ({ itemIdentifier: dynamodb.SequenceNumber })) };
};`;

const RETRIES = 2;
const name = `gaps-${randomUUID()}`;
const folder = folderUntil((task) => afterAll(task));
const logs = new CloudWatchLogsClient(EVERYTHING);
const table = new DynamoTable({ client: dynamoClient(EVERYTHING), tableName: name });
const failed = new S3Objects({ client: s3Client({ ...EVERYTHING, forcePathStyle: true }), bucket: name });

beforeAll(async () => {
  await Promise.all([createTable(name, EVERYTHING), createBucket(name)]);
  const dynamo = dynamoClient(EVERYTHING);
  const StreamSpecification = { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' } as const;
  await dynamo.send(new UpdateTableCommand({ TableName: name, StreamSpecification }));
  const TimeToLiveSpecification = { Enabled: true, AttributeName: EXPIRES_AT };
  await dynamo.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }));
  const { Table } = await dynamo.send(new DescribeTableCommand({ TableName: name }));
  dynamo.destroy();
  writeFileSync(join(folder, 'index.mjs'), CODE);
  execFileSync('python3', ['-m', 'zipfile', '-c', 'code.zip', 'index.mjs'], { cwd: folder });
  const lambda = new LambdaClient(EVERYTHING);
  await lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName: name, Runtime: 'nodejs24.x', Handler: 'index.handler' },
      Role: await createFunctionRole(name),
      Code: { ZipFile: readFileSync(join(folder, 'code.zip')) },
    }),
  );
  await lambda.send(
    new CreateEventSourceMappingCommand({
      ...{ FunctionName: name, EventSourceArn: Table?.LatestStreamArn, StartingPosition: 'TRIM_HORIZON' },
      ...{ BatchSize: 1, FunctionResponseTypes: ['ReportBatchItemFailures'], MaximumRetryAttempts: RETRIES },
      DestinationConfig: { OnFailure: { Destination: `arn:aws:s3:::${name}` } },
    }),
  );
  lambda.destroy();
});
afterAll(async () => {
  logs.destroy();
  await table.close();
  await failed.close();
});

const put = (sort: string, expiresAt?: number) =>
  table.transact([
    { put: { partition: 'a', sort, attributes: {}, ...(expiresAt === undefined ? {} : { expiresAt }) } },
  ]);

/** What the function was handed so far, once it was handed this. */
async function handedUpTo(sort: string): Promise<readonly string[]> {
  const handed = async () => {
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${name}` }));
    return (events ?? []).flatMap(({ message }) => /handed (.*\S)/.exec(message ?? '')?.[1] ?? []);
  };
  await expect.poll(handed, { timeout: 60_000, interval: 200 }).toContain(`INSERT ${sort}`);
  return handed();
}

describe('AWS hands a record again that a function says it could not take, and at last leaves it in a bucket', () => {
  it(`${isMinistack ? 'and ministack hands it once and forgets it' : 'and so does what answers for everything'}`, async () => {
    await put('fails');
    await put('after');
    const handed = await handedUpTo('after');
    expect(handed.filter((one) => one === 'INSERT fails')).toHaveLength(isMinistack ? 1 : 1 + RETRIES);
    expect(await Array.fromAsync(failed.list(''))).toHaveLength(isMinistack ? 0 : 1);
  });
});

// AWS takes up to days to remove what has expired: only what is quicker can be asked.
describe.runIf(isMinistack)(
  'AWS puts what has expired and was removed into the stream, and says that it was DynamoDB',
  () => {
    it('and ministack removes it and says nothing', async () => {
      await put('expired', 1_795_240_800);
      await expect
        .poll(() => table.get({ partition: 'a', sort: 'expired' }), { timeout: 100_000, interval: 1000 })
        .toBe(undefined);
      await put('last');
      const handed = await handedUpTo('last');
      expect(handed).toContain('INSERT expired');
      expect(handed).not.toContain('REMOVE expired dynamodb.amazonaws.com');
      expect(handed.filter((one) => one.startsWith('REMOVE'))).toEqual([]);
    }, 120_000);
  },
);
