import './localhost.ts';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, SetAlarmStateCommand } from '@aws-sdk/client-cloudwatch';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { dynamoClient } from '../../lib/store/aws-clients.ts';
import { Deployment, type Outputs } from './deployment.ts';
import { EVERYTHING, isMinistack, STACK } from './emulated.ts';

/**
 * A stack that changes, or fails to, on the emulator alone: it takes production stacks, which an account would keep for years.
 */

const MINUTES = 60_000;
const name = `${STACK}-changes`;
const cloudFormation = new CloudFormationClient(EVERYTHING);

/** Of a metric that no test prints: the emulator does not tell metrics of several stacks apart, and moves alarms by all of them. */
const ALARM = 'TableWriteThrottleAlarm';

async function statusOf(stack: string): Promise<string | undefined> {
  const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: stack }));
  return Stacks?.[0]?.StackStatus;
}

async function tableOf(TableName: string) {
  const client = dynamoClient({ ...EVERYTHING, requestHandler: {} });
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  client.destroy();
  return Table;
}

describe.runIf(isMinistack)('a stack that is deployed again', () => {
  const deployment = new Deployment(name, 'audit.example.com');
  let outputs: Outputs;
  beforeAll(async () => {
    await deployment.bootstrap();
    outputs = await deployment.deploy();
  }, 5 * MINUTES);
  afterAll(() => cloudFormation.destroy());

  it(
    'goes back to dev when something fails on its way to prod, and may try again',
    async () => {
      expect(await deployment.failsToDeploy(['stage=prod'], { isLater: true })).toContain('not-there');
      expect(await statusOf(name)).toBe('UPDATE_ROLLBACK_COMPLETE');
      expect(await tableOf(outputs.TableName)).toMatchObject({ DeletionProtectionEnabled: false });
      expect(await deployment.deploy('stage=prod')).toMatchObject({ TableName: outputs.TableName });
      expect(await tableOf(outputs.TableName)).toMatchObject({ DeletionProtectionEnabled: true });
    },
    5 * MINUTES,
  );

  it(
    'stays prod when someone forgets to say so: the table keeps its protection all the while',
    async () => {
      expect(await deployment.failsToDeploy([])).toContain('this log is prod and cannot become dev');
      expect(await statusOf(name)).toBe('UPDATE_ROLLBACK_COMPLETE');
      expect(await tableOf(outputs.TableName)).toMatchObject({ DeletionProtectionEnabled: true });
    },
    5 * MINUTES,
  );

  it(
    'keeps a retired key retired when someone forgets the rotation',
    async () => {
      const rotated = await deployment.deploy('stage=prod', 'signingKeys=2', 'retiredKeys=1');
      expect(rotated.SigningKeyArn).not.toBe(outputs.SigningKeyArn);
      expect(await deployment.failsToDeploy(['stage=prod'])).toContain('this log has 2 signing keys');
      expect(await deployment.deploy('stage=prod', 'signingKeys=2', 'retiredKeys=1')).toMatchObject(rotated);
    },
    5 * MINUTES,
  );

  it(
    'tells anyone who subscribed to the topic when an alarm goes off, and when it is over',
    async () => {
      const queue = await Subscribed.to(outputs.AlarmTopicArn, name);
      for (const state of ['ALARM', 'OK'] as const) {
        await setAlarm(ALARM, state);
        await expect
          .poll(() => queue.next(), { timeout: MINUTES })
          .toMatchObject({ AlarmName: expect.stringContaining(ALARM), NewStateValue: state });
      }
      queue.close();
    },
    3 * MINUTES,
  );
});

describe.runIf(isMinistack)('a first deployment that fails', () => {
  it(
    'takes its table along, which is protected from deletion, and leaves nothing in the way of the next one',
    async () => {
      const first = `${STACK}-first`;
      const deployment = new Deployment(first, 'audit.example.com');
      expect(await deployment.failsToDeploy(['stage=prod'], { isLater: true })).toContain('not-there');
      expect(await statusOf(first)).toBe('ROLLBACK_COMPLETE');
      expect(await deployment.deploy('stage=prod')).toHaveProperty('TableName');
    },
    5 * MINUTES,
  );
});

/** What CloudWatch does when a metric crosses the threshold. */
async function setAlarm(alarm: string, StateValue: 'ALARM' | 'OK'): Promise<void> {
  const client = new CloudWatchClient(EVERYTHING);
  let AlarmName: string | undefined;
  let NextToken: string | undefined;
  do {
    // All stacks of a test run have alarms, more than one answer holds.
    const page = await client.send(new DescribeAlarmsCommand({ AlarmNamePrefix: name, NextToken }));
    AlarmName = page.MetricAlarms?.find((one) => one.AlarmName?.includes(alarm))?.AlarmName;
    NextToken = page.NextToken;
  } while (AlarmName === undefined && NextToken !== undefined);
  expect(AlarmName, `an alarm of ${name} that is named ${alarm}`).toBeDefined();
  await client.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason: 'drill' }));
  client.destroy();
}

const envelope = z.object({ Message: z.string() });

/** A queue that is subscribed to a topic. */
class Subscribed {
  readonly #queues: SQSClient;
  readonly #url: string;

  private constructor(queues: SQSClient, url: string) {
    this.#queues = queues;
    this.#url = url;
  }

  static async to(TopicArn: string, QueueName: string): Promise<Subscribed> {
    const queues = new SQSClient(EVERYTHING);
    const delivery = {
      ...{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: '*' },
      Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } },
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [delivery] });
    const { QueueUrl = '' } = await queues.send(new CreateQueueCommand({ QueueName, Attributes: { Policy } }));
    const { Attributes } = await queues.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
    const topics = new SNSClient(EVERYTHING);
    await topics.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: Attributes?.QueueArn }));
    topics.destroy();
    return new Subscribed(queues, QueueUrl);
  }

  /** What the oldest message says that was not received yet; undefined when there is none. */
  async next(): Promise<unknown> {
    const { Messages = [] } = await this.#queues.send(new ReceiveMessageCommand({ QueueUrl: this.#url }));
    const [body] = Messages.map(({ Body = '' }) => envelope.parse(JSON.parse(Body)).Message);
    return body === undefined ? undefined : JSON.parse(body);
  }

  close(): void {
    this.#queues.destroy();
  }
}
