import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import { FOLLOWERS, type FollowerPace, type Opened, openFollowers } from '../lib/app/followers.ts';
import type { ArchivedLog } from '../lib/app/log.ts';
import { ExpiryClaims } from '../lib/followers/expiry/expiry-claims.ts';
import { type VisitOptions, visitTrails } from '../lib/followers/runtime/visit.ts';
import { type Finding, findingOf, recordFinding } from '../lib/followers/tampering/tamper-monitor.ts';
import { SealtrailError } from '../lib/log/error.ts';
import { failure, requestedTrail, type SealAnswer } from './seal-requests.ts';
import { changeOf, wakesOf } from './stream-changes.ts';
import { count, describe, logger } from './telemetry.ts';

/**
 * Large runs make the index cheap, and queries scan what is not indexed yet. The sweep, twice a minute, indexes what there
 * is, so no record waits for the delay.
 */
const PACE: FollowerPace = { indexRecords: 1024, indexDelayMs: 60_000 };

/** Follows trails for one instance of a function, over many invocations. */
export class TrailFollowing {
  readonly #log: ArchivedLog;
  readonly #followers: Opened<typeof FOLLOWERS>;
  readonly #claims: ExpiryClaims;
  /** Whether a sweep does at once what could wait for more. */
  readonly #hurries: boolean;

  /** @param pace of the deployment; with an `archiveDelayMs` sweeps leave to followers what may still wait */
  constructor(log: ArchivedLog, pace: FollowerPace = {}) {
    this.#hurries = pace.archiveDelayMs === undefined;
    this.#log = log;
    this.#followers = openFollowers(FOLLOWERS, log, { pace: { ...PACE, ...pace } });
    this.#claims = new ExpiryClaims(log.table, log.archive);
  }

  /**
   * Looks at a batch of stream records for what the log did not do itself, then follows the trails that it wakes. Reports
   * those in which something failed, so that only they come again.
   */
  async batch(records: readonly DynamoDBRecord[], signal: AbortSignal): Promise<DynamoDBBatchResponse> {
    // First of all, so that nothing that fails below keeps an alarm from being raised.
    const unrecorded = await this.#watch(records);
    const wakes = wakesOf(records);
    const failed = await visitTrails(wakes.keys(), this.#visit(signal, false));
    const again = [...unrecorded, ...[...failed].map((trail) => wakes.get(trail) ?? '')];
    return { batchItemFailures: again.map((itemIdentifier) => ({ itemIdentifier })) };
  }

  /**
   * Visits every trail and does what waits: the bound on how long anything stays undone when wakes are lost.
   *
   * @throws `unavailable` when something failed, so that the schedule counts it as a failure
   */
  async sweep(signal: AbortSignal): Promise<void> {
    const { ledger } = this.#log;
    // Before the work, so that it is what waited and not what is left over where all goes well.
    await this.#countLags(signal);
    const failed = await visitTrails(ledger.trails(), this.#visit(signal, this.#hurries));
    if (failed.size > 0) throw new SealtrailError('unavailable', `${failed.size} trails could not be followed`);
  }

  /**
   * Seals a trail on request, and answers whatever happens: see `seal-requests.ts`.
   *
   * @param request as it came in
   */
  async seal(request: unknown, signal: AbortSignal): Promise<SealAnswer> {
    const { archiver } = this.#followers;
    const trail = requestedTrail(request);
    if (trail === undefined) return failure(new SealtrailError('invalid_trail', 'a request to seal names a trail'));
    try {
      return { sealed: (await archiver.seal(trail, { signal })) ?? null };
    } catch (error) {
      report(error, { follower: archiver.name, trail });
      return failure(error);
    }
  }

  /**
   * Raises the alarm over changes that the log cannot have made, and records them.
   *
   * @returns the sequence numbers of the records that have to come again, since what they tell could not be recorded
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
    logger.error('somebody else changed the ledger', { trail, kind, what, sort: key.sort });
    await recordFinding(this.#log.ledger, finding);
  }

  #visit(signal: AbortSignal, force: boolean): VisitOptions {
    return { followers: Object.values(this.#followers), signal, force, onError: report };
  }

  /** The longest that a record of any trail has been waiting, for a checkpoint and for the archive. */
  async #countLags(signal: AbortSignal): Promise<void> {
    let seal = 0;
    let archive = 0;
    for await (const trail of this.#log.ledger.trails()) {
      if (signal.aborted) break;
      try {
        seal = Math.max(seal, await this.#followers.signer.lagMs(trail));
        archive = Math.max(archive, (await this.#followers.archiver.status(trail)).lagMs);
      } catch (error) {
        // A trail that was tampered with must not keep the others from being followed.
        report(error, { follower: 'sweep', trail });
      }
    }
    count('SealLag', seal);
    count('ArchiveLag', archive);
  }
}

/** Somebody else's bytes in the archive, or stores that contradict one another: not a failure but an alarm. */
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
