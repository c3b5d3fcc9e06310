/** How a {@link Follower} is asked to run. */
export interface RunOptions {
  /** Once aborted, the follower stops at the next point that a later run continues from, and returns normally. */
  readonly signal?: AbortSignal;
  /** Do now what would otherwise wait for a larger batch. Default false. */
  readonly force?: boolean;
}

/**
 * A reader of trails with a durable watermark: it reads the ledger from there to the head, does idempotent work, and
 * then moves the watermark by a conditional write. Nothing that it needs in order to go on lives in memory, so any
 * instance in any process can continue after any crash; the recovery is the normal run.
 */
export interface Follower {
  /** Names it in errors and in the table, such as `archiver`. */
  readonly name: string;
  /**
   * Catches up with one trail, as far as its batching wants to. A trail that does not exist is nothing to do. Safe to
   * call in several processes at once; within one process the runner calls it once at a time per trail.
   *
   * Errors: whatever the stores throw; a later run starts where this one got to.
   */
  run(trail: string, options?: RunOptions): Promise<void>;
  /**
   * Milliseconds after which the follower wants to see the trail again although nothing wakes it (a batch that waits
   * to become old enough); undefined: no need. Asked right after a run that succeeded.
   */
  revisit?(trail: string): number | undefined;
}
