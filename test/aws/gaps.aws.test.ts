import { randomUUID } from 'node:crypto';
import { CloudFormationClient, CreateStackCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, ListMetricsCommand } from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  FilterLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { SignCommand } from '@aws-sdk/client-kms';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { dynamoClient, kmsClient, s3Client } from '../../lib/store/aws-clients.ts';
import { DynamoTable } from '../../lib/store/dynamodb/table.ts';
import type { Write } from '../../lib/store/ports.ts';
import { S3Objects } from '../../lib/store/s3/objects.ts';
import { EVERYTHING, isMinistack } from './emulated.ts';
import { createBucket, createKey, createTable } from './resources.ts';

/**
 * Where an emulator falls short of AWS: each test says what AWS does and what answered instead. Once an emulator does
 * better its test fails, and can go, with what the other tests leave out for its sake. More of them: `gaps-stream.aws.test.ts`
 * for streams, and at the end of `deploy.aws.test.ts` what shows in a whole stack.
 */

/** A transaction of about so many bytes. */
const transactionOf = (bytes: number): Write[] =>
  Array.from({ length: 10 }, (_, n) => ({
    put: { partition: 'large', sort: String(n), attributes: { b: new Uint8Array(bytes / 10 - 100) } },
  }));

describe('AWS takes transactions of 4 MB, however their bytes are encoded on the wire', () => {
  it('which DynamoDB Local shows', async () => {
    const tableName = `gaps-${randomUUID()}`;
    await createTable(tableName);
    const table = new DynamoTable({ client: dynamoClient(), tableName });
    expect(await table.transact(transactionOf(3_990_000))).toEqual({ committed: true });
    await table.close();
  });

  const told = isMinistack ? 'and ministack does not: it counts the base64' : 'and so does what answers for everything';
  it(told, async () => {
    const tableName = `gaps-${randomUUID()}`;
    await createTable(tableName, EVERYTHING);
    const table = new DynamoTable({ client: dynamoClient(EVERYTHING), tableName });
    const outcome = await table.transact(transactionOf(3_200_000)).catch((error: Error) => error.message);
    expect(outcome).toEqual(
      isMinistack
        ? 'DynamoDB refused a request: Transaction request exceeds the 4MB transaction size limit'
        : { committed: true },
    );
    await table.close();
  });
});

describe('AWS signs RAW messages of at most 4,096 bytes', () => {
  const told = isMinistack ? 'and ministack signs longer ones' : 'and so does what answers for everything';
  it(`${told}; the driver sends none`, async () => {
    const client = kmsClient();
    const command = new SignCommand({
      ...{ KeyId: await createKey('ecdsa-p256'), SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'RAW' },
      Message: new Uint8Array(4_097),
    });
    const told = await client.send(command).then(
      () => 'signed',
      (error: Error) => error.name,
    );
    expect(told).toBe(isMinistack ? 'signed' : 'ValidationException');
    client.destroy();
  });
});

describe('AWS gives the keys of a listing in URL encoding when it is asked to', () => {
  it(`${isMinistack ? 'and ministack does not for versions' : 'and so does what answers for everything'}: a carriage return`, async () => {
    const bucket = `gaps-${randomUUID()}`;
    await createBucket(bucket);
    const client = s3Client();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a\rb', Body: 'x' }));
    const objects = new S3Objects({ client, bucket });
    expect(await Array.fromAsync(objects.list(''))).toEqual([{ key: 'a\rb', size: 1 }]);
    // XML 1.0 section 2.11: a carriage return that stands in the text is read as a line feed.
    const [version] = await Array.fromAsync(objects.versions(''));
    expect(version?.key).toBe(isMinistack ? 'a\nb' : 'a\rb');
    await objects.close();
  });
});

// AWS takes minutes: only what would be quicker can be asked.
describe.runIf(isMinistack)('AWS makes metrics of lines in the embedded metric format', () => {
  it('and ministack does not: what the functions print, tests have to take to CloudWatch themselves', async () => {
    const name = `gaps-${randomUUID()}`;
    const stream = { logGroupName: name, logStreamName: 'lines' };
    const timestamp = Date.now();
    // CloudWatch user guide, "Specification: Embedded metric format".
    const CloudWatchMetrics = [{ Namespace: name, Dimensions: [['service']], Metrics: [{ Name: 'Events' }] }];
    const message = JSON.stringify({ _aws: { Timestamp: timestamp, CloudWatchMetrics }, service: 'a', Events: 1 });
    const logs = new CloudWatchLogsClient(EVERYTHING);
    await logs.send(new CreateLogGroupCommand({ logGroupName: name }));
    await logs.send(new CreateLogStreamCommand(stream));
    await logs.send(new PutLogEventsCommand({ ...stream, logEvents: [{ timestamp, message }] }));
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName: name }));
    expect(events).toMatchObject([{ message }]);
    logs.destroy();
    const metrics = new CloudWatchClient(EVERYTHING);
    expect((await metrics.send(new ListMetricsCommand({ Namespace: name }))).Metrics).toEqual([]);
    metrics.destroy();
  });
});

describe.runIf(isMinistack)('AWS takes composite alarms in a template', () => {
  it('and ministack does not: the stack is deployed there without the one over all alarms', async () => {
    const client = new CloudFormationClient(EVERYTHING);
    const AnyAlarm = { Type: 'AWS::CloudWatch::CompositeAlarm', Properties: { AlarmRule: 'FALSE' } };
    const template = { TemplateBody: JSON.stringify({ Resources: { AnyAlarm } }) };
    const made = client.send(new CreateStackCommand({ StackName: `gaps-${randomUUID()}`, ...template }));
    await expect(made).rejects.toThrow('Unrecognized resource types: [AWS::CloudWatch::CompositeAlarm]');
    client.destroy();
  });
});
