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
    [{ trailRetention: [{ trail: 'No Trail', hotFor: Duration.days(7) }] }, 'retention: trails[0].trail: must be a'],
    [{ archiveFor: Duration.days(40_000) }, 'retention: default.archiveDays'],
    [{ keptFor: ['eu-ai-act' as const] }, 'ask for at least 184 days, and archiveFor is 1'],
    [
      { trailRetention: [{ trail: 'cards', keptFor: ['pci-dss' as const], archiveFor: Duration.days(300) }] },
      'archiveFor of the trails cards is 300',
    ],
  ])('refuses %j', (props, message) => {
    expect(() => synthesise(props)).toThrow(message);
  });

  it('in compliance mode of one trail alone makes the bucket one that no one empties, of the stage dev too', () => {
    const template = synthesise({ trailRetention: [{ trail: 'payments', lock: 'compliance' }] });
    expect(template.findResources('Custom::SealtrailEmptyBucket')).toEqual({});
    const policy = template.findResources('AWS::S3::BucketPolicy').SealtrailArchivePolicyF375FFA5?.Properties;
    const statements: readonly Statement[] = policy.PolicyDocument.Statement;
    expect(statements.map(({ Sid }) => Sid)).toContain('NobodyBypassesTheLock');
  });
});

describe('props of how it runs', () => {
  const template = synthesise({
    functions: { append: { memorySize: 2048, reservedConcurrency: 200 }, follow: { timeout: Duration.minutes(10) } },
    streamParallelism: 4,
    archiveDelay: Duration.minutes(10),
    detailedMetrics: true,
  });
  const usual = synthesise();
  const propertiesOf = (one: typeof template, what: string) => {
    const found = one.findResources('AWS::Lambda::Function', { Properties: { Description: what } });
    return Object.values(found)[0]?.Properties;
  };

  it('size functions and reserve concurrency, of which there is none by default: a new account has ten', () => {
    const append = { MemorySize: 2048, ReservedConcurrentExecutions: 200, Timeout: 29 };
    expect(propertiesOf(template, 'Sealtrail: takes events in')).toMatchObject(append);
    expect(propertiesOf(template, 'Sealtrail: seals, archives and indexes')).toMatchObject({ Timeout: 600 });
    // A message must stay hidden as long as the function may run with it.
    template.hasResourceProperties('AWS::SQS::Queue', { DelaySeconds: 30, VisibilityTimeout: 600 });
    expect(JSON.stringify(usual.toJSON())).not.toContain('ReservedConcurrentExecutions');
  });

  it('follow the stream in parallel', () => {
    const parallel = (one: typeof template) =>
      Object.values(one.findResources('AWS::Lambda::EventSourceMapping')).map(
        ({ Properties }) => Properties.ParallelizationFactor,
      );
    expect(parallel(template)).toContain(4);
    expect(parallel(usual)).toContain(1);
  });

  it('trade minutes for objects of the archive, and the alarm waits as much longer', () => {
    expect(told(template).SEALTRAIL_ARCHIVE_DELAY_MS).toBe('600000');
    expect(told(usual)).not.toHaveProperty('SEALTRAIL_ARCHIVE_DELAY_MS');
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'ArchiveLag', Threshold: 900_000 });
  });

  it('count each route by itself only when asked to', () => {
    const metrics = (isOn: boolean) => ({ DefaultRouteSettings: { DetailedMetricsEnabled: isOn } });
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', metrics(true));
    usual.hasResourceProperties('AWS::ApiGatewayV2::Stage', metrics(false));
  });

  it.each([
    [{ throttle: { rate: 0, burst: 0 } }, 'throttle.rate must be 1 to 10000 requests a second, not 0'],
    [{ throttle: { rate: 100_000, burst: 5 } }, 'throttle.rate must be 1 to 10000'],
    [{ throttle: { rate: 5, burst: 100_000 } }, 'throttle.burst must be 1 to 5000 requests at once'],
    [
      { functions: { read: { timeout: Duration.seconds(30) } } },
      'functions.read.timeout must be 1 to 29 seconds, not 30',
    ],
    [{ functions: { verify: { timeout: Duration.minutes(16) } } }, 'functions.verify.timeout must be 1 to 900 seconds'],
    [{ functions: { seal: { memorySize: 128 } } }, 'functions.seal.memorySize must be 256 to 10,240 MB'],
    [{ functions: { seal: { reservedConcurrency: 0 } } }, 'functions.seal.reservedConcurrency must be a whole number'],
    [{ streamParallelism: 11 }, 'streamParallelism must be a whole number from 1 to 10'],
    [{ archiveDelay: Duration.seconds(30) }, 'archiveDelay must be one minute to six hours, not 30 seconds'],
    [{ logName: 'audit\u0001' }, 'without white space, control characters and +'],
  ])('that AWS would not take are refused: %j', (props, message) => {
    expect(() => synthesise(props)).toThrow(message);
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

  it('name the log, to anyone who signs and to anyone who tells its key', () => {
    expect(told(synthesise({ logName: 'log.example' })).SEALTRAIL_LOG_NAME).toBe('log.example');
    synthesise({ logName: 'log.example' }).hasResourceProperties('Custom::SealtrailPublicKey', {
      LogName: 'log.example',
      SigningKey: Match.anyValue(),
    });
  });
});
