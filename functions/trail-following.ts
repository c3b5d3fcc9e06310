import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { FOLLOWERS, type FollowerPace, type Opened, openFollowers } from '../lib/app/followers.ts';
import type { ArchivedLog } from '../lib/app/log.ts';
import { forEachLimited } from '../lib/base/limiter.ts';
import { ACCESS_TRAIL, SYSTEM_TRAIL } from '../lib/contract/system-trails.ts';
import { ExpiryClaims } from '../lib/followers/expiry/expiry-claims.ts';
import type { DueList } from '../lib/followers/runtime/due-list.ts';
import type { Follower } from '../lib/followers/runtime/follower.ts';
import { FullPass } from '../lib/followers/runtime/full-pass.ts';
import { RestingTrails } from '../lib/followers/runtime/resting-trails.ts';
import { sweepTrails } from '../lib/followers/runtime/sweep.ts';
import { type Visit, type VisitOptions, visitTrail } from '../lib/followers/runtime/visit.ts';
import { type Finding, findingOf, recordFinding } from '../lib/followers/tampering/tamper-monitor.ts';
import type { TimestampService } from '../lib/followers/timestamps/ask-service.ts';
import { toBase64 } from '../lib/log/encoding.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { Policy } from '../lib/log/policy.ts';
import { failure, type ReceiptAnswer, requestedReceipt, requestedTrail, type SealAnswer } from './seal-requests.ts';
import { changeOf, wakesOf } from './stream-changes.ts';
import { count, describe, logger } from './telemetry.ts';
import { followList, verifyList } from './work-lists.ts';

/**
 * Large runs make the index cheap, and queries scan the records that are not indexed yet. So sweeps, twice a minute, do not index
 * what is only a few records.
 */
const PACE: FollowerPace = { indexRecords: 1024, indexDelayMs: 3_600_000, indexPatiently: true };

/** As long as a function runs at most. */
const LEASE_MS = 900_000;
/** Trails visited at once. A visit waits for the stores most of its time. */
const CONCURRENCY = 16;
/** The reach of a sweep that hurries, in milliseconds: it does all work due within it: until the next one it would wait too long. */
const AHEAD_MS = 30_000;
/** A trail that failed is left to the next sweep but one. */
const RETRY_MS = 30_000;

/** Each round of witnesses costs a head that is signed and archived: with every sweep that would be some dollars a month. */
const WITNESS_MS = 300_000;

/** Settings of a deployment beside the pace of its followers. */
interface DeploymentSettings {
  readonly settings?: string;
  readonly policy?: Policy | undefined;
  readonly witnessEveryMs?: number | undefined;
  readonly timestamps?: TimestampService;
}

/** Runs the followers for one instance of a function, over many invocations. */
export class TrailFollowing {
  readonly #log: ArchivedLog;
  readonly #followers: Opened<typeof FOLLOWERS>;
  readonly #claims: ExpiryClaims;
  /** True if a sweep does at once work that could wait for more. */
  readonly #hurries: boolean;
  /** How long records may wait for the archive before a wake-up must have been lost, in milliseconds. */
  readonly #lateMs: number;
  readonly #settings: string;
  readonly #isWitnessed: boolean;
  readonly #isTimestamped: boolean;
  readonly #due: DueList;
  readonly #unverified: DueList;
  readonly #pass: FullPass;
  readonly #resting: RestingTrails;

  /**
   * @param pace of the deployment; with an `archiveDelayMs` sweeps leave to followers what may still wait
   * @param deployment.settings identifies the deployment's settings: the first sweep under others visits every trail
   * @param deployment.policy of the witnesses to ask
   * @param deployment.witnessEveryMs the least time between two rounds of them
   * @param deployment.timestamps of the seals
   */
  constructor(
    log: ArchivedLog,
    pace: FollowerPace = {},
    { settings = JSON.stringify(pace), policy, witnessEveryMs = WITNESS_MS, timestamps }: DeploymentSettings = {},
  ) {
    const { table } = log;
    this.#hurries = pace.archiveDelayMs === undefined;
    this.#lateMs = (pace.archiveDelayMs ?? 0) + 60_000;
    this.#settings = settings;
    this.#log = log;
    // Their lags are metrics with alarms of their own, and no failures of the followers.
    const witnesses = policy && {
      witnesses: { policy, everyMs: witnessEveryMs, alarmMs: Number.POSITIVE_INFINITY },
    };
    const stamped = timestamps && { timestamps: { ...timestamps, alarmMs: Number.POSITIVE_INFINITY } };
    this.#followers = openFollowers(FOLLOWERS, log, { pace: { ...PACE, ...pace }, ...witnesses, ...stamped });
    this.#isTimestamped = timestamps !== undefined;
    this.#isWitnessed = policy !== undefined;
    this.#claims = new ExpiryClaims(table, log.archive);
    this.#due = followList(table);
    this.#unverified = verifyList(table);
    this.#pass = new FullPass({ table, name: 'follow' });
    const sizeOf = async (trail: string) => (await log.ledger.head(trail))?.size ?? 0;
    this.#resting = new RestingTrails({ table, name: 'follow', settings, sizeOf });
  }

