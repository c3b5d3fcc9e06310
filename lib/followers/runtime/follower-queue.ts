import { pauseMs } from '../../base/backoff.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Follower } from './follower.ts';
import type { Timers } from './timers.ts';

/** How a {@link Lane} paces its visits. All in milliseconds but `concurrency`. */
export interface Pace {
  /** Trails that one follower works on at once. */
  readonly concurrency: number;
  /** A trail is left alone for so long after each visit, so that a storm of wakes becomes one visit. */
  readonly spacingMs: number;
  /** Pause after a first failed visit; it doubles with each further one. */
  readonly retryMs: number;
  /** The longest such pause. */
  readonly maxRetryMs: number;
}

/** The dependencies of {@link Lane}. */
export interface LaneOptions {
  readonly follower: Follower;
  readonly pace: Pace;
  readonly timers: Timers;
  /** 0 inclusive to 1 exclusive. */
  readonly random: () => number;
  readonly onError: (error: unknown, trail: string) => void;
  /** Called whenever the lane may have become idle. */
  readonly onRest: () => void;
}

/**
 * Where a trail stands. `waiting`: a timer will bring it back, a wake sooner. `resting`: a wake counts once the timer
 * is through. `failing`: neither; only the timer brings it back. Trails with nothing to do have no place here.
 */
interface Place {
  stage: 'ready' | 'running' | 'resting' | 'waiting' | 'failing';
  wokenAgain: boolean;
  failures: number;
  cancel: () => void;
}

const nothing = (): void => undefined;

/** The visits of one follower: never two at once to the same trail, never more than a few at once in all. */
export class Lane {
  readonly #options: LaneOptions;
  readonly #places = new Map<string, Place>();
  /** In the order in which they became ready. */
  readonly #ready = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** True if nothing is running or about to run. Visits that wait for a timer do not count. */
  get idle(): boolean {
    return this.#running.size === 0 && this.#ready.size === 0;
  }

  /** Asks for a visit to the trail. */
  wake(trail: string): void {
    if (this.#stopping.signal.aborted) return;
    const place = this.#places.get(trail);
    if (place === undefined) {
      this.#places.set(trail, { stage: 'ready', wokenAgain: false, failures: 0, cancel: nothing });
      this.#makeReady(trail);
    } else if (place.stage === 'waiting') {
      place.cancel();
      this.#makeReady(trail);
    } else if (place.stage !== 'failing') {
      place.wokenAgain = place.stage !== 'ready';
    }
  }

  /** Tells running visits to come to an end, drops those that have not begun, and waits. Nothing starts after it. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ready.clear();
    for (const { cancel } of this.#places.values()) cancel();
    await Promise.all(this.#running);
  }

  #makeReady(trail: string): void {
    const place = this.#places.get(trail);
    if (place === undefined || this.#stopping.signal.aborted) return;
    place.stage = 'ready';
    place.wokenAgain = false;
    place.cancel = nothing;
    this.#ready.add(trail);
    this.#startVisits();
  }

  #startVisits(): void {
    for (const trail of this.#ready) {
      if (this.#running.size >= this.#options.pace.concurrency) return;
      this.#ready.delete(trail);
      const visit = this.#visit(trail).finally(() => {
        this.#running.delete(visit);
        this.#startVisits();
        this.#options.onRest();
      });
      this.#running.add(visit);
    }
  }

  async #visit(trail: string): Promise<void> {
    const { follower, onError } = this.#options;
    const place = this.#places.get(trail);
    if (place === undefined) return;
    place.stage = 'running';
    try {
      await follower.run(trail, { signal: this.#stopping.signal });
      place.failures = 0;
      this.#rest(trail, place, follower.revisit?.(trail));
    } catch (error) {
      place.failures += 1;
      this.#retryLater(trail, place, error);
      onError(error, trail);
    }
  }

  #rest(trail: string, place: Place, revisit: number | undefined): void {
    const { spacingMs } = this.#options.pace;
    this.#pause(place, 'resting', spacingMs, () => {
      if (place.wokenAgain) return this.#makeReady(trail);
      if (revisit === undefined) return void this.#places.delete(trail);
      this.#pause(place, 'waiting', Math.max(0, revisit - spacingMs), () => this.#makeReady(trail));
    });
  }

  #retryLater(trail: string, place: Place, error: unknown): void {
    const { pace, random } = this.#options;
    const pause = pauseMs(place.failures, { firstMs: pace.retryMs, maxMs: pace.maxRetryMs, jitter: 0.5 }, random);
    const retryAfterMs = error instanceof SealtrailError ? (error.retryAfter ?? 0) * 1000 : 0;
    this.#pause(place, 'failing', Math.max(pause, retryAfterMs), () => this.#makeReady(trail));
  }

  #pause(place: Place, stage: Place['stage'], milliseconds: number, then: () => void): void {
    place.stage = stage;
    if (this.#stopping.signal.aborted) return;
    place.cancel = this.#options.timers.after(milliseconds, then);
  }
}
