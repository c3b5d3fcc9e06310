import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { describe, expect, it } from 'vitest';
import { stageOf } from '../../../lib/stack/resources/stage.ts';
import { actionsOf, makeStack, statementsByRole, synthesise } from '../synthesised.ts';

const dev = synthesise();
const prod = synthesise({ stage: 'prod' });

const BUCKETS = [
  'SealtrailArchiveA37C4D87',
  'SealtrailExportsA5D80B81',
  'SealtrailFailedBatches749088CE',
  'SealtrailIndexC8A35DC7',
];

describe('what holds the log keeps its place', () => {
  // CloudFormation replaces a resource whose logical id changes: an empty table, an empty archive, another key.
  it.each([
    ['AWS::DynamoDB::Table', ['SealtrailTable29474214']],
    ['AWS::S3::Bucket', BUCKETS],
    ['AWS::KMS::Key', ['SealtrailSigningKeyD860C453']],
    ['AWS::ApiGatewayV2::Api', ['SealtrailApi24152EE8']],
  ])('%s has the logical ids it always had', (type, ids) => {
    expect(Object.keys(dev.findResources(type)).sort()).toEqual(ids);
    expect(Object.keys(prod.findResources(type)).sort()).toEqual(ids);
  });

  it('a key too, while others are made beside it', () => {
    const rotated = synthesise({ keyRotation: { made: 3, retired: 1 } });
    const ids = Object.keys(rotated.findResources('AWS::KMS::Key')).sort();
    expect(ids).toHaveLength(3);
    expect(ids).toContain('SealtrailSigningKeyD860C453');
    const before = Object.keys(synthesise({ keyRotation: { made: 2, retired: 0 } }).findResources('AWS::KMS::Key'));
    expect(ids).toEqual(expect.arrayContaining(before));
  });

  // What a first deployment made before it failed holds nothing, and goes. The key stays: nothing may delete it.
  it.each([
    ['AWS::DynamoDB::Table', 'SealtrailTable29474214', 'RetainExceptOnCreate'],
    ['AWS::S3::Bucket', 'SealtrailArchiveA37C4D87', 'RetainExceptOnCreate'],
    ['AWS::KMS::Key', 'SealtrailSigningKeyD860C453', 'Retain'],
  ])('%s outlives its stack in production, and goes with it in dev', (type, id, DeletionPolicy) => {
    const policies = { DeletionPolicy, UpdateReplacePolicy: 'Retain' };
    expect(prod.findResources(type)[id]).toMatchObject(policies);
    expect(dev.findResources(type)[id]).toMatchObject({ DeletionPolicy: 'Delete' });
  });
});

