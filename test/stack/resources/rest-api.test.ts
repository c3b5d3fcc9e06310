import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InterfaceVpcEndpoint } from 'aws-cdk-lib/aws-ec2';
import { User } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { ROUTE_GROUPS } from '../../../lib/api/routes.ts';
import { actionsOf, makeStack, type Statement, synthesise } from '../synthesised.ts';

/** A REST API in place of the HTTP API: private, behind a web ACL, or under a name of the customer. */

const elsewhere = new Stack();
const endpoint = InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(elsewhere, 'Endpoint', {
  vpcEndpointId: 'vpce-0a1b2c3d',
  port: 443,
});
const webAclArn = 'arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/audit/0a1b2c3d';
const certificate = Certificate.fromCertificateArn(
  elsewhere,
  'Certificate',
  'arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d',
);
const domain = { domainName: 'audit.example.com', certificate };
const isPrivate = synthesise({ stage: 'prod', restApi: { vpcEndpoints: [endpoint], webAclArn } });

describe('a private API', () => {
  it('is a REST API, and there is no other way in', () => {
    isPrivate.resourceCountIs('AWS::ApiGatewayV2::Api', 0);
    isPrivate.hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['PRIVATE'], VpcEndpointIds: ['vpce-0a1b2c3d'] },
      BinaryMediaTypes: ['*/*'],
    });
    expect(JSON.stringify(isPrivate.findOutputs('Endpoint').Endpoint?.Value)).toMatch(/RestApi.*execute-api.*\/log"/);
  });

  it('denies what comes by another way, and leaves the rest to IAM: it allows no one by itself', () => {
    const [api] = Object.values(isPrivate.findResources('AWS::ApiGateway::RestApi'));
    const statements: readonly Statement[] = api?.Properties.Policy.Statement;
    expect(statements.map(({ Effect }) => Effect)).toEqual(['Deny', 'Allow']);
    expect(statements[0]).toMatchObject({
      Principal: { AWS: '*' },
      Condition: { StringNotEquals: { 'aws:SourceVpce': ['vpce-0a1b2c3d'] } },
    });
    expect(JSON.stringify(statements[1]?.Principal)).toContain(':root');
    expect(statements.flatMap(actionsOf)).toEqual(['execute-api:Invoke', 'execute-api:Invoke']);
  });

  it('has every route of the log, authorised by IAM but for its description and its health', () => {
    const methods = Object.values(isPrivate.findResources('AWS::ApiGateway::Method')).map(
      ({ Properties }) => Properties,
    );
    const routes = Object.values(ROUTE_GROUPS).flat().length + 2;
    expect(methods).toHaveLength(routes);
    expect(methods.filter(({ AuthorizationType }) => AuthorizationType !== 'AWS_IAM')).toHaveLength(2);
    expect(methods.every(({ Integration }) => Integration.Type === 'AWS_PROXY')).toBe(true);
  });

  it('is behind the web ACL, throttled and logged, and watched by the same alarms', () => {
    isPrivate.hasResourceProperties('AWS::WAFv2::WebACLAssociation', { WebACLArn: webAclArn });
    isPrivate.hasResourceProperties('AWS::ApiGateway::Stage', {
      StageName: 'log',
      AccessLogSetting: { Format: Match.stringLikeRegexp('"service":".*"route":"\\$context.httpMethod') },
      MethodSettings: Match.arrayWith([
        Match.objectLike({
          ResourcePath: '/*',
          ThrottlingRateLimit: 1000,
          ThrottlingBurstLimit: 2000,
          DataTraceEnabled: false,
        }),
        Match.objectLike({ ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10 }),
      ]),
    });
    isPrivate.hasResourceProperties('AWS::CloudWatch::Alarm', { Namespace: 'AWS/ApiGateway', MetricName: '5XXError' });
    isPrivate.hasResourceProperties('AWS::Logs::MetricFilter', { FilterPattern: '{ $.status = "429" }' });
  });

  it('takes no domain, and at least one endpoint', () => {
    expect(() => synthesise({ restApi: { vpcEndpoints: [endpoint] }, domain })).toThrow(
      'a private API takes no domain',
    );
    expect(() => synthesise({ restApi: { vpcEndpoints: [] } })).toThrow('restApi.vpcEndpoints is empty');
  });
});

describe('a regional REST API', () => {
  it('may have a name of the customer, and grants name its own routes', () => {
    const stack = makeStack({ restApi: {}, domain });
    stack.log.grantAppend(new User(stack, 'Shop'), ['orders']);
    const template = Template.fromStack(stack);
    template.hasResourceProperties('AWS::ApiGateway::DomainName', { DomainName: 'audit.example.com' });
    template.resourceCountIs('AWS::ApiGateway::BasePathMapping', 1);
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
    expect(template.findOutputs('Endpoint').Endpoint?.Value).toBe('https://audit.example.com');
    const [policy] = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([id]) => id.includes('Shop'));
    expect(JSON.stringify(policy)).toContain('/log/POST/v1/trails/orders/events');
    const [api] = Object.values(template.findResources('AWS::ApiGateway::RestApi'));
    expect(api?.Properties).not.toHaveProperty('Policy');
  });
});
