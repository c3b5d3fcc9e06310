import { Duration, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { describe, expect, it } from 'vitest';
import { type Statement, synthesise } from './synthesised.ts';

/** What the props of the construct change, and what the functions are told of it. */

/** Without what `seal` alone is told: whom to ask. */
const commonOf = ({ SEALTRAIL_FOLLOWER: _, ...all }: Readonly<Record<string, string>>) => all;

/** What each function of the log is told; all are told the same. What a deployment runs is told of its resource alone. */
function told(template: ReturnType<typeof synthesise>): Readonly<Record<string, string>> {
  const [first, ...others] = Object.values(template.findResources('AWS::Lambda::Function'))
    .map(({ Properties }) => commonOf(Properties.Environment.Variables))
    .filter((variables) => Object.hasOwn(variables, 'SEALTRAIL_TABLE'));
  expect(others).toHaveLength(5);
  for (const other of others) expect(other).toEqual(first);
  return first ?? {};
}

const retentionOf = (template: ReturnType<typeof synthesise>) => JSON.parse(told(template).SEALTRAIL_RETENTION ?? '');

describe('retention', () => {
  it('is by stage: a week and a governed day in dev, ninety days and seven years of compliance in production', () => {
    const dev = { default: { hotDays: 7, archiveDays: 1, lock: 'governance' }, trails: [] };
    const prod = { default: { hotDays: 90, archiveDays: 2557, lock: 'compliance' }, trails: [] };
    expect(retentionOf(synthesise())).toEqual(dev);
    expect(retentionOf(synthesise({ stage: 'prod' }))).toEqual(prod);
  });

  it('is as the props say, for all trails and by trail', () => {
    const template = synthesise({
      stage: 'prod',
      hotFor: 'forever',
      archiveFor: Duration.days(400),
      trailRetention: [
        { trail: 'debug-*', hotFor: Duration.days(7), archiveFor: Duration.days(30), lock: 'governance' },
        { trail: 'orders', archiveFor: Duration.days(3650) },
      ],
    });
    expect(retentionOf(template)).toEqual({
      default: { hotDays: 'forever', archiveDays: 400, lock: 'compliance' },
      trails: [
        { trail: 'debug-*', hotDays: 7, archiveDays: 30, lock: 'governance' },
        { trail: 'orders', archiveDays: 3650 },
      ],
    });
  });

  it.each([
    [{ archiveFor: Duration.days(0) }, 'archiveFor must be at least one day'],
    [{ hotFor: Duration.days(2) }, "hotFor must be at least 3 days, or 'forever'"],
    [{ trailRetention: [{ trail: 'orders', hotFor: Duration.days(1) }] }, 'hotFor must be at least 3 days'],
    [{ trailRetention: [{ trail: 'No Trail', hotFor: Duration.days(7) }] }, 'retention: trails.0.trail: must be a'],
    [{ archiveFor: Duration.days(40_000) }, 'retention: default.archiveDays'],
  ])('refuses %j', (props, message) => {
    expect(() => synthesise(props)).toThrow(message);
  });

  it('in compliance mode of one trail alone makes the bucket one that nobody empties, of the stage dev too', () => {
    const template = synthesise({ trailRetention: [{ trail: 'payments', lock: 'compliance' }] });
    expect(template.findResources('Custom::SealtrailEmptyBucket')).toEqual({});
    const policy = template.findResources('AWS::S3::BucketPolicy').SealtrailArchivePolicyF375FFA5?.Properties;
    const statements: readonly Statement[] = policy.PolicyDocument.Statement;
    expect(statements.map(({ Sid }) => Sid)).toContain('NobodyBypassesTheLock');
  });
});

describe('props', () => {
  it('say how many requests the API lets through', () => {
    synthesise({ throttle: { rate: 50, burst: 70 } }).hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 70 },
    });
  });

  it('say where alarms go; then the log has no topic of its own', () => {
    const arn = 'arn:aws:sns:eu-central-1:111122223333:pager';
    const template = synthesise({ alarmTopic: Topic.fromTopicArn(new Stack(), 'Pager', arn) });
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: [arn] });
    template.resourceCountIs('AWS::SNS::Topic', 0);
  });

  it('say what is masked and whether reads are recorded, and the functions are told', () => {
    const privacy = { default: { pii: 'include' } } as const;
    const template = synthesise({ privacy, recordReads: false });
    expect(JSON.parse(told(template).SEALTRAIL_PRIVACY ?? '')).toEqual(privacy);
    expect(told(template).SEALTRAIL_RECORD_READS).toBe('false');
    expect(told(synthesise()).SEALTRAIL_RECORD_READS).toBe('true');
  });

  it('name the log, to whoever signs and to whoever tells its key', () => {
    expect(told(synthesise({ logName: 'log.example' })).SEALTRAIL_LOG_NAME).toBe('log.example');
    synthesise({ logName: 'log.example' }).hasResourceProperties('Custom::SealtrailPublicKey', {
      LogName: 'log.example',
      SigningKey: Match.anyValue(),
    });
  });
});
