import * as z from 'zod';
import { type Opened, openFollowers, SCHEDULED } from '../lib/app/followers.ts';
import type { ArchivedLog } from '../lib/app/log.ts';
import { DAY_MS } from '../lib/contract/time.ts';
import type { VerificationReport, VerificationStatus } from '../lib/contract/verification.ts';
import type { Follower, RunOptions } from '../lib/followers/runtime/follower.ts';
import { FullPass } from '../lib/followers/runtime/full-pass.ts';
import type { Rest } from '../lib/followers/runtime/resting-trails.ts';
import { type SweepShare, sweepTrails } from '../lib/followers/runtime/sweep.ts';
import { LANE_RECORDS, type LaneVerifier } from '../lib/followers/verification/verification-lanes.ts';
import { Verifications } from '../lib/followers/verification/verifications.ts';
import type { Verifier } from '../lib/followers/verification/verifier.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { LambdaFunction } from '../lib/store/lambda/function.ts';
import { VERIFIER } from '../lib/verify/ledger/verification-mark.ts';
import { count, describe, logger } from './telemetry.ts';
import { verifyList } from './work-lists.ts';

/** As long as a function runs at most. */
const LEASE_MS = 900_000;
/** Trails verified at once: what a verification reads is large. */
const CONCURRENCY = 4;
/** A trail that could not be verified, or is damaged, is looked at again by the next run, behind the others. */
const RETRY_MS = 1_800_000;

/** Trails on the list from which on a run has others help it, and how many do so. */
const MANY_TRAILS = 500;
const RUNS_AT_ONCE = 4;
/** A large verification that found damage is not repeated before that by the schedule. */
const DAMAGED_AGAIN_MS = DAY_MS;
/** For a trail that a verification in lanes is at: later than a visit would wait. */
const LATER_MS = 3_600_000;

/** How long after a verification that found nothing wrong a trail that has not grown is verified again. */
const REST_MS = 7 * DAY_MS;

/** How a run of the schedule has others do a part of its work. */
export interface VerificationHelp {
  readonly verifications: Pick<Verifications, 'request' | 'revive'>;
  /** Begins another run. */
  readonly another: (share: SweepShare) => Promise<void>;
  /** This run's own share of the list. @default it is the first, and may have others help */
  readonly share?: SweepShare | undefined;
}

/** Verifies trails against themselves and their archive, and counts damage: 0 if all is well. */
export class TrailVerification implements Pick<Verifier, 'verify' | 'status'>, LaneVerifier {
  readonly #log: ArchivedLog;
  readonly #followers: Opened<typeof SCHEDULED>;

  constructor(log: ArchivedLog) {
    this.#log = log;
    const onUnrecorded = (trail: string, reason: unknown): void =>
      logger.error('damage was found and could not be recorded', { trail, ...describe(reason) });
    this.#followers = openFollowers(SCHEDULED, log, { onUnrecorded });
  }

  /** Verifies a trail or a range of it, on request. @throws as {@link Verifier.verify} */
  async verify(...request: Parameters<Verifier['verify']>): Promise<VerificationReport> {
    const report = await this.#followers.verifier.verify(...request);
    count('VerificationFailures', report.verdict === 'ok' ? 0 : 1);
    return report;
  }

  extent(...request: Parameters<Verifier['extent']>): ReturnType<Verifier['extent']> {
    return this.#followers.verifier.extent(...request);
  }

  verifyStretch(...stretch: Parameters<Verifier['verifyStretch']>): ReturnType<Verifier['verifyStretch']> {
    return this.#followers.verifier.verifyStretch(...stretch);
  }

  async conclude(...found: Parameters<Verifier['conclude']>): Promise<VerificationReport> {
    const report = await this.#followers.verifier.conclude(...found);
    count('VerificationFailures', report.verdict === 'ok' ? 0 : 1);
    return report;
  }

  /** The newest reports and the figures of a trail. */
  status(trail: string): Promise<VerificationStatus> {
    return this.#followers.verifier.status(trail);
  }

