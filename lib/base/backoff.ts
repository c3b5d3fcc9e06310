/** How pauses between tries grow. */
export interface BackOff {
  /** The longest first pause, in milliseconds. It doubles with each further one. */
  readonly firstMs: number;
  /** The longest pause of all, in milliseconds. */
  readonly maxMs: number;
  /** Which share of a pause is random, so that those who failed together do not come back together. @default 1 */
  readonly jitter?: number;
}

/**
 * How long to pause before the next try, in milliseconds: exponential back-off with jitter (AWS Architecture Blog,
 * "Exponential Backoff And Jitter").
 *
 * @param failures tries that have failed so far, from 1
 * @param random 0 inclusive to 1 exclusive
 */
export function pauseMs(failures: number, { firstMs, maxMs, jitter = 1 }: BackOff, random = Math.random): number {
  const longest = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return longest * (1 - jitter + jitter * random());
}
