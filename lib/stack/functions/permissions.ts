import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, type IRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ACCESS_TRAIL, HEADS_TRAIL, INDEX_TRAIL, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import {
  DEPLOYMENT_PARTITION,
  type PartitionKind,
  PREFIX,
  TRAILS_PARTITION,
  WORK_PREFIX,
} from '../../ledger/items/layout.ts';
import { EXPIRES_AT, PARTITION, SORT } from '../../store/dynamodb/item.ts';

/**
 * Permissions of the functions on the table, by kinds of partitions. Nothing may delete a head, a block or a checkpoint.
 */

/** The partitions that an append writes. */
const LEDGER = [
  ...all('head', 'block', 'blockPart', 'checkpoint', 'idempotency', 'waiting', 'landing', 'turn'),
  TRAILS_PARTITION,
];
/** The partitions that the tamper monitor writes: records in the trail `_system`. */
const SYSTEM_RECORDS = trailPartitions(SYSTEM_TRAIL);
/** The partitions of the heads that witnesses cosign. */
const HEAD_RECORDS = trailPartitions(HEADS_TRAIL);
/** The partitions of access records. */
const ACCESS_RECORDS = trailPartitions(ACCESS_TRAIL);
/** The partitions of records in the trail `_index`. */
const INDEX_RECORDS = trailPartitions(INDEX_TRAIL);
/** The partitions in which earlier versions kept the query index. */
const EARLIER_INDEX = all('postings', 'longPostings', 'counts');
/** The partitions that list trails with pending work. */
const WORK = [`${WORK_PREFIX}*`];

/** Patterns for every partition of some kinds. */
function all(...kinds: readonly PartitionKind[]): string[] {
  return kinds.map((kind) => `${PREFIX[kind]}*`);
}

/** Patterns for the partitions that an append to one trail writes. */
function trailPartitions(trail: string): readonly string[] {
  const { head, block, blockPart, idempotency, waiting, landing, turn } = PREFIX;
  return [
    `${head}${trail}`,
    `${block}${trail}`,
    `${blockPart}${trail}/*`,
    `${idempotency}${trail}/*`,
    `${waiting}${trail}/*`,
    `${landing}${trail}/*`,
    `${turn}${trail}`,
    TRAILS_PARTITION,
  ];
}

function allow(grantee: IGrantable, statement: PolicyStatement): void {
  grantee.grantPrincipal.addToPrincipalPolicy(statement);
}

const inPartitions = (partitions: readonly string[]) => ({
  conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitions } },
});

/** Allows reading the whole ledger, including the index. */
export function allowLedgerReads(grantee: IGrantable, table: ITable): void {
  const actions = ['dynamodb:GetItem', 'dynamodb:Query'];
  allow(grantee, new PolicyStatement({ sid: 'ReadTable', actions, resources: [table.tableArn] }));
  allowPuts(grantee, table, 'PutCursorSecret', [DEPLOYMENT_PARTITION]);
}

/** Allows appending. */
export function allowAppends(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutRecords', LEDGER);
  allowRemovals(grantee, table, 'LeaveLine', all('waiting'));
}

/** Allows sealing, and storing the archive's progress. */
export function allowArchiving(grantee: IGrantable, table: ITable, archive: IBucket): void {
  allowPuts(grantee, table, 'PutProgress', [...all('follower', 'checkpoint'), ...WORK]);
  allowRemovals(grantee, table, 'RemoveDone', [...all('follower'), ...WORK]);
  allow(
    grantee,
    new PolicyStatement({
      sid: 'WriteArchive',
      actions: ['s3:PutObject', 's3:PutObjectRetention', 's3:PutObjectLegalHold'],
      resources: [archive.arnForObjects('*')],
    }),
  );
  allowArchiveReads(grantee, archive);
}

/** Allows serving administrators: storing and recording legal holds, and invoking `follower` to seal. */
export function allowOrders(grantee: IGrantable, table: ITable, follower: IFunction): void {
  allowPuts(grantee, table, 'PutLegalHolds', [...all('follower'), ...WORK]);
  allowSystemRecords(grantee, table);
  // CDK's grant would include versions and aliases, of which there are none.
  allow(
    grantee,
    new PolicyStatement({ sid: 'AskFollower', actions: ['lambda:InvokeFunction'], resources: [follower.functionArn] }),
  );
}

/** Allows listing every version of every object, for legal holds. */
export function allowListingVersions(grantee: IGrantable, archive: IBucket): void {
  allow(
    grantee,
    new PolicyStatement({ sid: 'ListVersions', actions: ['s3:ListBucketVersions'], resources: [archive.bucketArn] }),
  );
}

/** Allows recording findings in the trail `_system`. */
export function allowSystemRecords(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutSystemRecords', SYSTEM_RECORDS);
  allowRemovals(grantee, table, 'LeaveSystemLine', [`${PREFIX.waiting}${SYSTEM_TRAIL}/*`]);
}

/** Allows stating heads in the trail `_heads`. */
export function allowHeadRecords(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutHeadRecords', HEAD_RECORDS);
  allowRemovals(grantee, table, 'LeaveHeadLine', [`${PREFIX.waiting}${HEADS_TRAIL}/*`]);
}