  /**
   * Verifies, on a schedule, the trails with new records, those that have waited longest first, and once a day those that no list knows of; once a week every trail. What
   * there is no time for, within a trail too, the next run goes on with.
   *
   * Counts every trail that is damaged, failed or was not reached, and how long the oldest has been waiting; zeros say that all
   * is well, so that silence can be told from it.
   *
   * A trail with more that is new than a run may get through goes in lanes, which are runs of their own; it stays on the list until
   * they are through. Many trails are shared with other runs, and one that ran out of time has another go on at once.
   *
   * @param leaseMs how long this process may run: until then no other run verifies what this one is at
   * @param help without it this run does all by itself
   * @throws `unavailable` when a trail was not verified, whatever the reason
   */
  async run(signal: AbortSignal, leaseMs = LEASE_MS, help?: VerificationHelp): Promise<void> {
    const { table, ledger } = this.#log;
    const damaged = new Set<string>();
    const scheduled =
      help === undefined ? this.#followers.verifier : new ScheduledVerifier(this, this.#followers, help);
    const list = verifyList(table);
    if (help !== undefined && help.share === undefined && (await list.all()).length >= MANY_TRAILS) {
      for (let at = 1; at < RUNS_AT_ONCE; at++) await help.another({ at, of: RUNS_AT_ONCE });
    }
    let pendingMs = 0;
    const { failed, visited, unreached, overdueMs, passMs } = await sweepTrails({
      ...{ followers: [scheduled, this.#followers.indexCheck], list, share: help?.share },
      pass: new FullPass({ table, name: 'verify' }),
      trails: (after) => ledger.trails({ after }),
      resting: { read: (trail) => this.#readRest(trail), note: async () => undefined },
      settings: '',
      ...{ signal, leaseMs, force: true, concurrency: CONCURRENCY, aheadMs: 0, retryMs: RETRY_MS },
      nextAt: (_, { trail, dueAt }) => {
        if (!(scheduled instanceof ScheduledVerifier && scheduled.isPending(trail))) return undefined; // new records put it on the list again
        pendingMs = Math.max(pendingMs, Date.now() - dueAt);
        return dueAt;
      },
      onError: (error, { trail }) => {
        // The verifier's code for damage; any other error prevented the verification.
        const isDamage = error instanceof SealtrailError && error.code === 'store_corrupt';
        if (isDamage) damaged.add(trail);
        logger.error(isDamage ? 'verification found damage' : 'a verification failed', { trail, ...describe(error) });
      },
    });
    count('VerificationFailures', failed.size + unreached);
    count('VerificationLag', Math.max(overdueMs, passMs, pendingMs));
    if (unreached > 0 && visited > 0) await help?.another(help.share ?? { at: 0, of: 1 });
    const unlooked = failed.size - damaged.size + unreached;
    if (unlooked > 0) throw new SealtrailError('unavailable', `${unlooked} trails could not be verified`);
  }

  /** True if all of a trail was verified within the last week, and found right. */
  async #readRest(trail: string): Promise<Rest> {
    const { from, to } = await this.#followers.verifier.extent(trail, 'incremental');
    const { lastOkAt, damagedAt, report } = await this.#followers.verifier.status(trail);
    const isRight = damagedAt === undefined && report?.verdict === 'ok';
    return { isAtRest: isRight && from === to && lastOkAt > Date.now() - REST_MS };
  }
}

/** The verifier as the schedule runs it: what is too much for a run is left to a verification in lanes. */
class ScheduledVerifier implements Follower {
  readonly name = VERIFIER;
  readonly #lanes: LaneVerifier & Pick<Verifier, 'status'>;
  readonly #verifier: Verifier;
  readonly #help: VerificationHelp;
  readonly #pending = new Set<string>();

  constructor(
    lanes: LaneVerifier & Pick<Verifier, 'status'>,
    { verifier }: { readonly verifier: Verifier },
    help: VerificationHelp,
  ) {
    this.#lanes = lanes;
    this.#verifier = verifier;
    this.#help = help;
  }

  isPending(trail: string): boolean {
    return this.#pending.has(trail);
  }

  revisit(trail: string): number | undefined {
    return this.isPending(trail) ? LATER_MS : undefined;
  }

  async run(trail: string, options?: RunOptions): Promise<void> {
    const { verifications } = this.#help;
    if ((await verifications.revive(trail)) > 0) this.#pending.add(trail);
    const { from, to } = await this.#lanes.extent(trail, 'incremental');
    if (to - from <= LANE_RECORDS) return this.#verifier.run(trail, options);
    const { report } = await this.#lanes.status(trail);
    if (report?.verdict === 'damaged' && report.startedAt > Date.now() - DAMAGED_AGAIN_MS) {
      throw new SealtrailError('store_corrupt', `verification of trail ${trail} has found damage within the last day`);
    }
    await verifications.request(trail, 'incremental', { name: 'sealtrail' });
    this.#pending.add(trail);
  }
}

const shareSchema = z.strictObject({ share: z.strictObject({ at: z.int().min(0), of: z.int().min(1) }) });

/** The share of the schedule's work that an invocation is for; undefined: it is the schedule's own. */
export const sharedRun = (event: unknown): SweepShare | undefined => shareSchema.safeParse(event).data?.share;

/** An invocation of the function `verify` by itself, to carry out a requested verification. */
const verificationRequest = z.strictObject({ verify: z.strictObject({ trail: z.string(), id: z.string() }) });

/** The verification that an invocation requests; undefined for any other event. */
export const requestedVerification = (event: unknown): { readonly trail: string; readonly id: string } | undefined =>
  verificationRequest.safeParse(event).data?.verify;

/**
 * The verifications of the function `verify`, which serves the API. It invokes itself for the work, since Lambda stops a
 * function once it has responded.
 */
export const verificationsIn = (
  { table }: Pick<ArchivedLog, 'table'>,
  verifier: TrailVerification,
  self: Pick<LambdaFunction, 'tell'>,
): Verifications =>
  new Verifications({
    ...{ table, verifier, inLanes: verifier },
    start: async (trail, id) => {
      // Should the invocation get lost and no one ask, the schedule sees to it.
      await verifyList(table).note(trail);
      await self.tell({ verify: { trail, id } });
    },
    onError: (error, trail, id) => {
      count('VerificationFailures');
      logger.error('a verification did not finish', { trail, id, ...describe(error) });
    },
  });