  /**
   * Checks a batch of stream records for changes that the log did not make itself, then visits the trails that it wakes.
   * Reports those that failed, so that only they are retried.
   */
  async batch(records: readonly DynamoDBRecord[], signal: AbortSignal): Promise<DynamoDBBatchResponse> {
    // First, so that no failure below can prevent an alarm.
    const unrecorded = await this.#watch(records);
    const wakes = wakesOf(records);
    const failed = new Set<string>();
    await forEachLimited(wakes.keys(), CONCURRENCY, async (trail) => {
      if (!(await this.#follow(trail, signal))) failed.add(trail);
    });
    const again = [...unrecorded, ...[...failed].map((trail) => wakes.get(trail) ?? '')];
    return { batchItemFailures: again.map((itemIdentifier) => ({ itemIdentifier })) };
  }

  /**
   * Does what waits in the trails that have work, and once a day visits every trail: the bound on how long anything stays undone
   * when wakes are lost.
   *
   * @param leaseMs how long this process may run: until then no other sweep visits what this one is at
   * @throws `unavailable` when something failed or was not reached, so that the schedule counts it as a failure
   */
  async sweep(signal: AbortSignal, leaseMs = LEASE_MS): Promise<void> {
    await this.#endRetiredKeys();
    let seal = 0;
    let archive = 0;
    let timestamps = 0;
    const swept = await sweepTrails({
      ...this.#visit(signal, this.#hurries, this.#followers),
      list: this.#due,
      pass: this.#pass,
      trails: (after) => this.#log.ledger.trails({ after }),
      settings: this.#settings,
      ...{ concurrency: CONCURRENCY, leaseMs },
      aheadMs: this.#hurries ? AHEAD_MS : 0,
      retryMs: RETRY_MS,
      nextAt,
      resting: this.#resting,
      // Archived, and sealed, which is done once a day and that without a commit.
      isDone: async (trail, size) => {
        const { archived, sealed, lagRecords } = await this.#followers.archiver.status(trail);
        return lagRecords === 0 && archived === size && sealed === size;
      },
      // Before the visit, so that it is what waited and not what is left over where all goes well.
      onVisit: async (trail, isDue) => {
        const lag = await this.#readLag(trail);
        seal = Math.max(seal, lag.seal);
        archive = Math.max(archive, lag.archive);
        timestamps = Math.max(timestamps, lag.timestamps);
        if (isDue || lag.archive > 0) await this.#noteUnverified(trail);
        return lag.archive > this.#lateMs;
      },
    });
    await this.#drainReads(signal);
    count('SealLag', seal);
    count('ArchiveLag', Math.max(archive, swept.overdueMs));
    if (this.#isWitnessed) count('WitnessLag', await this.#witnessLag());
    if (this.#isTimestamped) count('TimestampLag', timestamps);
    const { failed, unreached } = swept;
    if (failed.size > 0) throw new SealtrailError('unavailable', `${failed.size} trails could not be followed`);
    if (unreached > 0) throw new SealtrailError('unavailable', `${unreached} trails were not reached in time`);
  }

  /**
   * Seals a trail on request. Never throws: see `seal-requests.ts`.
   *
   * @param request not validated yet
   */
  async seal(request: unknown, signal: AbortSignal): Promise<SealAnswer> {
    const { archiver } = this.#followers;
    const trail = requestedTrail(request);
    if (trail === undefined) return failure(new SealtrailError('invalid_trail', 'a request to seal must name a trail'));
    try {
      return { sealed: (await archiver.seal(trail, { signal })) ?? null };
    } catch (error) {
      report(error, { follower: archiver.name, trail });
      return failure(error);
    }
  }

  /**
   * Signs a COSE receipt on request. Never throws: see `seal-requests.ts`.
   *
   * @param request not validated yet
   */
  async receipt(request: unknown): Promise<ReceiptAnswer> {
    const asked = requestedReceipt(request);
    if (asked === undefined) {
      return failure(new SealtrailError('invalid_parameter', 'a request for a receipt must name a record'));
    }
    try {
      return { signed: toBase64(await this.#log.coseReceipt(asked.trail, asked.seq)) };
    } catch (error) {
      // What is not there, or not yet, is no failure of this function.
      if (!(error instanceof SealtrailError) || !['not_found', 'unavailable'].includes(error.code)) {
        report(error, { follower: 'receipts', trail: asked.trail });
      }
      return failure(error);
    }
  }

  /**
   * Raises the alarm over changes that the log cannot have made, and records them.
   *
   * @returns the sequence numbers of the records to retry, since their findings could not be recorded
   */
  async #watch(records: readonly DynamoDBRecord[]): Promise<readonly string[]> {
    const again: string[] = [];
    for (const record of records) {
      const change = changeOf(record);
      const finding = change === undefined ? undefined : findingOf(change);
      if (finding === undefined) continue;
      try {
        await this.#raiseAlarm(finding);
      } catch (error) {
        logger.error('a finding could not be judged or recorded', { trail: finding.trail, ...describe(error) });
        again.push(record.dynamodb?.SequenceNumber ?? '');
      }
    }
    return again;
  }

  async #raiseAlarm(finding: Finding): Promise<void> {
    const { trail, kind, what, unless, key } = finding;
    if (unless !== undefined && (await this.#claims.holds(unless))) return;
    count('Tampering');
    logger.error('the ledger was changed from outside', { trail, kind, what, sort: key.sort });
    await recordFinding(this.#log.ledger, finding);
  }

  #visit(
    signal: AbortSignal,
    force: boolean,
    followers: Readonly<Record<string, Follower>>,
  ): VisitOptions & { readonly signal: AbortSignal } {
    return { followers: Object.values(followers), signal, force, onError: report };
  }

  /**
   * Follows a trail after a commit. Whatever its followers leave for later, or fail at, a sweep comes back to.
   *
   * @returns whether all went well
   */
  async #follow(trail: string, signal: AbortSignal): Promise<boolean> {
    // No commit brings these any work: they come with a sweep, and with the day's pass.
    const { expirer: _, legalHolds: __, ...woken } = this.#followers;
    const visit = await visitTrail(trail, this.#visit(signal, false, woken));
    try {
      await this.#due.note(trail, (visit.wentWell ? nextAt(visit) : undefined) ?? Date.now());
    } catch (error) {
      report(error, { follower: 'due list', trail });
      return false;
    }
    return visit.wentWell;
  }

  /** Writes down where retired keys ended, once: the sooner, the fewer checkpoints they are trusted for. */
  async #endRetiredKeys(): Promise<void> {
    try {
      await this.#log.retiredKeys();
    } catch (error) {
      report(error, { follower: 'retired keys', trail: SYSTEM_TRAIL });
    }
  }

  /** Seals records of reads: those left in line behind the last commit to their trail wake nothing. */
  async #drainReads(signal: AbortSignal): Promise<void> {
    if (signal.aborted || !this.#log.recordsReads) return;
    try {
      await this.#followers.drainer.run(ACCESS_TRAIL, { signal });
    } catch (error) {
      report(error, { follower: this.#followers.drainer.name, trail: ACCESS_TRAIL });
    }
  }

  /** Has the next verification look at a trail, which has new records. */
  async #noteUnverified(trail: string): Promise<void> {
    try {
      await this.#unverified.note(trail);
    } catch (error) {
      report(error, { follower: 'due list', trail });
    }
  }

  /** How long the oldest head without a quorum of witnesses has been waiting, in milliseconds. */
  async #witnessLag(): Promise<number> {
    const { lagMs, witnesses } = await this.#followers.witnesses.status();
    for (const { name, error, conflict } of witnesses) {
      const reason = conflict ?? error;
      if (reason !== undefined) logger.warn('a witness does not cosign', { witness: name, reason });
    }
    return lagMs;
  }

  /** How long a trail's records have been waiting for a checkpoint and for the archive, and its seal for a time-stamp, in milliseconds. */
  async #readLag(
    trail: string,
  ): Promise<{ readonly seal: number; readonly archive: number; readonly timestamps: number }> {
    try {
      const seal = await this.#followers.signer.lagMs(trail);
      const archive = (await this.#followers.archiver.status(trail)).lagMs;
      return { seal, archive, timestamps: await this.#readTimestampLag(trail) };
    } catch (error) {
      report(error, { follower: 'sweep', trail });
      return { seal: 0, archive: 0, timestamps: 0 };
    }
  }

  async #readTimestampLag(trail: string): Promise<number> {
    if (!this.#isTimestamped) return 0;
    const { lagMs, error } = await this.#followers.timestamps.status(trail);
    if (error !== undefined) logger.warn('a seal has no time-stamp', { trail, reason: error });
    return lagMs;
  }
}

/** When a trail is due again after a visit that went well. */
const nextAt = ({ revisitMs }: Visit): number | undefined =>
  revisitMs === undefined ? undefined : Date.now() + revisitMs;

/** Errors that mean foreign bytes in the archive, or stores that contradict each other: alarms rather than failures. */
const ALARMS: ReadonlySet<string> = new Set([
  'archive_damaged',
  'history_conflict',
  'object_differs',
  'store_corrupt',
  'proof_mismatch',
  'bad_signature',
]);

function report(error: unknown, source: { readonly follower: string; readonly trail: string }): void {
  count('FollowerFailures');
  const isAlarm = error instanceof SealtrailError && ALARMS.has(error.code);
  if (isAlarm) count('Tampering');
  const message = isAlarm ? 'what is stored is not what was sealed' : 'a follower failed';
  logger.error(message, { ...source, ...describe(error) });
}
