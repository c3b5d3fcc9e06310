import type { Services } from '../api/services.ts';
import { defined } from '../base/defined.ts';
import { ExportWorker } from '../export/export-worker.ts';
import type { Exports } from '../export/exports.ts';
import type { Archiver } from '../followers/archive/archiver.ts';
import type { ForwardStatus } from '../followers/forwarding/forwarder.ts';
import { LegalHoldOrders } from '../followers/legal-hold/legal-hold-requests.ts';
import type { Follower } from '../followers/runtime/follower.ts';
import { Runner, type RunnerErrorSource } from '../followers/runtime/runner.ts';
import { assertUsableService, type Timestamper, type TimestampSettings } from '../followers/timestamps/timestamper.ts';
import { VerificationWorker } from '../followers/verification/verification-worker.ts';
import { Verifications } from '../followers/verification/verifications.ts';
import type { Verifier } from '../followers/verification/verifier.ts';
import { assertUsable } from '../followers/witnesses/usable-policy.ts';
import type { WitnessFollower, WitnessSettings } from '../followers/witnesses/witness-follower.ts';
import type { ForwardSettings } from '../forward/settings.ts';
import { trailsIn } from '../ledger/history.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Downloads, Files, Objects } from '../store/ports.ts';
import { openExports } from './exports.ts';
import { FOLLOWERS, type FollowerPace, openFollowers, SCHEDULED } from './followers.ts';
import { openForwarders } from './forwarders.ts';
import { type ArchivedLog, type LogSettings, type LogStores, wireLog } from './log.ts';
import { openQueries } from './queries.ts';

/** The stores of a whole log in one process. Bring your own drivers for another cloud. */
export interface OpenLogStores extends LogStores {
  readonly objects: Objects;
  readonly downloads: Downloads;
  readonly files: Files;
}

/** Settings of a whole log in one process. */
export interface OpenLogSettings extends LogSettings {
  readonly pace?: FollowerPace;
  /** Witnesses to ask for cosignatures. @default none */
  readonly witnesses?: WitnessSettings;
  /** Where records are forwarded to. @default nowhere */
  readonly forward?: ForwardSettings;
  /** A service that time-stamps each seal. @default none */
  readonly timestamps?: TimestampSettings;
  /**
   * Called on errors outside of requests (followers, signatures, exports), and on alarms. Must not throw.
   * @default emits a process warning, so that no alarm goes unnoticed
   */
  readonly onError?: (error: unknown, source: RunnerErrorSource) => void;
  /** Where a follower runs: the same one, or one of that name that has its work done elsewhere. @default here */
  readonly place?: (follower: Follower, log: ArchivedLog) => Follower;
}

