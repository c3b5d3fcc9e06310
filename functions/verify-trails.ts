import { visitTrails } from '../lib/followers/runtime/visit.ts';
import { type VerificationStatus, Verifier } from '../lib/followers/verification/verifier.ts';
import type { RetiredKey } from '../lib/keys/retired-key.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { Objects } from '../lib/store/ports.ts';
import type { VerificationReport, VerificationRequest } from '../lib/verify/ledger/ledger-report.ts';
import type { Log } from './log.ts';
import { count, describe, logger } from './telemetry.ts';

/** What is verified, with its archive. */
interface VerifiedLog extends Pick<Log, 'table' | 'ledger'> {
  readonly objects: Objects;
  /** The keys that sign no more. @default none */
  readonly retired?: readonly RetiredKey[];
}

/** Verifies trails against themselves and their archive, and counts what comes of it: 0 where all is well. */
export class TrailVerification implements Pick<Verifier, 'verify' | 'status'> {
  readonly #ledger: Log['ledger'];
  readonly #verifier: Verifier;

  constructor({ table, objects, ledger, retired = [] }: VerifiedLog) {
    this.#ledger = ledger;
    const onUnrecorded = (trail: string, reason: unknown): void =>
      logger.error('damage was found and could not be recorded', { trail, ...describe(reason) });
    this.#verifier = new Verifier({ table, objects, ledger, retired, onUnrecorded });
  }

  /** A trail or a range of it, on request. @throws as {@link Verifier.verify} */
  async verify(trail: string, request?: VerificationRequest): Promise<VerificationReport> {
    const report = await this.#verifier.verify(trail, request);
    count('VerificationFailures', report.verdict === 'ok' ? 0 : 1);
    return report;
  }

  /** What came of a trail's verifications so far. */
  status(trail: string): Promise<VerificationStatus> {
    return this.#verifier.status(trail);
  }

  /**
   * Every trail, on a schedule. The count says when all is well, so that silence can be told from it.
   *
   * @throws `unavailable` when a trail was not verified, whatever the reason
   */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const failed = await visitTrails(this.#ledger.trails(), {
      followers: [this.#verifier],
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
