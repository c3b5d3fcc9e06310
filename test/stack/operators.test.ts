import { App, Duration, Stack, Tags } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { AccountPrincipal, ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, it } from 'vitest';
import { Sealtrail } from '../../lib/stack/sealtrail.ts';
import {
  actionsOf,
  makeStack,
  PLAIN,
  placeholderFunctions,
  type Statement,
  statementsByRole,
  synthesise,
} from './synthesised.ts';

/** What those who run a log in a company of many accounts ask for. */

const CERTIFICATE = 'arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-1111-2222-3333-444455556666';
const COPY = { bucketArn: 'arn:aws:s3:::audit-copy', account: '444455556666' };
const template = synthesise({
  stage: 'prod',
  archiveCopy: COPY,
  backup: Duration.days(90),
  recordWrites: true,
  domain: {
    domainName: 'audit.example.com',
    certificate: Certificate.fromCertificateArn(new Stack(), 'C', CERTIFICATE),
  },
});
const usual = synthesise({ stage: 'prod' });

describe('the table', () => {
  it('is written by the functions of the log and by no one else, administrators included', () => {
    const [table] = Object.values(usual.findResources('AWS::DynamoDB::Table'));
    const deny: Statement | undefined = table?.Properties.ResourcePolicy.PolicyDocument.Statement[0];
    expect(deny).toMatchObject({ Effect: 'Deny', Principal: { AWS: '*' }, Resource: '*' });
    expect(deny && actionsOf(deny)).toEqual(
      ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'PartiQLInsert', 'PartiQLUpdate', 'PartiQLDelete'].map(
        (action) => `dynamodb:${action}`,
      ),
    );
    const letIn = deny?.Condition?.ArnNotEquals?.['aws:PrincipalArn'];
    const writers = [...statementsByRole(usual)].flatMap(([id, statements]) =>
      statements.some((one) => actionsOf(one).includes('dynamodb:PutItem')) ? [{ 'Fn::GetAtt': [id, 'Arn'] }] : [],
    );
    expect(letIn).toEqual(expect.arrayContaining(writers));
    expect(letIn).toHaveLength(writers.length);
  });
});

describe('a bucket', () => {
  const denied = (action: string) =>
    Object.entries(usual.findResources('AWS::S3::BucketPolicy')).flatMap(([id, { Properties }]) =>
      // The shape of a bucket policy in a template.
      (Properties.PolicyDocument.Statement as readonly Statement[]).flatMap((one) =>
        one.Effect === 'Deny' && actionsOf(one).includes(action) && one.Condition?.ArnNotEquals !== undefined
          ? [id]
          : [],
      ),
    );

  it('takes objects, retention and holds from the function that writes it and from no one else', () => {
    expect(denied('s3:PutObject').map((id) => id.replace(/^Sealtrail(\w+)Policy.*$/, '$1'))).toEqual([
      'Archive',
      'Exports',
      'Index',
    ]);
    for (const action of ['s3:PutObjectRetention', 's3:PutObjectLegalHold']) {
      expect(denied(action).map((id) => id.replace(/^Sealtrail(\w+)Policy.*$/, '$1'))).toEqual(['Archive']);
    }
  });
});

describe('producers of another account', () => {
  it('assume a role that appends to their trails, and does nothing else', () => {
    const stack = makeStack();
    stack.log.producerRole('Shop', { assumedBy: new AccountPrincipal('444455556666'), trails: ['orders'] });
    const own = Template.fromStack(stack);
    const [id = ''] = Object.keys(own.findResources('AWS::IAM::Role')).filter((name) => name.includes('Shop'));
    expect(own.findResources('AWS::IAM::Role')[id]?.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::444455556666:root']] } },
      },
    ]);
    const granted = statementsByRole(own).get(id) ?? [];
    expect(granted.map(({ Action }) => Action)).toEqual(['execute-api:Invoke']);
    const routes = JSON.stringify(granted).match(/(GET|POST)\/v1\/[^"]*/g) ?? [];
    expect(routes.filter((route) => route.startsWith('POST'))).toContain('POST/v1/trails/orders/events');
    expect(routes.filter((route) => route.includes('/v1/trails/') && !route.includes('/orders/'))).toEqual([]);
  });
});

