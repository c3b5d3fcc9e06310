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
