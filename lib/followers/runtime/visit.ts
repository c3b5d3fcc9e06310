import { setTimeout as sleep } from 'node:timers/promises';
import { defined } from '../../base/defined.ts';
import type { Follower } from './follower.ts';

/** How trails are visited once, where no process stays to visit them again. */
export interface VisitOptions {
  readonly followers: readonly Follower[];
  /** Told of every error. Must not throw. */
  readonly onError: (error: unknown, source: { readonly follower: string; readonly trail: string }) => void;
  /** Once aborted, visits come to an end and no new one begins. */
  readonly signal?: AbortSignal;
  /** Do now what would otherwise wait for a larger batch. @default false */
  readonly force?: boolean;
  /** Trails visited at once. @default 4 */
  readonly concurrency?: number;
  /**
   * Milliseconds that a visit waits for a follower that wants to come back soon, such as a sealer that leaves a head to
   * its append for a moment. What wants to wait longer is left to a later visit. @default 500
   */
  readonly patienceMs?: number;
}

/**
 * Visits each trail once with every follower, in their order. A follower that fails keeps no other from its work, and
 * no trail holds up another.
 *
 * @returns the trails in which something failed or that were not reached before the signal
 */
export async function visitTrails(
  trails: Iterable<string> | AsyncIterable<string>,
  options: VisitOptions,
): Promise<ReadonlySet<string>> {
  const failed = new Set<string>();
  const queue = iterate(trails);
  const work = async (): Promise<void> => {
    // Several workers take from one iterator: generators answer one call after the other.
    for (let next = await queue.next(); next.done !== true; next = await queue.next()) {
      if (!(await visit(next.value, options))) failed.add(next.value);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 4 }, work));
  return failed;
}

async function* iterate(trails: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string, void, void> {
  yield* trails;
}

/** Whether all followers came through. */
async function visit(trail: string, options: VisitOptions): Promise<boolean> {
  let wentWell = true;
  for (const follower of options.followers) {
    if (options.signal?.aborted) return false;
    try {
      await runAndReturn(follower, trail, options);
    } catch (error) {
      wentWell = false;
      options.onError(error, { follower: follower.name, trail });
    }
  }
  return wentWell;
}

/** One run, and a second one where the follower asks for it soon. */
async function runAndReturn(follower: Follower, trail: string, options: VisitOptions): Promise<void> {
  const { signal, force = false, patienceMs = 500 } = options;
  const run = { force, ...defined({ signal }) };
  await follower.run(trail, run);
  const wait = follower.revisit?.(trail);
  if (wait === undefined || wait > patienceMs || signal?.aborted) return;
  await sleep(wait);
  await follower.run(trail, run);
}
