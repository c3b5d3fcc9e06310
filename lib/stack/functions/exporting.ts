import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { StageDefaults } from '../resources/stage.ts';
import { onlyBy, passingBucket } from '../resources/storage.ts';
import { allowArchiveReads, allowExporting } from './permissions.ts';

/** Exports are told of for seven days; S3 counts whole days from the midnight after. */
const KEPT = Duration.days(7);

/**
 * The bucket that exports are handed out from: not locked, since they are copies, and emptied by age. It tells EventBridge
 * what appears in it.
 */
export function exportsBucket(scope: Construct, stage: StageDefaults, key: IKey | undefined): IBucket {
  const lifecycle = { expiration: KEPT, abortIncompleteMultipartUploadAfter: Duration.days(1) };
  const bucket = passingBucket(scope, 'Exports', { lifecycle, key, stage });
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new RangeError('a bucket is made of a bucket');
  // CDK's own way is a function of its own, which may change the notifications of every bucket.
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  const made: unknown = bucket;
  return made as IBucket; // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces
}

/** What makes exports may write their bucket and what is told of them, and read everything else. */
export function allowExports(role: IRole, table: ITable, archive: IBucket, exports: IBucket): void {
  allowArchiveReads(role, archive);
  allowExporting(role, table, exports);
  exports.addToResourcePolicy(onlyBy(role, 'OnlyTheExporterWrites', exports, 's3:PutObject'));
}

/** What starts an export: the appearance of the request for it. */
export function wakeExporter(scope: Construct, fn: IFunction, exports: IBucket): void {
  new Rule(scope, 'ExportRequests', {
    description: 'Starts the exports that are asked for',
    eventPattern: {
      source: ['aws.s3'],
      detailType: ['Object Created'],
      detail: { bucket: { name: [exports.bucketName] }, object: { key: [{ prefix: '.requests/' }] } },
    },
    targets: [new FunctionTarget(fn, { retryAttempts: 2, maxEventAge: Duration.hours(1) })],
  });
}