describe('the archive', () => {
  it('is copied to a bucket of another account, which owns the copy; delete markers are not', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      ReplicationConfiguration: {
        Rules: [
          {
            Status: 'Enabled',
            DeleteMarkerReplication: { Status: 'Disabled' },
            Destination: {
              Bucket: COPY.bucketArn,
              Account: COPY.account,
              AccessControlTranslation: { Owner: 'Destination' },
            },
          },
        ],
      },
    });
    const [id = ''] = Object.keys(template.findResources('AWS::IAM::Role')).filter((one) =>
      one.includes('ArchiveCopy'),
    );
    const actions = statementsByRole(template).get(id)?.flatMap(actionsOf) ?? [];
    expect(actions).toEqual(expect.arrayContaining(['s3:GetObjectRetention', 's3:GetObjectLegalHold']));
    expect(actions.filter((action) => /Delete|s3:Put/.test(action))).toEqual([]);
  });

  it('under a key of the customer needs one for its copy', () => {
    const encryptionKey = Key.fromKeyArn(new Stack(), 'K', 'arn:aws:kms:eu-central-1:111122223333:key/1');
    expect(() => synthesise({ archiveCopy: COPY, encryptionKey })).toThrow('archiveCopy.keyArn is needed');
  });
});

describe('props', () => {
  it('keep daily backups of the table in a vault', () => {
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: { BackupPlanRule: [Match.objectLike({ Lifecycle: { DeleteAfterDays: 90 } })] },
    });
    template.resourceCountIs('AWS::Backup::BackupSelection', 1);
  });

  it('have CloudTrail record who writes to table and archive', () => {
    const selector = (Type: string) =>
      Match.objectLike({ ReadWriteType: 'WriteOnly', DataResources: [Match.objectLike({ Type })] });
    template.hasResourceProperties('AWS::CloudTrail::Trail', {
      EventSelectors: [selector('AWS::S3::Object'), selector('AWS::DynamoDB::Table')],
    });
  });

  it('put the API under a name of the customer, which is its endpoint then', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', { DomainName: 'audit.example.com' });
    template.resourceCountIs('AWS::ApiGatewayV2::ApiMapping', 1);
    expect(template.findOutputs('Endpoint').Endpoint?.Value).toBe('https://audit.example.com');
  });

  it('make none of it unless asked to', () => {
    for (const type of ['AWS::Backup::BackupPlan', 'AWS::CloudTrail::Trail', 'AWS::ApiGatewayV2::DomainName']) {
      usual.resourceCountIs(type, 0);
    }
    expect(JSON.stringify(usual.toJSON())).not.toContain('ReplicationConfiguration');
  });
});

describe('the rules of a company', () => {
  it('reach everything: a permissions boundary every role, tags all that is paid for', () => {
    const stack = new Stack(new App(PLAIN), 'Audit');
    new Sealtrail(stack, 'Log', { logName: 'audit.example.com', functionsFolder: placeholderFunctions() });
    const boundary = ManagedPolicy.fromManagedPolicyName(stack, 'Boundary', 'boundary');
    PermissionsBoundary.of(stack).apply(boundary);
    Tags.of(stack).add('cost-center', 'audit');
    const own = Template.fromStack(stack);
    own.allResourcesProperties('AWS::IAM::Role', { PermissionsBoundary: Match.anyValue() });
    const tagged = Match.arrayWith([{ Key: 'cost-center', Value: 'audit' }]);
    for (const type of ['DynamoDB::Table', 'S3::Bucket', 'KMS::Key', 'Lambda::Function', 'SNS::Topic', 'SQS::Queue']) {
      own.allResourcesProperties(`AWS::${type}`, { Tags: tagged });
    }
  });

  it('find what the log is made of: its functions with logs and roles, its stage, alarms and dashboard', () => {
    const { log } = makeStack();
    expect(Object.keys(log.functions).sort()).toEqual(['append', 'export', 'follow', 'read', 'seal', 'verify']);
    for (const fn of Object.values(log.functions)) expect(fn.logGroup.logGroupName).toBeDefined();
    expect(log.alarms.each.length).toBeGreaterThan(30);
    expect([log.stage.stageName, log.accessLogs, log.dashboard, log.alarms.any]).not.toContain(undefined);
  });
});
