import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../lib/api/routes.ts';
import { synthesise } from '../synthesised.ts';

const template = synthesise();

describe('the HTTP API', () => {
  const routes = Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => Properties);

  it('has every route of the log, and its description, and no other', () => {
    const expected = [...ROUTES.map(({ method, path }) => `${method} ${path}`), 'GET /v1/openapi.json', 'GET /healthz'];
    expect(routes.map(({ RouteKey }) => RouteKey).sort()).toEqual(expected.sort());
  });

  it('asks IAM on every one of them but the description and the health, which have a throttle of their own', () => {
    const open = routes
      .filter(({ AuthorizationType }) => AuthorizationType !== 'AWS_IAM')
      .sort((a, b) => (a.RouteKey < b.RouteKey ? -1 : 1));
    expect(open.map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType])).toEqual([
      ['GET /healthz', 'NONE'],
      ['GET /v1/openapi.json', 'NONE'],
    ]);
    template.hasResource('AWS::ApiGatewayV2::Stage', {
      Properties: {
        RouteSettings: {
          'GET /healthz': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
          'GET /v1/openapi.json': { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 },
        },
      },
      DependsOn: Match.arrayWith([Match.stringLikeRegexp('openapi')]),
    });
  });

  it('hands each route to the function that may do what it is for', () => {
    const integrations = template.findResources('AWS::ApiGatewayV2::Integration');
    const served = Object.fromEntries(
      routes.map(({ RouteKey, Target }) => {
        const integration = JSON.stringify(Target).match(/"Ref":"(\w+Integration\w+)"/)?.[1] ?? '';
        const [fn] = integrations[integration]?.Properties.IntegrationUri['Fn::GetAtt'] ?? [];
        return [RouteKey, String(fn).replace(/^Sealtrail(Append|Read|Export|Seal|Verify).*$/, '$1')];
      }),
    );
    const others = Object.entries(served).filter(([, fn]) => fn !== 'Read');
    expect(Object.fromEntries(others)).toEqual({
      'GET /v1/trails/{trail}/events/{seq}/receipt': 'Seal',
      'POST /v1/otlp/{trail}/v1/logs': 'Append',
      'POST /v1/otlp/{trail}/v1/traces': 'Append',
      'POST /v1/trails/{trail}/events': 'Append',
      'POST /v1/trails/{trail}/exports': 'Export',
      'GET /v1/trails/{trail}/exports/{export}': 'Export',
      'POST /v1/trails/{trail}/seals': 'Seal',
      'POST /v1/trails/{trail}/legal-hold': 'Seal',
      'GET /v1/trails/{trail}/legal-hold': 'Seal',
      'GET /v1/trails/{trail}/verifications': 'Verify',
      'POST /v1/trails/{trail}/verifications': 'Verify',
      'GET /v1/trails/{trail}/verifications/{verification}': 'Verify',
    });
  });

  it('throttles and writes an access log that leaves paths out, which may name people', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 },
      AccessLogSettings: { Format: Match.stringLikeRegexp('"route":"\\$context.routeKey"') },
    });
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    expect(stage?.Properties.AccessLogSettings.Format).not.toMatch(/context\.path|rawPath/);
  });
});

describe('the functions', () => {
  it('run on Node 24 on arm64 and log JSON', () => {
    const names = (one: typeof template) =>
      Object.keys(one.findResources('AWS::Lambda::Function')).map((id) => id.replace(/^Sealtrail(\w+)\w{8}$/, '$1'));
    const always = ['Append', 'Export', 'Follow', 'Guard', 'PublicKey', 'Read', 'Seal', 'Verify'];
    expect(names(template).sort()).toEqual([...always, 'EmptyingEmpty'].sort());
    expect(names(synthesise({ stage: 'prod' })).sort()).toEqual([...always, 'Release'].sort());
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      Handler: 'index.handler',
      LoggingConfig: { LogFormat: 'JSON' },
    });
  });

  it('are woken by every commit and by every change of what was committed, and by nothing that a follower writes', () => {
    const inPartitions = (...prefixes: string[]) => ({
      dynamodb: { Keys: { partition: { S: prefixes.map((prefix) => ({ prefix })) } } },
    });
    const eventName = ['MODIFY', 'REMOVE'];
    const patterns = [inPartitions('head/'), { eventName, ...inPartitions('block/', 'block-part/', 'checkpoint/') }];
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      FilterCriteria: { Filters: patterns.map((pattern) => ({ Pattern: JSON.stringify(pattern) })) },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      BisectBatchOnFunctionError: true,
      MaximumRetryAttempts: 5,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': ['SealtrailFailedBatches749088CE', 'Arn'] } } },
      StartingPosition: 'TRIM_HORIZON',
    });
  });

  it('visit every trail each half minute, whatever the stream does: what is archived within a minute cannot wait for one', () => {
    const queue = Object.keys(template.findResources('AWS::SQS::Queue', { Properties: { DelaySeconds: 30 } }))[0] ?? '';
    const [follow] = Object.keys(
      template.findResources('AWS::Lambda::Function', {
        Properties: { Description: 'Sealtrail: seals, archives and indexes' },
      }),
    );
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [
        Match.objectLike({ Arn: { 'Fn::GetAtt': [follow, 'Arn'] } }),
        Match.objectLike({ Arn: { 'Fn::GetAtt': [queue, 'Arn'] } }),
      ],
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [queue, 'Arn'] },
      FunctionName: { Ref: follow },
      BatchSize: 1,
    });
  });

  it('verify every hour', () => {
    const verify = { Properties: { Description: 'Sealtrail: verifies every trail and its archive' } };
    const [id] = Object.keys(template.findResources('AWS::Lambda::Function', verify));
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 hour)',
      State: 'ENABLED',
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [id, 'Arn'] } })],
    });
  });

  it('keep their logs for a while, and not for ever', () => {
    const kept = (one: ReturnType<typeof synthesise>) =>
      Object.values(one.findResources('AWS::Logs::LogGroup')).map(({ Properties }) => Properties.RetentionInDays);
    expect(new Set(kept(template))).toEqual(new Set([7]));
    expect(new Set(kept(synthesise({ stage: 'prod' })))).toEqual(new Set([365]));
  });
});
