import * as z from 'zod';
import { type Opened, openFollowers, SCHEDULED } from '../lib/app/followers.ts';
import type { ArchivedLog } from '../lib/app/log.ts';
import type { VerificationReport } from '../lib/contract/verification.ts';
import { FullPass } from '../lib/followers/runtime/full-pass.ts';
import { sweepTrails } from '../lib/followers/runtime/sweep.ts';
import { Verifications } from '../lib/followers/verification/verifications.ts';
import type { VerificationStatus, Verifier } from '../lib/followers/verification/verifier.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { LambdaFunction } from '../lib/store/lambda/function.ts';
import { count, describe, logger } from './telemetry.ts';
import { verifyList } from './work-lists.ts';

/** As long as a function runs at most. */
const LEASE_MS = 900_000;
/** Trails verified at once: what a verification reads is large. */
const CONCURRENCY = 4;
/** A trail that could not be verified, or is damaged, is looked at again by the next run, behind the others. */
const RETRY_MS = 1_800_000;

/** Verifies trails against themselves and their archive, and counts damage: 0 if all is well. */
export class TrailVerification implements Pick<Verifier, 'verify' | 'status'> {
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

  /** The newest reports and the figures of a trail. */
  status(trail: string): Promise<VerificationStatus> {
    return this.#followers.verifier.status(trail);
  }

  /**
   * Verifies, on a schedule, the trails with new records, those that have waited longest first, and once a day every trail. What
   * there is no time for, within a trail too, the next run goes on with.
   *
   * Counts every trail that is damaged, failed or was not reached, and how long the oldest has been waiting; zeros say that all
   * is well, so that silence can be told from it.
   *
   * @param leaseMs how long this process may run: until then no other run verifies what this one is at
   * @throws `unavailable` when a trail was not verified, whatever the reason
   */
  async run(signal: AbortSignal, leaseMs = LEASE_MS): Promise<void> {
    const { table, ledger } = this.#log;
    const damaged = new Set<string>();
    const { failed, unreached, overdueMs, passMs } = await sweepTrails({
      followers: Object.values(this.#followers),
      list: verifyList(table),
      pass: new FullPass({ table, name: 'verify' }),
      trails: (after) => ledger.trails({ after }),
      settings: '',
      ...{ signal, leaseMs, force: true, concurrency: CONCURRENCY, aheadMs: 0, retryMs: RETRY_MS },
      nextAt: () => undefined, // new records put it on the list again
      onError: (error, { trail }) => {
        // The verifier's code for damage; any other error prevented the verification.
        const isDamage = error instanceof SealtrailError && error.code === 'store_corrupt';
        if (isDamage) damaged.add(trail);
        logger.error(isDamage ? 'verification found damage' : 'a verification failed', { trail, ...describe(error) });
      },
    });
    count('VerificationFailures', failed.size + unreached);
    count('VerificationLag', Math.max(overdueMs, passMs));
    const unlooked = failed.size - damaged.size + unreached;
    if (unlooked > 0) throw new SealtrailError('unavailable', `${unlooked} trails could not be verified`);
  }
}

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
    ...{ table, verifier },
    start: (trail, id) => self.tell({ verify: { trail, id } }),
    onError: (error, trail, id) => logger.error('a verification did not finish', { trail, id, ...describe(error) }),
  });
