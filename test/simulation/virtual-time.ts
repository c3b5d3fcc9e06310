import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

interface Sleeper {
  readonly at: number;
  /** Those that are due at the same time wake in the order in which they went to sleep. */
  readonly order: number;
  readonly wake: () => void;
}

/**
 * Runs work in a time of its own: no one sleeps for real, and the clock jumps to anyone who wakes next once everything else has come
 * to rest. A minute with a thousand processes takes a few seconds, and comes out the same on a busy machine as on an idle one.
 *
 * It stands for `Date.now`, `performance.now` and `setTimeout` of `node:timers/promises`, of everything that runs meanwhile.
 */
export async function inVirtualTime<T>(work: () => Promise<T>): Promise<T> {
  const { setTimeout } = timers;
  const [dateNow, performanceNow] = [Date.now, performance.now];
  const started = Date.now();
  const sleepers = new Heap();
  let now = 0;
  let order = 0;
  const sleep = (milliseconds = 1): Promise<void> =>
    new Promise((wake) => sleepers.push({ at: now + Math.max(0, milliseconds), order: order++, wake }));
  Object.assign(timers, { setTimeout: sleep });
  syncBuiltinESMExports();
  Date.now = () => started + Math.floor(now);
  performance.now = () => now;
  let isOver = false;
  try {
    const result = work().finally(() => {
      isOver = true;
    });
    // A failure is the caller's, below.
    result.catch(() => undefined);
    while (!isOver) {
      // Everything that can go on without sleeping does so first.
      await new Promise(setImmediate);
      const next = isOver ? undefined : sleepers.pop();
      if (next === undefined) continue;
      now = Math.max(now, next.at);
      next.wake();
    }
    return await result;
  } finally {
    Object.assign(timers, { setTimeout });
    syncBuiltinESMExports();
    Date.now = dateNow;
    performance.now = performanceNow;
  }
}

/** A binary heap: the one that wakes first is on top. */
class Heap {
  readonly #sleepers: Sleeper[] = [];

  push(sleeper: Sleeper): void {
    const all = this.#sleepers;
    let at = all.push(sleeper) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && isBefore(sleeper, all[parent]); parent = (at - 1) >> 1) {
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): Sleeper | undefined {
    const all = this.#sleepers;
    this.#swap(0, all.length - 1);
    const top = all.pop();
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const child = isBefore(all[right], all[left]) ? right : left;
      if (!isBefore(all[child], all[at])) return top;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(a: number, b: number): void {
    const all = this.#sleepers;
    const [first, second] = [all[a], all[b]];
    if (first !== undefined && second !== undefined) [all[a], all[b]] = [second, first];
  }
}

function isBefore(a: Sleeper | undefined, b: Sleeper | undefined): boolean {
  if (a === undefined || b === undefined) return a !== undefined;
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
