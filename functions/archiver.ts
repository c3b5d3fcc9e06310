import { Archiver } from '../lib/followers/archiver.ts';
import type { Objects } from '../lib/store/ports.ts';
import type { Environment } from './environment.ts';
import type { Log } from './log.ts';

const DAY_MS = 86_400_000;

/** What writes a log's archive, for as long as the environment says that it is locked. */
export const openArchiver = (
  { table, ledger }: Log,
  objects: Objects,
  { archiveDays }: Pick<Environment, 'archiveDays'>,
): Archiver => new Archiver({ objects, table, ledger, retentionMs: archiveDays * DAY_MS });
