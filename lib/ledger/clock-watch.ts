import { SealtrailError } from '../log/error.ts';
import { futureTime, MAX_CLOCK_AHEAD_MS } from '../log/record.ts';
import type { Head } from './items/head.ts';

/** Notices trails whose time is ahead of the clock: their records bear that time until it has passed. */
export class ClockWatch {
  readonly #now: () => number;
  readonly #onClockBehind: (error: SealtrailError, trail: string) => void;
  readonly #ahead = new Set<string>();

  /** @param onClockBehind called once for each trail, until it is over. Must not throw */
  constructor(now: () => number, onClockBehind: (error: SealtrailError, trail: string) => void) {
    this.#now = now;
    this.#onClockBehind = onClockBehind;
  }

  /** Looks at a head that this process has just moved. */
  check({ trail, size, receivedAt }: Head): void {
    const now = this.#now();
    if (receivedAt - now <= MAX_CLOCK_AHEAD_MS) this.#ahead.delete(trail);
    else if (!this.#ahead.has(trail)) {
      this.#ahead.add(trail);
      const message = `trail ${trail}: ${futureTime(size - 1, receivedAt, now)}`;
      this.#onClockBehind(new SealtrailError('clock_behind', message), trail);
    }
  }
}
