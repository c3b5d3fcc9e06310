import { ArchivedRecords } from '../lib/ledger/archived-records.ts';
import { type CommittedEvents, Ledger } from '../lib/ledger/ledger.ts';
import { nodeReader } from '../lib/ledger/tree/nodes.ts';
import { TileCache } from '../lib/ledger/tree/tile-cache.ts';
import type { NodeReader } from '../lib/log/tree.ts';
import { type PrivacyConfig, type PrivacyPolicy, policyFor } from '../lib/privacy/policy.ts';
import type { Objects, Signer, Table } from '../lib/store/ports.ts';
import { count, countRetry, describe, logger } from './telemetry.ts';

/** The ports, over whatever drivers. */
export interface Stores {
  readonly table: Table;
  /** The keys that sign each checkpoint; none in a function that may neither sign nor verify. */
  readonly signers: readonly Signer[];
  /** Undefined in a function that may not read the archive. */
  readonly objects?: Objects;
}

/** What is the same for every trail of a deployment. */
export interface Settings {
  readonly logName: string;
  readonly privacy: PrivacyConfig;
  readonly recordsReads: boolean;
  /** Whether the function may sign; otherwise what it appends is left to the sealer. @default true */
  readonly signs?: boolean;
}

/** What every function has of the log. */
export interface Log {
  readonly table: Table;
  readonly ledger: Ledger;
  readonly nodes: (trail: string) => NodeReader;
  readonly policyOf: (trail: string) => PrivacyPolicy;
  readonly logName: string;
  /** Whether the trail `_access` keeps who read what. */
  readonly recordsReads: boolean;
  /** What has left the table; undefined in a function that may not read the archive. */
  readonly archive?: ArchivedRecords;
}

/** Wires a log over its stores; nothing is asked of them yet. */
export function openLog(
  { table, signers, objects }: Stores,
  { logName, privacy, recordsReads, signs = true }: Settings,
): Log {
  // One object for good: policies are remembered by it.
  const policyOf = (trail: string) => policyFor(trail, privacy);
  const cache = new TileCache();
  const archive = objects === undefined ? {} : { archive: new ArchivedRecords({ objects, table, cache }) };
  const tiles = objects === undefined ? {} : { objects };
  const nodes = (trail: string) => nodeReader({ ...tiles, table, ledger, cache }, trail);
  const onCommit = (_trail: string, _size: number, { events, bytes }: CommittedEvents): void => {
    count('Events', events);
    count('Bytes', bytes);
  };
  const onUnsealed = (trail: string, reason: unknown): void => {
    count('Unsealed');
    logger.warn('an append could not sign: the sealer will', { trail, ...describe(reason) });
  };
  const ledger: Ledger = new Ledger({
    ...{ table, signers, signs, logName, nodes, onCommit, onUnsealed, ...archive },
    onSigned: (_, waitedMs) => count('SealLag', waitedMs),
    onRetry: (_, retry) => countRetry(retry),
  });
  return { table, ledger, nodes, policyOf, logName, recordsReads, ...archive };
}
