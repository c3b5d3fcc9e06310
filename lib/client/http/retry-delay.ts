const FIRST_MS = 100;
const MAX_MS = 10_000;
/** Longest `Retry-After` that is waited for, in milliseconds: a server must not park its clients for hours. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * The pause before the next attempt, in milliseconds: full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), on
 * top of what the server asked for. The client's own, since it imports nothing of the log's parts; they have `base/backoff`.
 *
 * @param attempt attempts so far, at least 1
 * @param retryAfter seconds, from the server's `Retry-After`
 * @param random returns a number in [0, 1)
 */
export function retryDelayMs(attempt: number, retryAfter = 0, random: () => number = Math.random): number {
  const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 20));
  return Math.min(MAX_RETRY_AFTER_MS, retryAfter * 1000) + Math.floor(random() * ceiling);
}
