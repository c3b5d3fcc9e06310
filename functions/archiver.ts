import type { ObjectLock } from '../lib/followers/archive/archive-records.ts';
import { Archiver } from '../lib/followers/archive/archiver.ts';
import { type RetentionConfig, retentionFor } from '../lib/followers/expiry/retention.ts';
import { retiredKeys } from '../lib/keys/retired-keys.ts';
import type { Objects, Signer } from '../lib/store/ports.ts';
import type { Environment } from './environment.ts';
import type { Log } from './log.ts';
import { once } from './once.ts';

const DAY_MS = 86_400_000;

/** What writes a log's archive, and locks it as the environment says. */
export const openArchiver = (
  { table, ledger }: Log,
  objects: Objects,
  { retention }: Pick<Environment, 'retention'>,
  retired: readonly Signer[],
): Archiver =>
  new Archiver({
    ...{ objects, table, ledger },
    lockFor: (trail) => lockOf(retention, trail),
    retired: once(() => retiredKeys(table, ledger, retired)),
  });

function lockOf(config: RetentionConfig, trail: string | undefined): ObjectLock | undefined {
  const { archiveDays, lock } = retentionFor(config, trail);
  return archiveDays === undefined ? undefined : { ms: archiveDays * DAY_MS, ...(lock && { mode: lock }) };
}
