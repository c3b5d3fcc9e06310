import { DAY_MS } from '../contract/time.ts';
import type { ObjectLock } from '../followers/archive/archive-records.ts';
import { Archiver } from '../followers/archive/archiver.ts';
import { TrailBeginnings } from '../followers/beginnings/trail-beginnings.ts';
import { LineDrainer } from '../followers/draining/line-drainer.ts';
import { Expirer } from '../followers/expiry/expirer.ts';
import { HeadStatements } from '../followers/heads/head-statements.ts';
import { HistoryCheck } from '../followers/history/history-check.ts';
import { LegalHolds } from '../followers/legal-hold/legal-holds.ts';
import { ProducerFollower } from '../followers/producers/producer-gaps.ts';
import type { Follower } from '../followers/runtime/follower.ts';
import { Sealer } from '../followers/signing/head-signer.ts';
import { Timestamper, type TimestampSettings } from '../followers/timestamps/timestamper.ts';
import { Verifier } from '../followers/verification/verifier.ts';
import { WitnessFollower, type WitnessSettings } from '../followers/witnesses/witness-follower.ts';
import { type IndexPace, openIndexCheck, openIndexer } from './indexing.ts';
import type { ArchivedLog } from './log.ts';

/** The delays of followers, in milliseconds unless stated otherwise. */
export interface FollowerPace extends IndexPace {
  /** How long a record may wait to be archived. @default 20,000 */
  readonly archiveDelayMs?: number;
  /** How long to wait for a producer's late events before recording a gap. @default 60,000 */
  readonly gapGraceMs?: number;
  /** The time between two verifications of a trail. @default 3,600,000 */
  readonly verifyEveryMs?: number;
}

/** Settings of the followers. */
export interface FollowerSettings {
  readonly pace?: FollowerPace;
  /** Witnesses to ask for cosignatures. @default none, and no heads are stated */
  readonly witnesses?: WitnessSettings;
  /** A service that time-stamps each seal. @default none */
  readonly timestamps?: TimestampSettings;
  /** Called if a verification finds damage that cannot be recorded in `_system`. Must not throw. */
  readonly onUnrecorded?: (trail: string, reason: unknown) => void;
}

type MakeFollower = (log: ArchivedLog, settings: FollowerSettings) => Follower;

/**
 * The registry of followers that commits wake, in the order in which they visit a trail. The embedded server runs each
 * concurrently; on AWS the function `follow` runs them for each batch of the Table's stream and twice a minute. A follower
 * that is not listed here or in {@link SCHEDULED} runs nowhere.
 */
export const FOLLOWERS = {
  history: ({ table, ledger }) => new HistoryCheck({ table, ledger }),
  drainer: ({ ledger }) => new LineDrainer(ledger),
  signer: ({ ledger }) => new Sealer({ ledger }),
  archiver: ({ objects, table, ledger, retentionOf, retiredKeys, mlDsa }, { pace = {} }) =>
    new Archiver({
      ...{ objects, table, ledger, retired: retiredKeys },
      lockFor: (trail) => lockFrom(retentionOf(trail)),
      ...(mlDsa && { mlDsa }),
      ...(pace.archiveDelayMs !== undefined && { maxDelayMs: pace.archiveDelayMs }),
    }),
  // After the archiver: they go by archived records.
  beginnings: ({ table, ledger }) => new TrailBeginnings({ table, ledger }),
  heads: ({ table, ledger }, { witnesses }) =>
    new HeadStatements({
      ...{ table, ledger, isOn: witnesses !== undefined },
      ...(witnesses?.everyMs !== undefined && { everyMs: witnesses.everyMs }),
    }),
  witnesses: ({ table, objects, ledger, nodes, retentionOf }, { witnesses }) =>
    new WitnessFollower({
      ...{ table, objects, ledger, nodes },
      lockFor: (trail) => lockFrom(retentionOf(trail)),
      ...(witnesses && { settings: witnesses }),
    }),
  // After the archiver, which seals.
  timestamps: ({ table, objects, ledger, retentionOf }, { timestamps }) =>
    new Timestamper({
      ...{ table, objects, ledger },
      lockFor: (trail) => lockFrom(retentionOf(trail)),
      ...(timestamps && { settings: timestamps }),
    }),
  indexer: (log, { pace }) => openIndexer(log, pace),
  producers: ({ table, ledger }, { pace = {} }) =>
    new ProducerFollower({ table, ledger, ...(pace.gapGraceMs !== undefined && { graceMs: pace.gapGraceMs }) }),
  expirer: ({ table, archive, retentionOf }) =>
    new Expirer({ table, archive, hotDays: (trail) => retentionOf(trail).hotDays ?? 'forever' }),
  legalHolds: ({ table, objects }) => new LegalHolds({ table, objects }),
} satisfies Record<string, MakeFollower>;

/**
 * The followers that read whole trails, and so run only on a schedule: on AWS in the function `verify`, once an hour. The
 * embedded server runs them like the others, and they decide themselves when they are due.
 */
export const SCHEDULED = {
  verifier: ({ table, objects, ledger, retiredKeys }, { pace = {}, onUnrecorded }) =>
    new Verifier({
      ...{ table, objects, ledger, retired: retiredKeys },
      ...(pace.verifyEveryMs !== undefined && { everyMs: pace.verifyEveryMs }),
      ...(onUnrecorded && { onUnrecorded }),
    }),
  indexCheck: (log) => openIndexCheck(log),
} satisfies Record<string, MakeFollower>;

/** The followers of a list, by name. */
export type Opened<List> = {
  readonly [Name in keyof List]: List[Name] extends (...args: never[]) => infer Made ? Made : never;
};

/**
 * Makes the followers of a list for a log, in order.
 *
 * @example
 * const { archiver, ...others } = openFollowers(FOLLOWERS, log);
 */
export function openFollowers<List extends Record<string, MakeFollower>>(
  list: List,
  log: ArchivedLog,
  settings: FollowerSettings = {},
): Opened<List> {
  const made = Object.entries(list).map(([name, make]) => [name, make(log, settings)]);
  return Object.fromEntries(made); // each name of the list, made by its own entry
}

/** The lock of the archive's objects. */
function lockFrom({ archiveDays, lock }: ReturnType<ArchivedLog['retentionOf']>): ObjectLock | undefined {
  return archiveDays === undefined ? undefined : { ms: archiveDays * DAY_MS, ...(lock && { mode: lock }) };
}
