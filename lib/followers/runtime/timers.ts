/** Time, as something that tests can turn by hand. */
export interface Timers {
  /** Unix milliseconds. */
  now(): number;
  /** Calls `run` once, after so many milliseconds, unless the returned function was called before. */
  after(milliseconds: number, run: () => void): () => void;
}

/** The clock and the timers of the process. */
export const systemTimers: Timers = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
