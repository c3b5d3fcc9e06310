import { Expirer } from '../lib/followers/expiry/expirer.ts';
import { retentionFor } from '../lib/followers/expiry/retention.ts';
import type { ArchivedRecords } from '../lib/ledger/archived-records.ts';
import type { Environment } from './environment.ts';
import type { Log } from './log.ts';

/** What lets blocks leave the table, after as many days as the environment says. */
export const openExpirer = (
  { table }: Pick<Log, 'table'>,
  archive: ArchivedRecords,
  { retention }: Pick<Environment, 'retention'>,
): Expirer => new Expirer({ table, archive, hotDays: (trail) => retentionFor(retention, trail).hotDays ?? 'forever' });