/** A whole log in one process: ledger, followers, archive, queries, exports. */
export interface OpenLog extends Services {
  readonly archiver: Archiver;
  /** Verifies trails on request and on its schedule, and keeps figures for alarms. */
  readonly verifier: Verifier;
  readonly verifications: Verifications;
  /** How far the witnesses have come with the log's heads. */
  readonly witnesses: Pick<WitnessFollower, 'status'>;
  /** How far the time-stamps of a trail's seals have come. */
  readonly timestamps: Pick<Timestamper, 'status'>;
  readonly exports: Exports;
  /** How far each destination has come in each of its trails. */
  readonly forwarding: () => AsyncIterable<ForwardStatus>;
  /** Finishes the work in progress and stops. Leaves the stores open: close them afterwards. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens a whole log over your own drivers and starts its followers. Only one process may have it open at a time, since it
 * takes over unfinished exports. `openEmbedded` does the same over a folder.
 *
 * @throws the Table's errors; `malformed_policy` for a policy that can never be fulfilled; `invalid_parameter` for a time-stamping
 *   service without a usable URL
 *
 * @example
 * // Drivers for another cloud. Each passes the contract suite of its port, `sealtrail/testing/contracts`.
 * const stores = {
 *   table: new SpannerTable(database),
 *   objects: new GcsObjects(bucket),
 *   signers: [new CloudKmsSigner(keyName)],
 *   downloads: new GcsDownloads(exportsBucket),
 *   files: new GcsFiles(indexBucket),
 * };
 * const log = await openLog(stores, { logName: 'audit.example.com' });
 * const directory = new Directory(access, profiles); // who may call
 * const server = await serveLog({ ...log, directory }, { port: 8321, log: console.log, onError: console.error });
 * // … when the process ends:
 * await server.close();
 * await log.close();
 */
export async function openLog(stores: OpenLogStores, settings: OpenLogSettings): Promise<OpenLog> {
  const { pace = {}, witnesses, timestamps, forward, onError = warn } = settings;
  if (witnesses !== undefined) assertUsable(witnesses.policy, settings.logName);
  if (timestamps !== undefined) assertUsableService(timestamps);
  const log = wireLog(
    stores,
    { ...settings, isAlone: true },
    {
      onCommit: (trail) => runner.wake(trail),
      onClockBehind: (error, trail) => onError(error, { trail }),
      onUnsealed: (trail, error) => onError(error, { follower: 'signer', trail }),
    },
  );
  const onUnrecorded = (trail: string, error: unknown) => onError(error, { follower: 'verifier', trail });
  const followers = openFollowers({ ...FOLLOWERS, ...SCHEDULED }, log, {
    ...{ pace, onUnrecorded },
    ...(witnesses && { witnesses }),
    ...(timestamps && { timestamps }),
  });
  const forwarders = openForwarders(log, forward ?? { destinations: [] }, { isAlone: true });
  const { place = (follower) => follower } = settings;
  const all = [...Object.values(followers), ...forwarders].map((follower) => place(follower, log));
  const runner = new Runner({ followers: all, trails: () => log.ledger.trails(), onError });
  const queries = await openQueries(log);
  const exports: Exports = openExports(log, {
    queries,
    downloads: stores.downloads,
    start: async (trail, id) => exporter.wake(trail, id),
    onError: (error, trail, id) => onError(error, { follower: `export ${id}`, trail }),
  });
  const exporter = new ExportWorker({ exports, onError: (error) => onError(error, { follower: 'exports' }) });
  const verifications: Verifications = new Verifications({
    ...{ table: log.table, verifier: followers.verifier, inLanes: followers.verifier },
    start: async (trail, id) => verifying.wake(trail, id),
    onError: (error, trail, id) => onError(error, { follower: `verification ${id}`, trail }),
  });
  const verifying = new VerificationWorker({ verifications, onError: (error, trail) => onUnrecorded(trail, error) });
  const holds = new LegalHoldOrders(log);
  await log.retiredKeys();
  runner.start();
  let isClosing = false;
  const takingUp = takeUpVerifications(log.ledger, verifying, {
    isOver: () => isClosing,
    onError: (error, trail) => onError(error, defined({ trail })),
  });
  const looking = wakeArchived(stores.objects, runner, (error) => onError(error, {}));
  exporter.start();

  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    isClosing = true;
    await Promise.all([looking, takingUp]);
    // Stop the followers first, so that none mistakes the end of the ledger for a failure.
    const stopped = runner.stop();
    await verifying.stop();
    await log.ledger.close();
    await exporter.stop();
    await stopped;
  };
  return {
    ...log,
    archiver: followers.archiver,
    verifier: followers.verifier,
    verifications,
    witnesses: followers.witnesses,
    timestamps: followers.timestamps,
    legalHolds: {
      status: (trail) => holds.status(trail),
      set: async (trail, request) => {
        const status = await holds.set(trail, request);
        runner.wake(trail);
        return status;
      },
    },
    queries,
    exports,
    forwarding: async function* () {
      for (const forwarder of forwarders) yield* forwarder.status();
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

/** Wakes followers for the trails of the archive too, in case the database has lost one. */
async function wakeArchived(objects: Objects, runner: Runner, onError: (error: unknown) => void): Promise<void> {
  try {
    for await (const trail of trailsIn(objects)) runner.wake(trail);
  } catch (error) {
    onError(error);
  }
}

/** Goes on with the verifications on request that the last process left, as it does with exports. */
async function takeUpVerifications(
  ledger: Ledger,
  verifying: VerificationWorker,
  { isOver, onError }: { readonly isOver: () => boolean; readonly onError: (error: unknown, trail?: string) => void },
): Promise<void> {
  try {
    for await (const trail of ledger.trails()) {
      if (isOver()) return;
      await verifying.takeUp(trail).catch((error: unknown) => onError(error, trail));
    }
  } catch (error) {
    onError(error);
  }
}

/** The default `onError`. */
export const warn = (error: unknown): void => process.emitWarning(error instanceof Error ? error : String(error));