/** Allows recording reads in the trail `_access`. */
export function allowAccessRecords(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutAccessRecords', ACCESS_RECORDS);
  allowRemovals(grantee, table, 'LeaveAccessLine', [`${PREFIX.waiting}${ACCESS_TRAIL}/*`]);
}

/** Allows writing exports, linking to them, and storing their requests and progress. */
export function allowExporting(grantee: IGrantable, table: ITable, exports: IBucket): void {
  allowPuts(grantee, table, 'PutExports', all('export'));
  allow(
    grantee,
    new PolicyStatement({
      sid: 'WriteExports',
      actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
      resources: [exports.arnForObjects('*')],
    }),
  );
  // Links are signed with the function's own credentials.
  allow(
    grantee,
    new PolicyStatement({ sid: 'LinkExports', actions: ['s3:GetObject'], resources: [exports.arnForObjects('*')] }),
  );
}

/**
 * Allows a function to invoke itself. In a separate policy, because the function depends on its role's first policy, which
 * therefore cannot name the function.
 */
export function allowAskingItself(scope: Construct, role: IRole, fn: IFunction): void {
  const statement = new PolicyStatement({
    sid: 'AskItself',
    actions: ['lambda:InvokeFunction'],
    resources: [fn.functionArn],
  });
  new Policy(scope, 'VerifyAsksItself', { roles: [role], statements: [statement] });
}

/** Allows verifying, and writing only the reports. */
export function allowVerifying(grantee: IGrantable, table: ITable, archive: IBucket): void {
  allowPuts(grantee, table, 'PutReport', [...all('follower'), ...WORK]);
  allowRemovals(grantee, table, 'RemoveVerified', WORK);
  allowSystemRecords(grantee, table);
  allowArchiveReads(grantee, archive);
  // Verifying a bucket means reading every version, since a later one can hide the locked one.
  allow(
    grantee,
    new PolicyStatement({
      sid: 'ReadVersions',
      actions: ['s3:GetObjectVersion'],
      resources: [archive.arnForObjects('*')],
    }),
  );
  allowListingVersions(grantee, archive);
}

/** Allows stating the runs of the query index in the trail `_index`. */
export function allowIndexRecords(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutIndexRecords', INDEX_RECORDS);
  allowRemovals(grantee, table, 'LeaveIndexLine', [`${PREFIX.waiting}${INDEX_TRAIL}/*`]);
}

/** Allows removing the query index of earlier versions from the table. */
export function allowRemovingEarlierIndex(grantee: IGrantable, table: ITable): void {
  allowRemovals(grantee, table, 'RemoveEarlierIndex', EARLIER_INDEX);
}

/**
 * Allows setting the expiry time of blocks, and changing nothing else about them (DynamoDB developer guide, "Using IAM policy
 * conditions for fine-grained access control": an update names the attributes that it touches).
 */
export function allowStamping(grantee: IGrantable, table: ITable): void {
  allow(
    grantee,
    new PolicyStatement({
      sid: 'StampBlocks',
      actions: ['dynamodb:UpdateItem'],
      resources: [table.tableArn],
      conditions: {
        'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': all('block', 'blockPart') },
        'ForAllValues:StringEquals': { 'dynamodb:Attributes': [PARTITION, SORT, EXPIRES_AT] },
      },
    }),
  );
}

/** Allows reading objects, and listing them, since S3 reports a missing object only to principals that may list. */
export function allowArchiveReads(grantee: IGrantable, archive: IBucket): void {
  allow(
    grantee,
    new PolicyStatement({ sid: 'ReadArchive', actions: ['s3:GetObject'], resources: [archive.arnForObjects('*')] }),
  );
  allow(
    grantee,
    new PolicyStatement({ sid: 'ListArchive', actions: ['s3:ListBucket'], resources: [archive.bucketArn] }),
  );
}

/** Allows using the encryption key of the table and buckets, but only through them. */
export function allowEncryption(grantee: IGrantable, key: IKey): void {
  const actions = ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'ReEncryptFrom', 'ReEncryptTo'];
  allow(
    grantee,
    new PolicyStatement({
      sid: 'UseEncryptionKey',
      actions: actions.map((action) => `kms:${action}`),
      resources: [key.keyArn],
      conditions: { StringLike: { 'kms:ViaService': ['dynamodb.*.amazonaws.com', 's3.*.amazonaws.com'] } },
    }),
  );
}

function allowPuts(grantee: IGrantable, table: ITable, sid: string, partitions: readonly string[]): void {
  allow(
    grantee,
    new PolicyStatement({
      sid,
      actions: ['dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      resources: [table.tableArn],
      ...inPartitions(partitions),
    }),
  );
}

function allowRemovals(grantee: IGrantable, table: ITable, sid: string, partitions: readonly string[]): void {
  allow(
    grantee,
    new PolicyStatement({
      sid,
      actions: ['dynamodb:DeleteItem'],
      resources: [table.tableArn],
      ...inPartitions(partitions),
    }),
  );
}
