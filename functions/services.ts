import type { Services } from '../lib/api/services.ts';
import { type PrivacyConfig, policyFor } from '../lib/event/privacy.ts';
import { ArchivedRecords } from '../lib/ledger/archived-records.ts';
import { type CommittedEvents, Ledger } from '../lib/ledger/ledger.ts';
import { nodeReader } from '../lib/ledger/nodes.ts';
import { TileCache } from '../lib/ledger/tile-cache.ts';
import { cursorSecret } from '../lib/query/cursor-secret.ts';
import { Queries } from '../lib/query/queries.ts';
import type { Objects, Signer, Table } from '../lib/store/ports.ts';
import { count, countRetry, describe, logger } from './telemetry.ts';

/** The ports, over whatever drivers. */
export interface Stores {
  readonly table: Table;
  readonly signer: Signer;
  /** Undefined in a function that may not read the archive. */
  readonly objects?: Objects;
}

/** What is the same for every trail of a deployment. */
export interface Settings {
  readonly logName: string;
  readonly privacy: PrivacyConfig;
}

/**
 * Wires a log, but for its archiver.
 *
 * @throws the Table's errors
 */
export async function openServices(stores: Stores, settings: Settings): Promise<Omit<Services, 'archiver'>> {
  const { table, signer } = stores;
  const { logName, privacy } = settings;
  // One object for good: policies are remembered by it.
  const policyOf = (trail: string) => policyFor(trail, privacy);
  const cache = new TileCache();
  const { objects } = stores;
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
    ...{ table, signers: [signer], logName, nodes, onCommit, onUnsealed, ...archive },
    onSigned: (_, waitedMs) => count('SealLag', waitedMs),
    onRetry: (_, retry) => countRetry(retry),
  });
  const queries = new Queries({ table, secret: await cursorSecret(table), policy: policyOf, ...archive });
  return { ledger, queries, nodes, policyOf, logName };
}

/**
 * Makes something once and keeps it, unless making it failed: then the next caller tries again, and does not inherit the
 * failure for as long as the function's instance lives.
 */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}
