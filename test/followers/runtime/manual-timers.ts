import { setImmediate } from 'node:timers/promises';
import type { Timers } from '../../../lib/followers/runtime/timers.ts';

/** Time that passes only when a test says so. */
export class ManualTimers implements Timers {
  #now: number;
  readonly #waiting = new Set<{ at: number; readonly run: () => void }>();

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, run: () => void): () => void {
    const timer = { at: this.#now + milliseconds, run };
    this.#waiting.add(timer);
    return () => this.#waiting.delete(timer);
  }

  /** Timers that wait to go off. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Lets the clock go on while the machine sleeps: timers wait as long as before. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of this.#waiting) timer.at += milliseconds;
  }

  /** Lets time pass, with everything that happens in it. */
  async advance(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds;
    for (;;) {
      await setImmediate();
      const [next] = [...this.#waiting].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}
