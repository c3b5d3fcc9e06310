import type { WitnessedHead } from '../contract/witnessed-head.ts';
import { type RetentionConfig, retentionFor } from '../followers/expiry/retention.ts';
import type { RetiredKey } from '../keys/retired-key.ts';
import { retiredKeys } from '../keys/retired-keys.ts';
import { ArchivedRecords } from '../ledger/archived-records.ts';
import { History } from '../ledger/history.ts';
import { maskSecret } from '../ledger/items/deployment-secret.ts';
import { Ledger, type LedgerOptions } from '../ledger/ledger.ts';
import { nodeReader } from '../ledger/tree/nodes.ts';
import { TileCache } from '../ledger/tree/tile-cache.ts';
import type { NodeReader } from '../log/tree.ts';
import { type PrivacyConfig, policyFor } from '../privacy/config/privacy-config.ts';
import { maskTags, withTags } from '../privacy/mask-tag.ts';
import type { PrivacyPolicy } from '../privacy/policy.ts';
import type { Files, Objects, Signer, Table } from '../store/ports.ts';
import { lazy } from './lazy.ts';

/** The stores and signers of a log, with any drivers. */
export interface LogStores {
  readonly table: Table;
  /** The archive; absent if this process may not read it. */
  readonly objects?: Objects;
  /** The files of the query index; absent if this process neither queries nor indexes. */
  readonly files?: Files;
  /** All of them sign each checkpoint. If empty, this process neither signs nor verifies. */
  readonly signers: readonly Signer[];
  /** A second key, of ML-DSA-44, that signs archived checkpoints beside the others. @default none */
  readonly mlDsa?: Pick<Signer, 'publicKey' | 'sign'>;
  /**
   * Keys that signed in the past. A {@link RetiredKey} says where it stopped; for a {@link Signer} that is determined and
   * stored on first use. @default none
   */
  readonly retired?: readonly (RetiredKey | Pick<Signer, 'publicKey'>)[];
}

/** Settings that are the same for every trail of a log and for every process that opens it. */
export interface LogSettings {
  /** The first part of every checkpoint's origin, such as `audit.example.com`. Must never change. */
  readonly logName: string;
  /** @default secrets and personal data are masked */
  readonly privacy?: PrivacyConfig;
  /** How long records stay in the Table, and how long and in which mode the archive is locked. @default for ever, and not locked */
  readonly retention?: RetentionConfig;
  /** True if reads are recorded in the trail `_access`. @default true */
  readonly recordsReads?: boolean;
  /** True if this process signs its own appends, instead of leaving that to the signing follower. @default true */
  readonly signs?: boolean;
  /** True if only this process appends to the log, as on one machine, where logs are rebuilt: see `History` and `Repetitions`. @default false */
  readonly isAlone?: boolean;
}

/** Hooks called during appends. They must not throw. */
export type LogHooks = Pick<LedgerOptions, 'onCommit' | 'onSigned' | 'onRetry' | 'onUnsealed' | 'onClockBehind'>;

/** A log over its stores, as every process that works on it needs it. */
export interface Log {
  readonly table: Table;
  readonly ledger: Ledger;
  /** Tree nodes of a trail, for proofs. */
  readonly nodes: (trail: string) => NodeReader;
  /** The way from a checkpoint to the newest cosigned head that covers it: see `witnessed-heads.ts`. */
  readonly witnessed: (trail: string, from: number | undefined) => Promise<WitnessedHead>;
  /** Signs a COSE receipt of a record: see `cose-receipts.ts`. */
  readonly coseReceipt: (trail: string, seq: number) => Promise<Uint8Array>;
  /** The policy of a trail, with the tags of this log. @throws the Table's errors: the secret of the tags is kept there */
  readonly policyOf: (trail: string) => PrivacyPolicy | Promise<PrivacyPolicy>;
  readonly logName: string;
  readonly recordsReads: boolean;
  readonly retentionOf: (trail?: string) => ReturnType<typeof retentionFor>;
  /** The keys that signed in the past, and where each stopped. Throws like {@link retiredKeys}. */
  readonly retiredKeys: () => Promise<readonly RetiredKey[]>;
}

/** A log whose archive and index can be read. */
export interface ArchivedLog extends Log {
  readonly mlDsa?: LogStores['mlDsa'];
  readonly objects: Objects;
  /** The files of the query index. */
  readonly files: Files;
  /** Reads records that have left the Table. */
  readonly archive: ArchivedRecords;
}

/**
 * Wires a log over its stores, without reading or writing anything yet. This is the only place that does so: the embedded
 * server, the Lambda functions and the tests differ only in the stores and settings they pass.
 *
 * @example
 * const log = wireLog({ table, objects, signers: [signer] }, { logName: 'audit.example.com' });
 * await log.ledger.append({ trail: 'orders', submitter: 'shop', events });
 */
export function wireLog(
  stores: LogStores & { readonly objects: Objects; readonly files: Files },
  settings: LogSettings,
  hooks?: LogHooks,
): ArchivedLog;
export function wireLog(stores: LogStores, settings: LogSettings, hooks?: LogHooks): Log;
export function wireLog(stores: LogStores, settings: LogSettings, hooks: LogHooks = {}): Log {
  const { table, objects, files, signers, mlDsa, retired = [] } = stores;
  const { logName, recordsReads = true, signs = true, isAlone = false, retention = {} } = settings;
  // Always the same object, since policies are cached by it.
  const privacy = settings.privacy ?? {};
  const tags = lazy(async () => maskTags(await maskSecret(table)));
  const cache = new TileCache();
  const archived = objects && {
    ...(mlDsa && { mlDsa }),
    objects,
    archive: new ArchivedRecords({ objects, table, cache }),
  };
  const nodes = (trail: string) => nodeReader({ table, ledger, cache, ...(objects && { objects }) }, trail);
  const archive = archived && { archive: archived.archive };
  const history = new History({ table, isAlone, ...(objects && { objects }) });
  const ledger: Ledger = new Ledger({
    table,
    signers,
    signs,
    logName,
    nodes,
    history,
    seeksRepetitions: isAlone,
    ...archive,
    ...hooks,
  });
  return {
    table,
    ledger,
    nodes,
    // Few ask, and a function that starts cold reads less.
    witnessed: async (trail, from) => {
      const { witnessedHead } = await import('../followers/heads/witnessed-heads.ts');
      return witnessedHead({ table, ledger, nodes }, trail, from);
    },
    coseReceipt: async (trail, seq) => {
      const { signCoseReceipt } = await import('./cose-receipts.ts');
      return signCoseReceipt({ ledger, nodes, signers }, trail, seq);
    },
    policyOf: async (trail) => {
      const policy = policyFor(trail, privacy);
      return policy.pii === 'mask' ? withTags(policy, await tags()) : policy;
    },
    logName,
    recordsReads,
    retentionOf: (trail) => retentionFor(retention, trail),
    retiredKeys: lazy(() => retiredKeys(table, ledger, retired)),
    ...archived,
    ...(files && { files }),
  };
}
