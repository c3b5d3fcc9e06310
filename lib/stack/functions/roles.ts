import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { allowExports } from './exporting.ts';
import { type Roles, workerRole } from './functions.ts';
import { allowIndex } from './indexing.ts';
import {
  allowAccessRecords,
  allowAppends,
  allowArchiveReads,
  allowArchiving,
  allowEncryption,
  allowHeadRecords,
  allowLedgerReads,
  allowListingVersions,
  allowStamping,
  allowSystemRecords,
  allowVerifying,
} from './permissions.ts';

/** The resources that the functions of a log use. */
export interface WorkedOn {
  readonly table: ITable;
  readonly archive: IBucket;
  readonly exports: IBucket;
  readonly index: IBucket;
  /** The encryption key of the table and buckets; undefined for keys of AWS. */
  readonly key: IKey | undefined;
  /** True if reads are recorded. */
  readonly recordsReads: boolean;
  /** True if heads are stated in `_heads`, for witnesses. */
  readonly statesHeads: boolean;
  /** True if the buckets are removed with the stack. */
  readonly isRemovable: boolean;
}

/** Makes a role for each function. Created before the keys, buckets and table, whose policies name them. */
export const logRoles = (scope: Construct): Roles => ({
  append: workerRole(scope, 'Append'),
  read: workerRole(scope, 'Read'),
  export: workerRole(scope, 'Export'),
  seal: workerRole(scope, 'Seal'),
  follow: workerRole(scope, 'Follow'),
  verify: workerRole(scope, 'Verify'),
});

/** Gives each role its function's permissions, except that of `seal` to invoke `follow`, which does not exist yet. */
export function allowWork(
  roles: Roles,
  { table, archive, exports, index, key, recordsReads, statesHeads, isRemovable }: WorkedOn,
): void {
  for (const role of Object.values(roles)) {
    if (key !== undefined) allowEncryption(role, key);
    allowLedgerReads(role, table);
  }
  allowAppends(roles.append, table);
  allowArchiveReads(roles.read, archive);
  allowExports(roles.export, table, archive, exports);
  allowArchiving(roles.follow, table, archive);
  allowIndex({ writer: roles.follow, readers: [roles.read, roles.export] }, table, index, isRemovable);
  allowStamping(roles.follow, table);
  allowListingVersions(roles.follow, archive);
  allowSystemRecords(roles.follow, table);
  // It seals events left in line, including reads recorded before recording was switched off.
  allowAccessRecords(roles.follow, table);
  allowVerifying(roles.verify, table, archive);
  if (statesHeads) allowHeadRecords(roles.follow, table);
  if (recordsReads) for (const role of [roles.read, roles.export, roles.verify]) allowAccessRecords(role, table);
}
