import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { synthesise } from '../synthesised.ts';

const template = synthesise({ stage: 'prod' });
const [exports] = Object.keys(template.findResources('AWS::S3::Bucket')).filter((id) =>
  id.startsWith('SealtrailExports'),
);

describe('the bucket that exports are handed out from', () => {
  it('forgets what is older than a week, and uploads that no one finished', () => {
    const [bucket] = Object.values(
      template.findResources('AWS::S3::Bucket', { Properties: { NotificationConfiguration: Match.anyValue() } }),
    );
    expect(bucket?.Properties).toMatchObject({
      LifecycleConfiguration: {
        Rules: [{ ExpirationInDays: 7, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
      },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    expect(bucket?.Properties).not.toHaveProperty('ObjectLockEnabled');
  });

  it('takes TLS alone', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: exports },
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
  });

  it('wakes the function by the requests that appear in it, and by nothing that the function writes itself', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.s3'],
        'detail-type': ['Object Created'],
        detail: { bucket: { name: [{ Ref: exports }] }, object: { key: [{ prefix: '.requests/' }] } },
      },
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SealtrailExport'), 'Arn'] } })],
    });
  });
});
