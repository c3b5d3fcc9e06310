import * as z from 'zod';
import { type Opened, openFollowers, SCHEDULED } from '../lib/app/followers.ts';
import type { ArchivedLog } from '../lib/app/log.ts';
import type { VerificationReport } from '../lib/contract/verification.ts';
import { visitTrails } from '../lib/followers/runtime/visit.ts';
import { Verifications } from '../lib/followers/verification/verifications.ts';
import type { VerificationStatus, Verifier } from '../lib/followers/verification/verifier.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { LambdaFunction } from '../lib/store/lambda/function.ts';
import { count, describe, logger } from './telemetry.ts';

/** Verifies trails against themselves and their archive, and counts the damage found: 0 where all is well. */
export class TrailVerification implements Pick<Verifier, 'verify' | 'status'> {
  readonly #ledger: ArchivedLog['ledger'];
  readonly #followers: Opened<typeof SCHEDULED>;

  constructor(log: ArchivedLog) {
    this.#ledger = log.ledger;
    const onUnrecorded = (trail: string, reason: unknown): void =>
      logger.error('damage was found and could not be recorded', { trail, ...describe(reason) });
    this.#followers = openFollowers(SCHEDULED, log, { onUnrecorded });
  }

  /** A trail or a range of it, on request. @throws as {@link Verifier.verify} */
  async verify(...asked: Parameters<Verifier['verify']>): Promise<VerificationReport> {
    const report = await this.#followers.verifier.verify(...asked);
    count('VerificationFailures', report.verdict === 'ok' ? 0 : 1);
    return report;
  }

  /** The newest reports and the figures of a trail. */
  status(trail: string): Promise<VerificationStatus> {
    return this.#followers.verifier.status(trail);
  }

  /**
   * Every trail, on a schedule. The count says when all is well, so that silence can be told from it.
   *
   * @throws `unavailable` when a trail was not verified, whatever the reason
   */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const failed = await visitTrails(this.#ledger.trails(), {
      followers: Object.values(this.#followers),
      signal,
      force: true,
      concurrency: 1, // what it reads is large
      onError: (error, { trail }) => {
        // So the verifier says that it found damage; anything else kept it from looking.
        const isDamage = error instanceof SealtrailError && error.code === 'store_corrupt';
        if (isDamage) failures += 1;
        logger.error(isDamage ? 'verification found damage' : 'a verification failed', { trail, ...describe(error) });
      },
    });
    count('VerificationFailures', failures);
    const unlooked = failed.size - failures;
    if (unlooked > 0) throw new SealtrailError('unavailable', `${unlooked} trails could not be verified`);
  }
}

/** An invocation of the function `verify` by itself: to do a verification that was asked for. */
const verificationRequest = z.strictObject({ verify: z.strictObject({ trail: z.string(), id: z.string() }) });

/** The verification that an invocation is to do; undefined where it is for something else. */
export const requestedVerification = (event: unknown): { readonly trail: string; readonly id: string } | undefined =>
  verificationRequest.safeParse(event).data?.verify;

/**
 * The verifications of a function that the API asks and that verifies: it invokes itself, since Lambda stops what runs beside
 * an answer once that is given.
 */
export const verificationsIn = (
  { table }: Pick<ArchivedLog, 'table'>,
  verifier: TrailVerification,
  self: Pick<LambdaFunction, 'tell'>,
): Verifications =>
  new Verifications({
    ...{ table, verifier },
    start: (trail, id) => self.tell({ verify: { trail, id } }),
    onError: (error, trail, id) =>
      logger.error('a verification did not get through', { trail, id, ...describe(error) }),
  });
