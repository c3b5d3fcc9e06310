import { Verifier } from '../lib/followers/verifier.ts';
import { visitTrails } from '../lib/followers/visit.ts';
import { SealtrailError } from '../lib/log/error.ts';
import type { Deployment } from './deployment.ts';
import { count, describe, logger } from './telemetry.ts';

/** Verifies every trail against itself and its archive, on behalf of a schedule. */
export class TrailVerification {
  readonly #log: Deployment;
  readonly #verifier: Verifier;

  constructor(log: Deployment) {
    this.#log = log;
    const { table, objects, ledger } = log;
    const onUnrecorded = (trail: string, reason: unknown): void =>
      logger.error('damage was found and could not be recorded', { trail, ...describe(reason) });
    this.#verifier = new Verifier({ table, objects, ledger, onUnrecorded });
  }

  /**
   * Counts `VerificationFailures`: 0 where all is well, so that silence can be told from it.
   *
   * @throws `unavailable` when a trail was not verified, whatever the reason
   */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    const failed = await visitTrails(this.#log.ledger.trails(), {
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