describe('the table', () => {
  it('has the keys, the stream and the expiry that the driver and the followers need, and grows by itself', () => {
    dev.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'partition', KeyType: 'HASH' },
        { AttributeName: 'sort', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: Match.arrayWith([
        { AttributeName: 'partition', AttributeType: 'S' },
        { AttributeName: 'sort', AttributeType: 'S' },
      ]),
      BillingMode: 'PAY_PER_REQUEST',
      StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
  });

  it('is in production protected from deletion and restorable to any second', () => {
    prod.hasResourceProperties('AWS::DynamoDB::Table', {
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
  });
});

describe('the archive', () => {
  const lockOf = (mode: string, days: number) => ({
    ObjectLockEnabled: true,
    ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: mode, Days: days } } },
    VersioningConfiguration: { Status: 'Enabled' },
  });

  it('is locked for a day under governance in dev, for seven years under compliance in production', () => {
    dev.hasResourceProperties('AWS::S3::Bucket', lockOf('GOVERNANCE', 1));
    prod.hasResourceProperties('AWS::S3::Bucket', lockOf('COMPLIANCE', 2557));
  });

  it('is locked as the props say, and the functions are told the same', () => {
    const template = synthesise({ lock: 'compliance', archiveFor: Duration.days(30) });
    template.hasResourceProperties('AWS::S3::Bucket', lockOf('COMPLIANCE', 30));
    const retention = { default: { hotDays: 7, archiveDays: 30, lock: 'compliance' }, trails: [] };
    const told = Match.objectLike({ SEALTRAIL_RETENTION: Match.serializedJson(retention) });
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { Environment: { Variables: told } }, 6);
  });

  it('cannot be made public and speaks TLS only, as the bucket for failed batches does', () => {
    dev.allResourcesProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    dev.allResourcesProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  const archiveArn = { 'Fn::GetAtt': ['SealtrailArchiveA37C4D87', 'Arn'] };
  const keys = (pattern: string) => ({ 'Fn::Join': ['', [archiveArn, pattern]] });

  it('takes an object only under a key that is free, except for checkpoints', () => {
    dev.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 's3:PutObject',
            NotResource: keys('/*/checkpoint'),
            Condition: { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } },
          }),
        ]),
      },
    });
  });

  it('takes objects from those who archive and from no one else, administrators included', () => {
    dev.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Principal: { AWS: '*' },
            Action: 's3:PutObject',
            Resource: keys('/*'),
            Condition: {
              ArnNotEquals: { 'aws:PrincipalArn': { 'Fn::GetAtt': ['SealtrailFollowRoleBA45DD2C', 'Arn'] } },
            },
          }),
        ]),
      },
    });
  });

  it('is put under legal hold by the log and by no one else', () => {
    const others = { 'aws:PrincipalArn': { 'Fn::GetAtt': ['SealtrailFollowRoleBA45DD2C', 'Arn'] } };
    const statement = Match.objectLike({
      ...{ Effect: 'Deny', Principal: { AWS: '*' }, Action: 's3:PutObjectLegalHold' },
      ...{ Resource: keys('/*'), Condition: { ArnNotEquals: others } },
    });
    dev.hasResourceProperties('AWS::S3::BucketPolicy', { PolicyDocument: { Statement: Match.arrayWith([statement]) } });
  });

  it.each([
    ['past a governance lock', 's3:BypassGovernanceRetention'],
    ['hide an object under a delete marker', 's3:DeleteObject'],
  ])('lets no one %s in production', (_, Action) => {
    const statement = Match.objectLike({ Effect: 'Deny', Principal: { AWS: '*' }, Action, Resource: keys('/*') });
    const policy = { PolicyDocument: { Statement: Match.arrayWith([statement]) } };
    prod.hasResourceProperties('AWS::S3::BucketPolicy', policy);
    synthesise({ stage: 'prod', lock: 'governance' }).hasResourceProperties('AWS::S3::BucketPolicy', policy);
    dev.resourcePropertiesCountIs('AWS::S3::BucketPolicy', policy, 0);
  });
});

describe('encryption at rest', () => {
  const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666';
  const stack = makeStack({ encryptionKey: Key.fromKeyArn(new Stack(), 'Own', ARN) });
  const role = new Role(stack, 'Auditor', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  stack.log.grantArchiveRead(role, ['orders']);
  const own = Template.fromStack(stack);

  it('is by keys of AWS, which no one can delete, unless one is given', () => {
    const [table] = Object.values(dev.findResources('AWS::DynamoDB::Table'));
    expect(table?.Properties.SSESpecification).toBeUndefined();
    expect(JSON.stringify(dev.findResources('AWS::S3::Bucket'))).not.toContain('aws:kms');
  });

  it('with a key of the customer covers table and buckets', () => {
    own.hasResourceProperties('AWS::DynamoDB::Table', {
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: ARN },
    });
    own.allResourcesProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: ARN },
          },
        ],
      },
    });
  });

  it('lets the functions use that key through DynamoDB and S3 alone, and an auditor of the archive decrypt', () => {
    const uses = [...statementsByRole(own)].flatMap(([id, statements]) =>
      // CDK lets anyone who reads the stream decrypt as well, in a statement of its own.
      statements.flatMap((one) =>
        actionsOf(one).includes('kms:Decrypt') && one.Condition !== undefined ? [{ id, ...one }] : [],
      ),
    );
    expect(uses.map(({ id }) => id.replace(/^(?:Sealtrail)?([A-Z][a-z]+).*$/, '$1')).sort()).toEqual([
      ...['Append', 'Auditor', 'Export', 'Follow', 'Read', 'Seal', 'Verify'],
    ]);
    for (const { Condition, Resource } of uses) {
      expect(Resource).toBe(ARN);
      expect(Condition?.StringLike).toHaveProperty('kms:ViaService');
    }
    expect(uses.find(({ id }) => id.startsWith('Auditor'))?.Action).toBe('kms:Decrypt');
  });
});

