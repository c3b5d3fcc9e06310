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
import { onlyBy, transientBucket } from '../resources/storage.ts';
import { allowArchiveReads, allowExporting, allowSystemRecords } from './permissions.ts';

/** Exports are available for seven days; S3 counts whole days from the following midnight. */
const KEPT = Duration.days(7);

/**
 * The bucket of exports: not locked, since they are copies, and emptied by age. It notifies EventBridge of new objects.
 */
export function exportsBucket(scope: Construct, stage: StageDefaults, key: IKey | undefined): IBucket {
  const lifecycle = { expiration: KEPT, abortIncompleteMultipartUploadAfter: Duration.days(1) };
  const bucket = transientBucket(scope, 'Exports', { lifecycle, key, stage });
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) throw new RangeError('a bucket is made of a bucket');
  // CDK's own way deploys a function that may change the notifications of every bucket.
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
  const made: unknown = bucket;
  return made as IBucket; // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces
}

/** Lets the exporter write its bucket and the state of exports, and read everything else. */
export function allowExports(role: IRole, table: ITable, archive: IBucket, exports: IBucket): void {
  allowArchiveReads(role, archive);
  allowExporting(role, table, exports);
  // It states each manifest there.
  allowSystemRecords(role, table);
  exports.addToResourcePolicy(onlyBy(role, 'OnlyTheExporterWrites', exports, 's3:PutObject'));
}

/** Starts an export when its request appears in the bucket. */
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
