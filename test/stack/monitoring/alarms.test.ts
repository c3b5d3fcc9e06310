import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { UNITS } from '../../../functions/telemetry.ts';
import { synthesise } from '../synthesised.ts';

const template = synthesise();
const OPERATIONS = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');

interface Alarm {
  readonly id: string;
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly TreatMissingData: string;
  readonly ComparisonOperator: string;
  readonly AlarmActions: unknown;
  readonly Dimensions?: unknown;
}

const alarms: readonly Alarm[] = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(
  ([logicalId, { Properties }]) => ({ id: logicalId.replace(/^Sealtrail(\w+Alarm)\w{8}$/, '$1'), ...Properties }),
);
const [service] = Object.values(template.findResources('AWS::Lambda::Function')).map(
  ({ Properties }) => Properties.Environment.Variables.POWERTOOLS_SERVICE_NAME,
);

describe('alarms', () => {
  // Each line: what is watched, from where on, for how many periods, and whether silence is an alarm too.
  it.each([
    ['TamperingAlarm', 'Sealtrail', 'Tampering', 1, 1, 'notBreaching'],
    ['VerificationAlarm', 'Sealtrail', 'VerificationFailures', 1, 1, 'breaching'],
    ['SealLagAlarm', 'Sealtrail', 'SealLag', 120_000, 1, 'breaching'],
    ['ArchiveLagAlarm', 'Sealtrail', 'ArchiveLag', 300_000, 1, 'breaching'],
    ['FollowerAlarm', 'Sealtrail', 'FollowerFailures', 1, 3, 'notBreaching'],
    ['ExportAlarm', 'Sealtrail', 'ExportFailures', 1, 1, 'notBreaching'],
    ['UnsealedAlarm', 'Sealtrail', 'Unsealed', 1, 3, 'notBreaching'],
    ['WakeUpAlarm', 'AWS/Lambda', 'IteratorAge', 600_000, 1, 'notBreaching'],
    ['FailedPayloadAlarm', 'AWS/Lambda', 'OnFailureDestinationDeliveredEventCount', 1, 1, 'notBreaching'],
    ['LostPayloadAlarm', 'AWS/Lambda', 'DestinationDeliveryFailures', 1, 1, 'notBreaching'],
    ['ServerErrorAlarm', 'AWS/ApiGateway', '5xx', 1, 1, 'notBreaching'],
    ['ApiThrottleAlarm', 'Sealtrail', 'ApiThrottles', 1, 2, 'notBreaching'],
    ['TableWriteThrottleAlarm', 'AWS/DynamoDB', 'WriteThrottleEvents', 1, 2, 'notBreaching'],
    ['TableReadThrottleAlarm', 'AWS/DynamoDB', 'ReadThrottleEvents', 1, 2, 'notBreaching'],
    ['AppendThrottleAlarm', 'AWS/Lambda', 'Throttles', 1, 2, 'notBreaching'],
    ['FollowThrottleAlarm', 'AWS/Lambda', 'Throttles', 1, 2, 'notBreaching'],
  ])('%s watches %s %s', (id, Namespace, MetricName, Threshold, EvaluationPeriods, TreatMissingData) => {
    const alarm = alarms.find((one) => one.id === id);
    const expected = { Namespace, MetricName, Threshold, EvaluationPeriods, TreatMissingData };
    expect(alarm).toMatchObject({ ...expected, ComparisonOperator: 'GreaterThanOrEqualToThreshold' });
  });

  it('watch every function for throttles, and nothing that has no line above', () => {
    const throttled = alarms.flatMap(({ MetricName, Dimensions }) => (MetricName === 'Throttles' ? [Dimensions] : []));
    const functions = Object.keys(template.findResources('AWS::Lambda::Function'));
    expect(throttled.length).toBeGreaterThanOrEqual(5);
    for (const dimensions of throttled) {
      const named = JSON.stringify(dimensions).match(/"Ref":"(\w+)"/)?.[1] ?? '';
      expect(functions).toContain(named);
    }
    expect(alarms.length - throttled.length).toBe(14);
  });

  it('all tell the topic, which takes nothing that is not sent over TLS', () => {
    const topic = { Ref: Object.keys(template.findResources('AWS::SNS::Topic'))[0] };
    expect(alarms.map(({ AlarmActions }) => AlarmActions)).toEqual(alarms.map(() => [topic]));
    template.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
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

  it('have, each of them, a section in docs/operations.md: what it means and what to do', () => {
    const described = (id: string) =>
      OPERATIONS.includes(`\`${id}\``) ||
      (/^[A-Z][a-z]+ThrottleAlarm$/.test(id) && OPERATIONS.includes('ThrottleAlarm'));
    expect(alarms.map(({ id }) => id).filter((id) => !described(id))).toEqual([]);
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
