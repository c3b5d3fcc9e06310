import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import { UNITS } from '../../../functions/telemetry.ts';
import { alarmTopic } from '../../../lib/stack/monitoring/topic.ts';
import { makeStack, synthesise } from '../synthesised.ts';

const template = synthesise();
const RUNBOOKS = readFileSync(join(import.meta.dirname, '../../../docs/alarms.md'), 'utf8');

interface Alarm {
  readonly id: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly TreatMissingData: string;
  readonly ComparisonOperator: string;
  readonly AlarmActions: unknown;
  readonly OKActions: unknown;
  readonly Dimensions?: unknown;
}

const alarms: readonly Alarm[] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(
  ([logicalId, { Properties }]) => ({ id: logicalId.replace(/^Sealtrail(\w+Alarm)\w{8}$/, '$1'), ...Properties }),
);
const [service] = Object.values(template.findResources('AWS::Lambda::Function')).map(
  ({ Properties }) => Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME,
);

const alarmsOf = (place: string) => ({
  'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:cloudwatch:${place}:alarm:*`]],
});

describe('alarms', () => {
  // Each line: what is watched, from where on, for how many periods, and whether silence is an alarm too.
  it.each([
    ['TamperingAlarm', 'Sealtrail', 'Tampering', 1, 1, 'notBreaching'],
    ['ClockAlarm', 'Sealtrail', 'ClockBehind', 1, 1, 'notBreaching'],
    ['VerificationAlarm', 'Sealtrail', 'VerificationFailures', 1, 1, 'breaching'],
    ['SealLagAlarm', 'Sealtrail', 'SealLag', 120_000, 1, 'breaching'],
    ['ArchiveLagAlarm', 'Sealtrail', 'ArchiveLag', 300_000, 1, 'breaching'],
    ['FollowerAlarm', 'Sealtrail', 'FollowerFailures', 1, 3, 'notBreaching'],
    ['ExportAlarm', 'Sealtrail', 'ExportFailures', 1, 1, 'notBreaching'],
    ['UnsealedAlarm', 'Sealtrail', 'Unsealed', 1, 3, 'notBreaching'],
    ['WakeUpAlarm', 'AWS/Lambda', 'IteratorAge', 600_000, 1, 'notBreaching'],
    ['FailedPayloadAlarm', 'AWS/Lambda', 'OnFailureDestinationDeliveredEventCount', 1, 1, 'notBreaching'],
    ['LostPayloadAlarm', 'AWS/Lambda', 'DestinationDeliveryFailures', 1, 1, 'notBreaching'],
    ['ServerErrorAlarm', 'AWS/ApiGateway', '5xx', 1, 3, 'notBreaching'],
    ['ApiThrottleAlarm', 'Sealtrail', 'ApiThrottles', 1, 2, 'notBreaching'],
    ['TableWriteThrottleAlarm', 'AWS/DynamoDB', 'WriteThrottleEvents', 1, 2, 'notBreaching'],
    ['TableReadThrottleAlarm', 'AWS/DynamoDB', 'ReadThrottleEvents', 1, 2, 'notBreaching'],
    ['AppendThrottleAlarm', 'AWS/Lambda', 'Throttles', 1, 2, 'notBreaching'],
    ['FollowThrottleAlarm', 'AWS/Lambda', 'Throttles', 1, 2, 'notBreaching'],
    ['AppendErrorAlarm', 'AWS/Lambda', 'Errors', 1, 3, 'notBreaching'],
    ['VerifyErrorAlarm', 'AWS/Lambda', 'Errors', 1, 1, 'notBreaching'],
    ['AppendDurationAlarm', 'AWS/Lambda', 'Duration', 26_100, 3, 'notBreaching'],
    ['VerifyDurationAlarm', 'AWS/Lambda', 'Duration', 810_000, 1, 'notBreaching'],
    ['ExportDurationAlarm', 'AWS/Lambda', 'Duration', 882_000, 1, 'notBreaching'],
    ['ExportDeadLetterAlarm', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', 1, 1, 'notBreaching'],
    ['VerifyDeadLetterAlarm', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', 1, 1, 'notBreaching'],
    ['FollowDeadLetterAlarm', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', 10, 1, 'notBreaching'],
  ])('%s watches %s %s', (id, Namespace, MetricName, Threshold, EvaluationPeriods, TreatMissingData) => {
    const alarm = alarms.find((one) => one.id === id);
    const expected = { Namespace, MetricName, Threshold, EvaluationPeriods, TreatMissingData };
    expect(alarm).toMatchObject({ ...expected, ComparisonOperator: 'GreaterThanOrEqualToThreshold' });
  });

  it('watch every function of the log for errors, long runs and throttles; what a deployment runs tells the deployment', () => {
    const functions = Object.keys(template.findResources('AWS::Lambda::Function'));
    const working = functions.filter((id) => !/PublicKey|Emptying|Guard/.test(id)).sort();
    expect(working).toHaveLength(6);
    for (const metric of ['Errors', 'Duration', 'Throttles']) {
      const watched = alarms.filter(({ MetricName }) => MetricName === metric);
      expect(watched.map(({ Dimensions }) => JSON.stringify(Dimensions).match(/"Ref":"(\w+)"/)?.[1]).sort()).toEqual(
        working,
      );
    }
  });

  it('watch what every asynchronous invocation may end in: a limit on tries and age, then a queue', () => {
    const limits = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig')).map((one) => one.Properties);
    const queueOf = ({ DestinationConfig }: (typeof limits)[number]) => DestinationConfig.OnFailure.Destination;
    const byFunction = limits.map(({ FunctionName, MaximumRetryAttempts, MaximumEventAgeInSeconds }) => [
      FunctionName.Ref.replace(/^Sealtrail(\w+)\w{8}$/, '$1'),
      MaximumRetryAttempts,
      MaximumEventAgeInSeconds,
    ]);
    expect(byFunction.sort()).toEqual([
      ['Export', 2, 3600],
      ['Follow', 0, 60],
      ['Verify', 0, 3600],
    ]);
    const watched = alarms.filter(({ id }) => id.endsWith('DeadLetterAlarm')).map(({ Dimensions }) => Dimensions);
    const queues = limits.map((one) => ({ 'Fn::GetAtt': [queueOf(one)['Fn::GetAtt'][0], 'QueueName'] }));
    expect(watched).toEqual(expect.arrayContaining(queues.map((Value) => [{ Name: 'QueueName', Value }])));
    // Whatever starts a function by a rule starts it asynchronously.
    const started = Object.values(template.findResources('AWS::Events::Rule')).flatMap(({ Properties }) =>
      Properties.Targets.flatMap(({ Arn }: { Arn: { 'Fn::GetAtt': [string] } }) => Arn['Fn::GetAtt'][0]),
    );
    const functions = started.filter((id) => Object.hasOwn(template.findResources('AWS::Lambda::Function'), id));
    expect(limits.map(({ FunctionName }) => FunctionName.Ref).sort()).toEqual([...new Set(functions)].sort());
  });

  it('have no rows in this table that are missing here', () => {
    expect(alarms).toHaveLength(16 + 6 * 3 + 3);
  });

  const topic = { Ref: Object.keys(template.findResources('AWS::SNS::Topic'))[0] };

  it('all tell the topic when they go off and when they are over', () => {
    expect(alarms.map(({ AlarmActions }) => AlarmActions)).toEqual(alarms.map(() => [topic]));
    expect(alarms.map(({ OKActions }) => OKActions)).toEqual(alarms.map(() => [topic]));
  });

  it('are summed up by one that goes off with any of them', () => {
    const [any] = Object.values(template.findResources('AWS::CloudWatch::CompositeAlarm'));
    const ids = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
    expect(any?.Properties).toMatchObject({ AlarmActions: [topic], OKActions: [topic] });
    const rule = JSON.stringify(any?.Properties.AlarmRule);
    expect(ids.filter((id) => !rule.includes(`"Ref":"${id}"`))).toEqual([]);
    // A generated name has the stack's and the alarm's own, and 13 characters; CloudWatch takes 10,240.
    const length = ids.reduce((sum, id) => sum + 'ALARM("") OR '.length + 128 + id.length + 13, 0);
    expect(length).toBeLessThan(10_240);
  });

  describe('reach the topic', () => {
    const POLICY = 'AWS::SNS::TopicPolicy';
    const publish = Match.objectLike({
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: topic,
      Condition: {
        StringEquals: { 'aws:SourceAccount': '111122223333' },
        ArnLike: { 'aws:SourceArn': alarmsOf('eu-central-1:111122223333') },
      },
    });
    const tls = Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });

    it('whose policy lets CloudWatch of this account publish, and nothing that is not sent over TLS', () => {
      // A policy replaces the default one of SNS: what it does not allow to a service is refused.
      template.hasResourceProperties(POLICY, { PolicyDocument: { Statement: Match.arrayWith([tls, publish]) } });
    });

    it('of the app, with its key: both let CloudWatch through', () => {
      const stack = makeStack();
      const masterKey: unknown = new Key(stack, 'PagerKey');
      const pager: unknown = new Topic(stack, 'Pager', { masterKey: masterKey as IKey });
      alarmTopic(stack, pager as ITopic); // CDK is not written for exactOptionalPropertyTypes
      const own = Template.fromStack(stack);
      const service = { Principal: { Service: 'cloudwatch.amazonaws.com' } };
      own.hasResourceProperties(POLICY, {
        PolicyDocument: {
          Statement: Match.arrayWith([Match.objectLike({ Action: 'sns:Publish', ...service })]),
        },
        Topics: [{ Ref: Match.stringLikeRegexp('^Pager') }],
      });
      own.hasResourceProperties('AWS::KMS::Key', {
        KeyPolicy: {
          Statement: Match.arrayWith([
            Match.objectLike({ Action: ['kms:Decrypt', 'kms:GenerateDataKey*'], ...service }),
          ]),
        },
      });
    });

    it('imported by its ARN, whose policy no stack can change: synthesis says what it must allow', () => {
      const stack = makeStack({
        alarmTopic: Topic.fromTopicArn(new Stack(), 'Pager', 'arn:aws:sns:eu-central-1:111122223333:pager'),
      });
      const said = Annotations.fromStack(stack).findInfo(
        '*',
        Match.stringLikeRegexp('must let cloudwatch.amazonaws.com'),
      );
      expect(said).toHaveLength(1);
      expect(RUNBOOKS).toContain('### A topic of your own');
    });
  });

  it('watch this deployment, under the name that its functions report by', () => {
    const own = alarms.filter(({ Namespace }) => Namespace === 'Sealtrail');
    for (const { Dimensions } of own) expect(Dimensions).toEqual([{ Name: 'service', Value: service }]);
  });

  it('watch metrics that a function counts; the 429 of the API are counted in its access log', () => {
    const own = alarms.filter(({ Namespace }) => Namespace === 'Sealtrail').map(({ MetricName }) => MetricName);
    expect(own.filter((name) => !Object.hasOwn(UNITS, name))).toEqual(['ApiThrottles']);
    template.hasResourceProperties('AWS::Logs::MetricFilter', {
      FilterPattern: '{ $.status = "429" }',
      MetricTransformations: [
        {
          MetricNamespace: 'Sealtrail',
          MetricName: 'ApiThrottles',
          MetricValue: '1',
          Dimensions: [{ Key: 'service', Value: '$.service' }],
        },
      ],
    });
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    expect(JSON.parse(stage?.Properties.AccessLogSettings.Format)).toMatchObject({
      service,
      status: '$context.status',
    });
  });

  it('learn of failed payloads, since the mapping counts its records', () => {
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', { MetricsConfig: { Metrics: ['EventCount'] } });
    const [mapping] = Object.keys(template.findResources('AWS::Lambda::EventSourceMapping'));
    expect(alarms.find(({ id }) => id === 'FailedPayloadAlarm')?.Dimensions).toEqual([
      { Name: 'EventSourceMappingUUID', Value: { Ref: mapping } },
    ]);
  });

  it('have, each of them, a section in docs/alarms.md: what it means and what to do', () => {
    const described = (id: string) =>
      RUNBOOKS.includes(`\`${id}\``) ||
      RUNBOOKS.includes(`### \`${id.replace(/^(Append|Read|Export|Seal|Follow|Verify)/, '')}\` of a function`);
    expect([...alarms.map(({ id }) => id), 'AnyAlarm'].filter((id) => !described(id))).toEqual([]);
  });
});

describe('the dashboard', () => {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = JSON.stringify(dashboard?.Properties.DashboardBody);

  it('shows every metric that functions count, and every alarm', () => {
    expect(Object.keys(UNITS).filter((name) => !body.includes(`\\"${name}\\"`))).toEqual([]);
    const ids = Object.keys(template.findResources('AWS::CloudWatch::Alarm'));
    expect(ids.filter((id) => !body.includes(`"${id}"`))).toEqual([]);
  });
});
