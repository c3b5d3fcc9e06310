import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { allowExports } from './exporting.ts';
import { type Roles, workerRole } from './functions.ts';
import {
  allowAccessRecords,
  allowAppends,
  allowArchiveReads,
  allowArchiving,
  allowEncryption,
  allowIndexing,
  allowLedgerReads,
  allowListingVersions,
  allowStamping,
  allowSystemRecords,
  allowVerifying,
} from './permissions.ts';

/** What the functions of a log work on. */
export interface WorkedOn {
  readonly table: ITable;
  readonly archive: IBucket;
  readonly exports: IBucket;
  /** What table and buckets are encrypted with, unless by keys of AWS. */
  readonly key: IKey | undefined;
  /** Whether those who read are recorded. */
  readonly recordsReads: boolean;
}

/** A role for each function of a log. They come before what names them in its policies: keys, buckets, the table. */
export const logRoles = (scope: Construct): Roles => ({
  append: workerRole(scope, 'Append'),
  read: workerRole(scope, 'Read'),
  export: workerRole(scope, 'Export'),
  seal: workerRole(scope, 'Seal'),
  follow: workerRole(scope, 'Follow'),
  verify: workerRole(scope, 'Verify'),
});

/** Lets each role do what its function is for. What `seal` asks of `follow` is allowed once that is there. */
export function allowWork(roles: Roles, { table, archive, exports, key, recordsReads }: WorkedOn): void {
  for (const role of Object.values(roles)) {
    if (key !== undefined) allowEncryption(role, key);
    allowLedgerReads(role, table);
  }
  allowAppends(roles.append, table);
  allowArchiveReads(roles.read, archive);
  allowExports(roles.export, table, archive, exports);
  allowArchiving(roles.follow, table, archive);
  allowIndexing(roles.follow, table);
  allowStamping(roles.follow, table);
  allowListingVersions(roles.follow, archive);
  allowSystemRecords(roles.follow, table);
  // It seals what was left in line, also of reads that were recorded before that was switched off.
  allowAccessRecords(roles.follow, table);
  allowVerifying(roles.verify, table, archive);
  if (recordsReads) for (const role of [roles.read, roles.export, roles.verify]) allowAccessRecords(role, table);
}
