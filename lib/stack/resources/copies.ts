import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import { CfnTrail, DataResourceType, ReadWriteType, Trail } from 'aws-cdk-lib/aws-cloudtrail';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledgeBackup, acknowledgeCopying, acknowledgeRecords } from './nag.ts';

/** A bucket for a copy of the archive, with versions and Object Lock, in an account with other administrators. */
export interface ArchiveCopy {
  readonly bucketArn: string;
  /** The account of the bucket, which owns the copy. */
  readonly account: string;
  /**
   * The ARN of the key that encrypts the copy.
   *
   * @default S3's own; required if the archive has an `encryptionKey`
   */
  readonly keyArn?: string;
}

/**
 * Makes S3 replicate every version of every object of the archive, with its retention and legal hold (Amazon S3 user guide,
 * "Replicating objects"). Delete markers are not replicated: they would hide the copy as well.
 *
 * @returns the role that the target bucket's policy must allow
 * @throws RangeError for an encrypted archive without a key for its copy
 */
export function copyArchive(scope: Construct, archive: IBucket, copy: ArchiveCopy, key: IKey | undefined): Role {
  const bucket = archive.node.defaultChild;
  if (!(bucket instanceof CfnBucket)) throw new RangeError('a bucket is made of a bucket');
  if (key !== undefined && copy.keyArn === undefined) {
    throw new RangeError(
      'archiveCopy.keyArn is needed: an archive under an encryptionKey is copied to a key of the copy',
    );
  }
  const role = new Role(scope, 'ArchiveCopyRole', { assumedBy: new ServicePrincipal('s3.amazonaws.com') });
  const allow = (sid: string, actions: string[], resources: string[]): void => {
    role.addToPolicy(new PolicyStatement({ sid, actions, resources }));
  };
  allow('SeeArchive', ['s3:GetReplicationConfiguration', 's3:ListBucket'], [archive.bucketArn]);
  const versions = ['GetObjectVersionForReplication', 'GetObjectVersionAcl', 'GetObjectVersionTagging'];
  const locks = ['GetObjectRetention', 'GetObjectLegalHold'];
  allow(
    'ReadArchive',
    [...versions, ...locks].map((action) => `s3:${action}`),
    [archive.arnForObjects('*')],
  );
  const writing = ['s3:ReplicateObject', 's3:ReplicateTags', 's3:ObjectOwnerOverrideToBucketOwner'];
  allow('WriteCopy', writing, [`${copy.bucketArn}/*`]);
  if (key !== undefined) allow('DecryptArchive', ['kms:Decrypt'], [key.keyArn]);
  if (copy.keyArn !== undefined) allow('EncryptCopy', ['kms:Encrypt', 'kms:GenerateDataKey'], [copy.keyArn]);
  acknowledgeCopying(role, archive, copy.bucketArn);
  bucket.replicationConfiguration = {
    role: role.roleArn,
    rules: [
      {
        id: 'Copy',
        status: 'Enabled',
        priority: 1,
        filter: { prefix: '' },
        deleteMarkerReplication: { status: 'Disabled' },
        destination: {
          bucket: copy.bucketArn,
          account: copy.account,
          accessControlTranslation: { owner: 'Destination' },
          ...(copy.keyArn !== undefined && { encryptionConfiguration: { replicaKmsKeyId: copy.keyArn } }),
        },
        ...(copy.keyArn !== undefined && {
          sourceSelectionCriteria: { sseKmsEncryptedObjects: { status: 'Enabled' } },
        }),
      },
    ],
  };
  return role;
}

/** Makes daily backups of the table in a vault of AWS Backup, besides its point-in-time recovery of 35 days. */
export function backUpTable(scope: Construct, table: ITable, kept: Duration, removalPolicy: RemovalPolicy): BackupPlan {
  const vault = new BackupVault(scope, 'BackupVault', { removalPolicy });
  const daily = new BackupPlanRule({ ruleName: 'Daily', backupVault: vault, deleteAfter: kept });
  const plan = new BackupPlan(scope, 'Backup', { backupPlanRules: [daily] });
  plan.addSelection('Table', { resources: [BackupResource.fromDynamoDbTable(table)] });
  acknowledgeBackup(plan);
  return plan;
}

/**
 * Makes CloudTrail record all writes to the table and to the archive. Reads are excluded, since those of the followers would
 * be charged.
 */
export function recordWrites(scope: Construct, table: ITable, archive: IBucket): Trail {
  const trail = new Trail(scope, 'DataEvents', { isMultiRegionTrail: false, includeGlobalServiceEvents: false });
  acknowledgeRecords(trail);
  const writes = { readWriteType: ReadWriteType.WRITE_ONLY, includeManagementEvents: false };
  trail.addEventSelector(DataResourceType.S3_OBJECT, [archive.arnForObjects('')], writes);
  const { defaultChild } = trail.node;
  if (!(defaultChild instanceof CfnTrail)) throw new RangeError('a trail is made of a trail');
  // CDK supports only objects and functions.
  defaultChild.addPropertyOverride('EventSelectors.1', {
    ReadWriteType: 'WriteOnly',
    IncludeManagementEvents: false,
    DataResources: [{ Type: 'AWS::DynamoDB::Table', Values: [table.tableArn] }],
  });
  return trail;
}
