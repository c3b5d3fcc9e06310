import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, type IRole, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ACCESS_TRAIL, SYSTEM_TRAIL } from '../../contract/system-trails.ts';
import {
  DEPLOYMENT_PARTITION,
  type PartitionKind,
  PREFIX,
  TRAILS_PARTITION,
  WORK_PREFIX,
} from '../../ledger/items/layout.ts';
import { EXPIRES_AT, PARTITION, SORT } from '../../store/dynamodb/item.ts';

/**
 * What each function may do with the table, by the kinds of its partitions. Nothing may delete a head, a block or a checkpoint.
 */

/** What an append writes. */
const LEDGER = [
  ...all('head', 'block', 'blockPart', 'checkpoint', 'idempotency', 'waiting', 'landing', 'turn'),
  TRAILS_PARTITION,
];
/** What the tamper monitor writes: records in the system's own trail. */
const SYSTEM_RECORDS = trailPartitions(SYSTEM_TRAIL);
/** Records of who read what. */
const ACCESS_RECORDS = trailPartitions(ACCESS_TRAIL);
/** The query index; the indexer also removes what it has merged. */
const INDEX = all('postings', 'longPostings', 'counts');
/** Which trails have work waiting. */
const WORK = [`${WORK_PREFIX}*`];
/** What followers write. */
const FOLLOWING = [...all('follower', 'checkpoint'), ...INDEX];

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

/** To read the whole ledger, index included. */
export function allowLedgerReads(grantee: IGrantable, table: ITable): void {
  const actions = ['dynamodb:GetItem', 'dynamodb:Query'];
  allow(grantee, new PolicyStatement({ sid: 'ReadTable', actions, resources: [table.tableArn] }));
  allowPuts(grantee, table, 'PutCursorSecret', [DEPLOYMENT_PARTITION]);
}

/** To append. */
export function allowAppends(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutRecords', LEDGER);
  allowRemovals(grantee, table, 'LeaveLine', all('waiting'));
}

/** To seal and to remember how far the archive has come. */
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

/** To take orders of administrators: legal holds are noted, and recorded in `_system`, for `follower` to carry out; it seals. */
export function allowOrders(grantee: IGrantable, table: ITable, follower: IFunction): void {
  allowPuts(grantee, table, 'PutLegalHolds', [...all('follower'), ...WORK]);
  allowSystemRecords(grantee, table);
  // Not its versions and aliases, of which there are none: CDK's grant would allow those too.
  allow(
    grantee,
    new PolicyStatement({ sid: 'AskFollower', actions: ['lambda:InvokeFunction'], resources: [follower.functionArn] }),
  );
}

/** To find all that a legal hold is about: every version of every object. */
export function allowListingVersions(grantee: IGrantable, archive: IBucket): void {
  allow(
    grantee,
    new PolicyStatement({ sid: 'ListVersions', actions: ['s3:ListBucketVersions'], resources: [archive.bucketArn] }),
  );
}

/** To record what was found in the trail `_system`. */
export function allowSystemRecords(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutSystemRecords', SYSTEM_RECORDS);
  allowRemovals(grantee, table, 'LeaveSystemLine', [`${PREFIX.waiting}${SYSTEM_TRAIL}/*`]);
}

/** To record in the trail `_access` who read what. */
export function allowAccessRecords(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutAccessRecords', ACCESS_RECORDS);
  allowRemovals(grantee, table, 'LeaveAccessLine', [`${PREFIX.waiting}${ACCESS_TRAIL}/*`]);
}

/** To write exports and hand them out, and to remember who asked for them and how far they have come. */
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
  // Links are signed with the function's own rights.
  allow(
    grantee,
    new PolicyStatement({ sid: 'LinkExports', actions: ['s3:GetObject'], resources: [exports.arnForObjects('*')] }),
  );
}

/**
 * To have itself do what it was asked for. A policy of its own: the function depends on its role's first policy, which therefore
 * cannot name the function.
 */
export function allowAskingItself(scope: Construct, role: IRole, fn: IFunction): void {
  const statement = new PolicyStatement({
    sid: 'AskItself',
    actions: ['lambda:InvokeFunction'],
    resources: [fn.functionArn],
  });
  new Policy(scope, 'VerifyAsksItself', { roles: [role], statements: [statement] });
}

/** To verify: nothing is written but what came of it. */
export function allowVerifying(grantee: IGrantable, table: ITable, archive: IBucket): void {
  allowPuts(grantee, table, 'PutReport', [...all('follower'), ...WORK]);
  allowRemovals(grantee, table, 'RemoveVerified', WORK);
  allowSystemRecords(grantee, table);
  allowArchiveReads(grantee, archive);
  // Whoever verifies a bucket looks at every version, since a later one can hide the one that is locked.
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

/** To write the query index and to remove what was merged in it. */
export function allowIndexing(grantee: IGrantable, table: ITable): void {
  allowPuts(grantee, table, 'PutIndex', FOLLOWING);
  allowRemovals(grantee, table, 'RemoveMergedIndex', INDEX);
}

/**
 * To stamp blocks with the time at which DynamoDB removes them, and to change nothing else of them (DynamoDB developer
 * guide, "Using IAM policy conditions for fine-grained access control": an update names the attributes that it touches).
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

/** To read objects; S3 tells that one is not there only to those who may list. */
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

/** To use the key that table and buckets are encrypted with: through them alone, and never by itself. */
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
