import type { Verifications } from './verifications.ts';

/** Runs the verifications that are asked for in one process, beside everything else that it does. */
export class VerificationWorker {
  readonly #verifications: Pick<Verifications, 'run'>;
  readonly #onError: (error: unknown, trail: string) => void;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  /** @param onError called with what keeps a run from its own record. Must not throw */
  constructor(verifications: Pick<Verifications, 'run'>, onError: (error: unknown, trail: string) => void) {
    this.#verifications = verifications;
    this.#onError = onError;
  }

  /** Begins a verification. */
  wake(trail: string, id: string): void {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    const run: Promise<void> = this.#verifications
      .run(trail, id, { signal })
      .catch((error: unknown) => this.#onError(error, trail))
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Ends what runs; it begins again when it is next asked about. Resolves once nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }
}
