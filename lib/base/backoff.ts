/** Growth of the pauses between attempts. */
export interface BackOff {
  /** Maximum of the first pause, in milliseconds. It doubles with each further one. */
  readonly firstMs: number;
  /** Maximum of any pause, in milliseconds. */
  readonly maxMs: number;
  /** The random share of a pause, so that callers that failed together do not retry together. @default 1 */
  readonly jitter?: number;
}

/**
 * The pause before the next attempt, in milliseconds: exponential back-off with jitter (AWS Architecture Blog,
 * "Exponential Backoff And Jitter").
 *
 * @param failures failed attempts so far, at least 1
 * @param random returns a number in [0, 1)
 */
export function pauseMs(failures: number, { firstMs, maxMs, jitter = 1 }: BackOff, random = Math.random): number {
  const longest = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return longest * (1 - jitter + jitter * random());
}