describe('a stack of the stage dev', () => {
  const emptied = dev.findResources('Custom::SealtrailEmptyBucket');

  it('empties its buckets when it is deleted: after what writes to them is gone, and while they are there', () => {
    const named = Object.values(emptied).map(({ Properties }) => Properties.Bucket.Ref);
    expect(named.sort()).toEqual(BUCKETS);
    const functions = dev.findResources('AWS::Lambda::Function');
    for (const name of ['Export', 'Follow']) {
      const [fn] = Object.entries(functions).flatMap(([id, one]) => (id.startsWith(`Sealtrail${name}`) ? [one] : []));
      expect(fn?.DependsOn).toEqual(expect.arrayContaining(Object.keys(emptied)));
    }
  });

  it('marks the buckets that may be emptied; once it is a production stack they are marked no more', () => {
    const marked = (template: typeof dev) =>
      Object.entries(template.findResources('AWS::S3::Bucket')).flatMap(([id, { Properties }]) =>
        JSON.stringify(Properties.Tags ?? []).includes('sealtrail:removable') ? [id] : [],
      );
    expect(marked(dev).sort()).toEqual(BUCKETS);
    expect(marked(prod)).toEqual([]);
    expect(prod.findResources('Custom::SealtrailEmptyBucket')).toEqual({});
  });
});

describe('the outputs', () => {
  const made = dev.findOutputs('*');

  it('say where everything is and what verifies it', () => {
    expect(Object.keys(made).sort()).toEqual([
      'AlarmTopicArn',
      'ArchiveAuditorPolicyArn',
      'ArchiveBucket',
      'AuditorPolicyArn',
      'Endpoint',
      'PublicKey',
      'PublicKeyFingerprint',
      'SigningKeyArn',
      'TableName',
      'Vkey',
      'WriterPolicyArn',
    ]);
  });

  it('have the public key of the signing key, which KMS is asked for again when there is another one', () => {
    const [[id, { Properties }] = ['', { Properties: {} }]] = Object.entries(
      dev.findResources('Custom::SealtrailPublicKey'),
    );
    expect(made.Vkey?.Value).toEqual({ 'Fn::GetAtt': [id, 'Vkey'] });
    // An update that it refuses has not reached what signs by then.
    for (const name of ['Append', 'Seal', 'Follow']) {
      const functions = Object.entries(dev.findResources('AWS::Lambda::Function'));
      const [fn] = functions.flatMap(([one, made]) => (one.startsWith(`Sealtrail${name}`) ? [made] : []));
      expect(fn?.DependsOn).toContain(id);
    }
    expect(Properties).toMatchObject({
      SigningKey: { 'Fn::GetAtt': ['SealtrailSigningKeyD860C453', 'Arn'] },
      SigningAlgorithm: 'ed25519',
      LogName: 'audit.example.com',
    });
  });
});

describe('a stage', () => {
  it('is dev unless something else is asked for', () => {
    expect([stageOf(undefined), stageOf('dev'), stageOf('prod')]).toEqual(['dev', 'dev', 'prod']);
  });

  it('that does not exist is not taken for dev', () => {
    expect(() => stageOf('production')).toThrow(
      'the context value stage is "production": use -c stage=dev or -c stage=prod',
    );
  });
});

describe('what cannot be deployed', () => {
  it.each(['', 'audit example', 'audit+example', 'a'.repeat(129)])('a log named %j', (logName) => {
    expect(() => synthesise({ logName })).toThrow(
      /use 1 to 128 characters without white space, control characters and \+/,
    );
  });

  it('functions that no one bundled', () => {
    expect(() => synthesise({ functionsFolder: '/nowhere' })).toThrow(
      'there is no bundle in /nowhere/append: run npm run bundle',
    );
  });
});
