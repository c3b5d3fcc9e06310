import { DAY_MS } from '../../contract/time.ts';
import { utcDate } from '../../log/archive.ts';
import type { Follower } from './follower.ts';
import { Lane, type Pace } from './follower-queue.ts';
import { systemTimers, type Timers } from './timers.ts';

/** Where an error of a {@link Runner} happened. Without a follower: while the trails were listed. */
export interface RunnerErrorSource {
  readonly follower?: string;
  readonly trail?: string;
}

/** The dependencies of {@link Runner}. */
export interface RunnerOptions {
  readonly followers: readonly Follower[];
  /** All trails, for the sweep. */
  readonly trails: () => AsyncIterable<string>;
  /** Called on every error, alarms included; the visit is repeated later. Must not throw. */
  readonly onError: (error: unknown, source: RunnerErrorSource) => void;
  /** Milliseconds between the end of one sweep over all trails and the next one. @default one sweep each UTC day */
  readonly sweepMs?: number;
  /** @default 4 trails at once, 100 ms between visits to a trail, retries after 250 ms to 30 s */
  readonly pace?: Partial<Pace>;
  /** @default the clock and the timers of the process */
  readonly timers?: Timers;
  /** 0 inclusive to 1 exclusive. @default Math.random */
  readonly random?: () => number;
}

const PACE: Pace = { concurrency: 4, spacingMs: 100, retryMs: 250, maxRetryMs: 30_000 };
/** Where the trails could not be listed, they are again after so many milliseconds. */
const LIST_AGAIN_MS = 30_000;
/** A timer does not run while a machine sleeps, so the day is looked at as often as that. */
const LOOK_MS = 3_600_000;

/**
 * Runs the followers within one process: when woken by a commit, when they want to come back, and in a sweep over all trails at the
 * start and with each UTC day, which brings what no commit does, such as the daily seals. A trail at rest costs nothing in between. Each follower has a lane of its own, so one that is slow or failing holds up no other, and none is
 * ever at the same trail twice at once. All of it is only about when: the work itself is read from the stores.
 *
 * @example
 * const runner = new Runner({ followers: [sealer, archiver], trails: () => ledger.trails(), onError: log.error });
 * runner.start();
 * // new Ledger({ onCommit: (trail) => runner.wake(trail), ... })
 * await runner.stop();
 */
export class Runner {
  readonly #trails: () => AsyncIterable<string>;
  readonly #onError: RunnerOptions['onError'];
  readonly #sweepMs: number | undefined;
  readonly #timers: Timers;
  readonly #lanes: readonly Lane[];
  #started = false;
  #sweeping: Promise<void> | undefined;
  #cancelSweep: () => void = () => undefined;
  #stopped: Promise<void> | undefined;
  #whenIdle: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    const { followers, timers = systemTimers, random = Math.random, onError } = options;
    this.#trails = options.trails;
    this.#onError = onError;
    this.#sweepMs = options.sweepMs;
    this.#timers = timers;
    this.#lanes = followers.map((follower) => {
      const report = (error: unknown, trail: string): void => onError(error, { follower: follower.name, trail });
      const pace = { ...PACE, ...options.pace };
      return new Lane({ follower, pace, timers, random, onError: report, onRest: () => this.#settle() });
    });
  }

  /** Begins with a sweep over all trails: whatever a process before this one left undone is found now. Idempotent. */
  start(): void {
    if (this.#started || this.#stopped !== undefined) return;
    this.#started = true;
    this.#sweepNow();
  }

  /** Asks for a visit of every follower to the trail, soon. Cheap; call it as often as you like. */
  wake(trail: string): void {
    for (const lane of this.#lanes) lane.wake(trail);
  }

  /** Resolves once nothing is running or ready to run. What waits for a timer, such as a retry, does not count. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenIdle.push(resolve);
      this.#settle();
    });
  }

  /**
   * Stops: running visits are asked to end and waited for, those that have not begun are dropped (what they
   * would have done is done after the next start), and nothing starts any more. Idempotent.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    this.#cancelSweep();
    await Promise.all([...this.#lanes.map((lane) => lane.stop()), this.#sweeping]);
    this.#settle();
  }

  #sweepNow(): void {
    const day = utcDate(this.#timers.now());
    this.#sweeping = this.#sweep().then((isWhole) => {
      this.#sweeping = undefined;
      this.#settle();
      if (!isWhole) this.#later(Math.min(LIST_AGAIN_MS, this.#sweepMs ?? LIST_AGAIN_MS), () => this.#sweepNow());
      else if (this.#sweepMs !== undefined) this.#later(this.#sweepMs, () => this.#sweepNow());
      else this.#awaitDayAfter(day);
    });
  }

  #awaitDayAfter(day: string): void {
    if (this.#stopped !== undefined) return;
    const now = this.#timers.now();
    if (utcDate(now) !== day) this.#sweepNow();
    else this.#later(Math.min(LOOK_MS, DAY_MS - (now % DAY_MS)), () => this.#awaitDayAfter(day));
  }

  #later(milliseconds: number, then: () => void): void {
    if (this.#stopped === undefined) this.#cancelSweep = this.#timers.after(milliseconds, then);
  }

  /** @returns whether all trails could be listed */
  async #sweep(): Promise<boolean> {
    try {
      for await (const trail of this.#trails()) {
        if (this.#stopped !== undefined) break;
        this.wake(trail);
      }
      return true;
    } catch (error) {
      this.#onError(error, {});
      return false;
    }
  }

  #settle(): void {
    if (this.#sweeping !== undefined || !this.#lanes.every((lane) => lane.idle)) return;
    const waiting = this.#whenIdle;
    this.#whenIdle = [];
    for (const resolve of waiting) resolve();
  }
}
