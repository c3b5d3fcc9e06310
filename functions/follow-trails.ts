import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import type { Archiver } from '../lib/followers/archive/archiver.ts';
import type { Expirer } from '../lib/followers/expiry/expirer.ts';
import { ExpiryClaims } from '../lib/followers/expiry/expiry-claims.ts';
import { Indexer } from '../lib/followers/indexing/indexer.ts';
import type { LegalHolds } from '../lib/followers/legal-hold/legal-holds.ts';
import { ProducerFollower } from '../lib/followers/producers/producer-gaps.ts';
import type { Follower } from '../lib/followers/runtime/follower.ts';
import { type VisitOptions, visitTrails } from '../lib/followers/runtime/visit.ts';
import { Sealer } from '../lib/followers/signing/head-signer.ts';
import type { ArchivedRecords } from '../lib/ledger/archived-records.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { Log } from './log.ts';
import { failure, orderedTrail, type SealAnswer } from './seal-orders.ts';
import { count, describe, logger } from './telemetry.ts';
import { wakesOf } from './wakes.ts';
import { watchLedger } from './watch-ledger.ts';

/** What is followed, what writes its archive, and what lets blocks leave the table. */
interface FollowedLog extends Pick<Log, 'table' | 'ledger'> {
  readonly archiver: Archiver;
  readonly archive: ArchivedRecords;
  readonly expirer: Expirer;
  readonly holds: LegalHolds;
}

/**
 * How many records are indexed together: the more, the less the index costs, and what is not indexed yet is scanned by
 * queries. The sweep, twice a minute, indexes what there is, so no record waits for the delay.
 */
const INDEXED_TOGETHER = { minRecords: 1024, delayMs: 60_000 };

/** Follows trails on behalf of a function's instance, over many invocations. */
export class TrailFollowing {
  readonly #log: FollowedLog;
  readonly #sealer: Sealer;
  readonly #followers: readonly Follower[];
  readonly #claims: ExpiryClaims;

  constructor(log: FollowedLog) {
    this.#log = log;
    const { ledger, archiver, table, archive, expirer, holds } = log;
    this.#sealer = new Sealer({ ledger });
    this.#claims = new ExpiryClaims(table, archive);
    const producers = new ProducerFollower({ table, ledger });
    const indexer = new Indexer({ table, archive, ...INDEXED_TOGETHER });
    this.#followers = [this.#sealer, archiver, indexer, producers, expirer, holds];
  }

  /**
   * Looks at a batch of stream records for what the log did not do itself, then follows the trails that it wakes. Reports
   * those in which something failed, so that only they come again.
   */
  async batch(records: readonly DynamoDBRecord[], signal: AbortSignal): Promise<DynamoDBBatchResponse> {
    // First of all, so that nothing that fails below keeps an alarm from being raised.
    const unrecorded = await watchLedger(this.#log.ledger, this.#claims, records);
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
    const failed = await visitTrails(ledger.trails(), this.#visit(signal, true));
    if (failed.size > 0) throw new SealtrailError('unavailable', `${failed.size} trails could not be followed`);
  }

  /**
   * Seals a trail on request, and answers whatever happens: see `seal-orders.ts`.
   *
   * @param order as it came in
   */
  async seal(order: unknown, signal: AbortSignal): Promise<SealAnswer> {
    const { archiver } = this.#log;
    const trail = orderedTrail(order);
    if (trail === undefined) return failure(new SealtrailError('invalid_trail', 'an order to seal names a trail'));
    try {
      return { sealed: (await archiver.seal(trail, { signal })) ?? null };
    } catch (error) {
      report(error, { follower: archiver.name, trail });
      return failure(error);
    }
  }

  #visit(signal: AbortSignal, force: boolean): VisitOptions {
    return { followers: this.#followers, signal, force, onError: report };
  }

  /** The longest that a record of any trail has been waiting, for a checkpoint and for the archive. */
  async #countLags(signal: AbortSignal): Promise<void> {
    let seal = 0;
    let archive = 0;
    for await (const trail of this.#log.ledger.trails()) {
      if (signal.aborted) break;
      try {
        seal = Math.max(seal, await this.#sealer.lagMs(trail));
        archive = Math.max(archive, (await this.#log.archiver.status(trail)).lagMs);
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
