import { IndexCheck } from '../followers/indexing/index-check.ts';
import { Indexer } from '../followers/indexing/indexer.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ArchivedLog } from './log.ts';

/** The delays of the index. */
export interface IndexPace {
  /** Records to index together, or fewer after `indexDelayMs`. @default 1,024 */
  readonly indexRecords?: number;
  /** @default 60,000 */
  readonly indexDelayMs?: number;
  /** True if records wait to be indexed even where a sweep does at once what could wait. @default false */
  readonly indexPatiently?: boolean;
}

/** The parts of a log that the followers of the index need, on any thread. */
export interface IndexedLog extends Pick<ArchivedLog, 'table' | 'files' | 'archive'> {
  readonly ledger: Pick<Ledger, 'append'>;
}

export const openIndexer = ({ table, files, archive, ledger }: IndexedLog, pace: IndexPace = {}): Indexer =>
  new Indexer({
    ...{ table, files, archive, ledger },
    ...(pace.indexPatiently !== undefined && { isPatient: pace.indexPatiently }),
    ...(pace.indexRecords !== undefined && { minRecords: pace.indexRecords }),
    ...(pace.indexDelayMs !== undefined && { delayMs: pace.indexDelayMs }),
  });

export const openIndexCheck = ({ table, ledger, archive }: Omit<IndexedLog, 'files'>): IndexCheck =>
  new IndexCheck({ table, ledger, archive });
