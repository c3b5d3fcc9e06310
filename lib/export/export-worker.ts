import type { Exports } from './exports.ts';

/** The parts that an {@link ExportWorker} works with. */
export interface ExportWorkerOptions {
  readonly exports: Pick<Exports, 'run' | 'unfinished' | 'removeExpired'>;
  /** Called for what goes wrong beside exports. Must not throw. */
  readonly onError: (error: unknown) => void;
}

/** How often files are looked for whose time is over. */
const SWEEP_MS = 3_600_000;
/** How long an export waits after a failure that may pass. */
const PAUSE_MS = 5_000;

/** Does the exports of one process, one after the other, beside everything else that it does. */
export class ExportWorker {
  readonly #options: ExportWorkerOptions;
  readonly #stopping = new AbortController();
  readonly #pauses = new Set<NodeJS.Timeout>();
  #sweep: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: ExportWorkerOptions) {
    this.#options = options;
  }

  /** Takes up what a process before this one left undone. No other may be at work on the same data. */
  start(): void {
    this.#add(() => this.#takeUp());
    this.#sweep = setInterval(() => this.#add(() => this.#options.exports.removeExpired()), SWEEP_MS).unref();
  }

  /** Sees to an export, after those that came before. */
  wake(trail: string, id: string): void {
    this.#add(() => this.#run(trail, id, false));
  }

  /** Stops; what is not done is taken up by the next `start`. Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#sweep);
    for (const pause of this.#pauses) clearTimeout(pause);
    await this.#work;
  }

  #add(work: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#stopping.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        this.#options.onError(error);
      }
    });
  }

  async #takeUp(): Promise<void> {
    await this.#options.exports.removeExpired();
    for await (const { trail, id } of this.#options.exports.unfinished()) await this.#run(trail, id, true);
  }

  async #run(trail: string, id: string, takeOver: boolean): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    try {
      await this.#options.exports.run(trail, id, { signal, takeOver });
    } catch {
      // It may pass, and was reported where it happened.
      const pause = setTimeout(() => {
        this.#pauses.delete(pause);
        this.wake(trail, id);
      }, PAUSE_MS).unref();
      this.#pauses.add(pause);
    }
  }
}
