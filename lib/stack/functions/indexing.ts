import { Duration } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { StageDefaults } from '../resources/stage.ts';
import { onlyBy, transientBucket } from '../resources/storage.ts';
import { allowIndexRecords, allowRemovingEarlierIndex } from './permissions.ts';

/** The bucket of the query index: not locked, since its files are superseded as the index grows and can be made again. */
export function indexBucket(scope: Construct, stage: StageDefaults, key: IKey | undefined): IBucket {
  const lifecycle = { abortIncompleteMultipartUploadAfter: Duration.days(1) };
  const bucket: unknown = transientBucket(scope, 'Index', { lifecycle, key, stage });
  return bucket as IBucket; // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces
}

/**
 * Lets one role write and remove the files of the index, and others read them. No one else writes there, whatever IAM allows.
 *
 * @param isRemovable whether the bucket is removed with its stack
 */
export function allowIndex(
  { writer, readers }: { readonly writer: IRole; readonly readers: readonly IRole[] },
  table: ITable,
  index: IBucket,
  isRemovable: boolean,
): void {
  const allow = (role: IRole, sid: string, actions: string[], resource: string): void => {
    role.addToPrincipalPolicy(new PolicyStatement({ sid, actions, resources: [resource] }));
  };
  const objects = index.arnForObjects('*');
  allow(writer, 'WriteIndex', ['s3:PutObject', 's3:AbortMultipartUpload', 's3:DeleteObject'], objects);
  for (const role of [writer, ...readers]) {
    allow(role, 'ReadIndex', ['s3:GetObject'], objects);
    // S3 reports a missing object only to principals that may list.
    allow(role, 'ListIndex', ['s3:ListBucket'], index.bucketArn);
  }
  index.addToResourcePolicy(onlyBy(writer, 'OnlyTheIndexerWrites', index, 's3:PutObject'));
  if (!isRemovable) index.addToResourcePolicy(onlyBy(writer, 'OnlyTheIndexerRemoves', index, 's3:DeleteObject'));
  allowIndexRecords(writer, table);
  allowRemovingEarlierIndex(writer, table);
}
