import type { IndexPace } from '../../app/indexing.ts';
import type { AppendRequest } from '../../ledger/append-request.ts';
import type { LedgerReceipt } from '../../ledger/receipt.ts';
import type { TableCalls } from './remote-table.ts';

/** The start message of the thread. */
export interface IndexStart {
  /** The data folder. */
  readonly dir: string;
  readonly pace: IndexPace;
}

/** The followers that the thread runs. */
export type Indexing = 'indexer' | 'indexCheck';

/** A visit, under a number by which it can be told to come to an end. */
export interface Visit {
  readonly id: number;
  readonly follower: Indexing;
  readonly trail: string;
  readonly force: boolean;
}

/** The calls that the thread answers. */
export type IndexCalls = {
  /** @returns when the follower wants to see the trail again, see `Follower.revisit` */
  readonly run: (visit: Visit) => Promise<number | undefined>;
  readonly stop: (id: number) => void;
  /** No more visits: the thread ends. */
  readonly end: () => void;
};

/** The calls that the committing thread answers. */
export type CommitterCalls = TableCalls & {
  readonly append: (request: AppendRequest) => Promise<LedgerReceipt>;
};
