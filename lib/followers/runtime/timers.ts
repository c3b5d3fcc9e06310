/** Time, as something that tests can turn by hand. */
export interface Timers {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `run` once, after so many milliseconds or the most that a timer can wait, unless the returned function was called before. */
  after(milliseconds: number, run: () => void): () => void;
}

/** The longest that `setTimeout` waits (https://nodejs.org/api/timers.html); beyond it, it does not wait at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock and the timers of the process. What waits for longer than 24.8 days is called then, and has to look again. */
export const systemTimers: Timers = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, Math.min(milliseconds, MAX_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};
