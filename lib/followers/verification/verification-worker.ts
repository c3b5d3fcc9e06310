import type { Verifications } from './verifications.ts';

/** The dependencies of {@link VerificationWorker}. */
export interface VerificationWorkerOptions {
  readonly verifications: Pick<Verifications, 'run' | 'revive' | 'unfinished'>;
  /** Called with what keeps a run from its own record. Must not throw. */
  readonly onError: (error: unknown, trail: string) => void;
  /** Milliseconds after a run until the trail is looked at for what did not get through. @default 60,000 */
  readonly againMs?: number;
}

/** Runs the verifications that are asked for in one process, beside everything else that it does. */
export class VerificationWorker {
  readonly #verifications: VerificationWorkerOptions['verifications'];
  readonly #onError: VerificationWorkerOptions['onError'];
  readonly #againMs: number;
  readonly #stopping = new AbortController();
  /** By trail and id. */
  readonly #running = new Map<string, Promise<void>>();
  /** By trail. */
  readonly #looks = new Map<string, NodeJS.Timeout>();

  constructor({ verifications, onError, againMs = 60_000 }: VerificationWorkerOptions) {
    this.#verifications = verifications;
    this.#onError = onError;
    this.#againMs = againMs;
  }

  /**
   * Takes up what a process before this one left undone in a trail. No other may be at work on the same data.
   *
   * @throws the Table's errors
   */
  async takeUp(trail: string): Promise<void> {
    for (const { id } of await this.#verifications.unfinished(trail)) this.#begin(trail, id, true);
  }

  /** Begins a verification. */
  wake(trail: string, id: string): void {
    this.#begin(trail, id, false);
  }

  /** Ends what runs; the next process takes it up. Resolves once nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const look of this.#looks.values()) clearTimeout(look);
    await Promise.all(this.#running.values());
  }

  #begin(trail: string, id: string, takeOver: boolean): void {
    const { signal } = this.#stopping;
    const name = `${trail}/${id}`;
    if (signal.aborted || this.#running.has(name)) return;
    const run = this.#verifications
      .run(trail, id, { signal, takeOver })
      .catch((error: unknown) => this.#onError(error, trail))
      .finally(() => {
        this.#running.delete(name);
        this.#lookLater(trail);
      });
    this.#running.set(name, run);
  }

  /** Starts work again that did not get through, for instance because a store was away, although no one asks about it. */
  #lookLater(trail: string): void {
    if (this.#stopping.signal.aborted || this.#looks.has(trail)) return;
    const look = setTimeout(() => {
      this.#looks.delete(trail);
      void this.#look(trail);
    }, this.#againMs).unref();
    this.#looks.set(trail, look);
  }

  async #look(trail: string): Promise<void> {
    try {
      if ((await this.#verifications.revive(trail)) > 0) this.#lookLater(trail);
    } catch (error) {
      this.#onError(error, trail);
      this.#lookLater(trail);
    }
  }
}
