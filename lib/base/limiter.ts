/**
 * Limits concurrency: runs a few tasks at once, and queues the others in order of arrival.
 *
 * @example
 * const fetches = new Limiter(16);
 * await Promise.all(names.map((name) => fetches.run(() => objects.get(name))));
 */
export class Limiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param max maximum concurrent tasks */
  constructor(max: number) {
    this.#free = max;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/**
 * Runs `work` for each item, a few at a time. Unlike a {@link Limiter} it holds no item that waits: generators may be passed, and are
 * read as workers become free.
 *
 * @param concurrency maximum concurrent tasks
 */
export async function forEachLimited<T>(
  items: Iterable<T> | AsyncIterable<T>,
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = iterate(items);
  const worker = async (): Promise<void> => {
    // Several workers take from one iterator: generators answer one call after the other.
    for (let next = await queue.next(); next.done !== true; next = await queue.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

async function* iterate<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, void> {
  yield* items;
}
