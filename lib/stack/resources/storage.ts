import { Duration } from 'aws-cdk-lib';
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type IBucket,
  type LifecycleRule,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { EXPIRES_AT, PARTITION, SORT } from '../../store/dynamodb/item.ts';
import type { Lock, StageDefaults } from './stage.ts';

/**
 * The ledger's table. By default it is encrypted with a key that AWS owns, which cannot be deleted or disabled: losing a
 * customer's key would mean losing the log.
 */
export function ledgerTable(scope: Construct, stage: StageDefaults, key: IKey | undefined): Table {
  return new Table(scope, 'Table', {
    partitionKey: { name: PARTITION, type: AttributeType.STRING },
    sortKey: { name: SORT, type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: EXPIRES_AT,
    // Both images: the tamper monitor must see the old item too.
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: stage.protected },
    deletionProtection: stage.protected,
    ...(key === undefined ? {} : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key }),
    removalPolicy: stage.removal,
  });
}

/** All IAM actions that change items. Transactions are authorised by their individual writes. */
const ITEM_WRITES = [
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'PartiQLInsert',
  'PartiQLUpdate',
  'PartiQLDelete',
];

/**
 * Denies changes of items to everyone but the functions, whatever IAM allows. It does not apply to DynamoDB's own removals by
 * TTL. An administrator must first change this policy, which CloudTrail shows.
 */
export function guardTable(table: Table, writers: readonly IRole[]): void {
  table.addToResourcePolicy(
    new PolicyStatement({
      sid: 'OnlyTheLogWrites',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ITEM_WRITES.map((action) => `dynamodb:${action}`),
      // The table itself, whose properties cannot refer to its own ARN.
      resources: ['*'],
      conditions: { ArnNotEquals: { 'aws:PrincipalArn': writers.map(({ roleArn }) => roleArn) } },
    }),
  );
}

/** S3's own keys by default. With a customer's key, a bucket key saves a request to KMS per object. */
const encryptedWith = (key: IKey | undefined) =>
  key === undefined
    ? { encryption: BucketEncryption.S3_MANAGED }
    : { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true };

/** Locking and encryption of the archive. */
export interface ArchiveLock {
  readonly lock: Lock;
  readonly archive: Duration;
  readonly key: IKey | undefined;
}

/**
 * The archive's bucket: versioned, with Object Lock. Objects that are put without a retention get the default one, so that
 * nothing in it is ever unlocked.
 */
export function archiveBucket(scope: Construct, stage: StageDefaults, { lock, archive, key }: ArchiveLock): IBucket {
  const retention =
    lock === 'compliance' ? ObjectLockRetention.compliance(archive) : ObjectLockRetention.governance(archive);
  const bucket: unknown = new Bucket(scope, 'Archive', {
    versioned: true,
    objectLockEnabled: true,
    objectLockDefaultRetention: retention,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    ...encryptedWith(key),
    removalPolicy: stage.removal,
  });
  return bucket as IBucket; // CDK is not written for exactOptionalPropertyTypes: its own classes miss its own interfaces
}

/**
 * Restricts writes to the archive to one role, and denies other actions, whatever IAM allows.
 *
 * @param writer the only role that may put objects and set holds
 * @param isRemovable whether the bucket is removed with its stack, locked or not
 */
export function guardArchive(bucket: IBucket, writer: IRole, isRemovable: boolean): void {
  const everyone = [new AnyPrincipal()];
  // Amazon S3 user guide, "Enforce conditional writes": parts of multipart uploads carry no such header.
  const unconditional = { Null: { 's3:if-none-match': 'true' }, Bool: { 's3:ObjectCreationOperation': 'true' } };
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'OnlyNewKeysButCheckpoint',
      effect: Effect.DENY,
      principals: everyone,
      actions: ['s3:PutObject'],
      notResources: [bucket.arnForObjects('*/checkpoint')],
      conditions: unconditional,
    }),
  );
  bucket.addToResourcePolicy(onlyBy(writer, 'OnlyTheArchiverWrites', bucket, 's3:PutObject'));
  bucket.addToResourcePolicy(onlyBy(writer, 'OnlyTheLogHolds', bucket, 's3:PutObjectLegalHold'));
  bucket.addToResourcePolicy(onlyBy(writer, 'OnlyTheLogLocks', bucket, 's3:PutObjectRetention'));
  if (isRemovable) return;
  // A lock keeps versions, but a delete marker would still hide them from a plain read.
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'NobodyHidesObjects',
      effect: Effect.DENY,
      principals: everyone,
      actions: ['s3:DeleteObject'],
      resources: [bucket.arnForObjects('*')],
    }),
  );
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'NobodyBypassesTheLock',
      effect: Effect.DENY,
      principals: everyone,
      actions: ['s3:BypassGovernanceRetention'],
      resources: [bucket.arnForObjects('*')],
    }),
  );
}

/** Denies an action on objects to everyone but a role, whatever IAM allows. */
export function onlyBy(writer: IRole, sid: string, bucket: IBucket, action: string): PolicyStatement {
  return new PolicyStatement({
    sid,
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: [action],
    resources: [bucket.arnForObjects('*')],
    conditions: { ArnNotEquals: { 'aws:PrincipalArn': writer.roleArn } },
  });
}

/** A bucket for temporary objects: not locked, and emptied by age. */
export function transientBucket(
  scope: Construct,
  id: string,
  props: {
    readonly lifecycle: LifecycleRule;
    readonly key: IKey | undefined;
    readonly stage: Pick<StageDefaults, 'removal'>;
  },
): Bucket {
  return new Bucket(scope, id, {
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    ...encryptedWith(props.key),
    lifecycleRules: [props.lifecycle],
    removalPolicy: props.stage.removal,
  });
}

/** The bucket in which Lambda stores batches of the stream that kept failing. They contain items of the table. */
export function failedBatches(scope: Construct, stage: StageDefaults, key: IKey | undefined): IBucket {
  const lifecycle = { expiration: Duration.days(30) };
  const bucket: unknown = transientBucket(scope, 'FailedBatches', { lifecycle, key, stage });
  return bucket as IBucket; // as for the archive
}
