import type { DynamoDBBatchResponse, DynamoDBRecord } from 'aws-lambda';
import type { Follower } from '../lib/followers/follower.ts';
import { Indexer } from '../lib/followers/indexer.ts';
import { Sealer } from '../lib/followers/sealer.ts';
import { type VisitOptions, visitTrails } from '../lib/followers/visit.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { Deployment } from './deployment.ts';
import { count, describe, logger } from './telemetry.ts';
import { wakesOf } from './wakes.ts';
import { watchLedger } from './watch-ledger.ts';

/** Follows trails on behalf of a function's instance, over many invocations. */
export class TrailFollowing {
  readonly #log: Deployment;
  readonly #followers: readonly Follower[];

  constructor(log: Deployment) {
    this.#log = log;
    const { ledger, archiver, table } = log;
    this.#followers = [new Sealer({ ledger }), archiver, new Indexer({ table })];
  }

  /**
   * Looks at a batch of stream records for what the log did not do itself, then follows the trails that it wakes. Reports
   * those in which something failed, so that only they come again.
   */
  async batch(records: readonly DynamoDBRecord[], signal: AbortSignal): Promise<DynamoDBBatchResponse> {
    // First of all, so that nothing that fails below keeps an alarm from being raised.
    const unrecorded = await watchLedger(this.#log.ledger, records);
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
    const failed = await visitTrails(ledger.trails(), this.#visit(signal, true));
    count('ArchiveLag', await this.#lag(signal));
    if (failed.size > 0) throw new SealtrailError('unavailable', `${failed.size} trails could not be followed`);
  }

  #visit(signal: AbortSignal, force: boolean): VisitOptions {
    return {
      followers: this.#followers,
      signal,
      force,
      onError: (error, source) => {
        count('FollowerFailures');
        // Somebody else's bytes in the archive, or stores that contradict one another: not a failure but an alarm.
        const isAlarm = error instanceof SealtrailError && ALARMS.has(error.code);
        if (isAlarm) count('Tampering');
        logger.error(isAlarm ? 'what is stored is not what was sealed' : 'a follower failed', {
          ...source,
          ...describe(error),
        });
      },
    };
  }

  /** Milliseconds that the oldest record of any trail has been waiting for the archive. */
  async #lag(signal: AbortSignal): Promise<number> {
    let longest = 0;
    for await (const trail of this.#log.ledger.trails()) {
      if (signal.aborted) break;
      longest = Math.max(longest, (await this.#log.archiver.status(trail)).lagMs);
    }
    return longest;
  }
}

const ALARMS: ReadonlySet<string> = new Set(['object_differs', 'store_corrupt', 'proof_mismatch', 'bad_signature']);
