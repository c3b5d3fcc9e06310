import { SealtrailError } from '../log/error.ts';
import { futureTime, MAX_CLOCK_AHEAD_MS } from '../log/record.ts';
import type { Head } from './items/head.ts';

/** An alarm that looks at five minutes must not take silence for the end. */
const REMIND_MS = 300_000;

/** Notices trails whose time is ahead of the clock: their records bear that time until it has passed. */
export class ClockWatch {
  readonly #now: () => number;
  readonly #onClockBehind: (error: SealtrailError, trail: string) => void;
  /** When each of them was reported, by the clock that is behind. */
  readonly #ahead = new Map<string, number>();

  /** @param onClockBehind called for each trail at once, and every five minutes in which it grows until it is over. Must not throw */
  constructor(now: () => number, onClockBehind: (error: SealtrailError, trail: string) => void) {
    this.#now = now;
    this.#onClockBehind = onClockBehind;
  }

  /** Looks at a head that this process has just moved. */
  check({ trail, size, receivedAt }: Head): void {
    const now = this.#now();
    if (receivedAt - now <= MAX_CLOCK_AHEAD_MS) this.#ahead.delete(trail);
    else if (Math.abs(now - (this.#ahead.get(trail) ?? Number.NEGATIVE_INFINITY)) >= REMIND_MS) {
      this.#ahead.set(trail, now);
      const message = `trail ${trail}: ${futureTime(size - 1, receivedAt, now)}`;
      this.#onClockBehind(new SealtrailError('clock_behind', message), trail);
    }
  }
}
