/**
 * Runs a few works at once; the others wait for their turn in the order in which they came.
 *
 * @example
 * const fetches = new Limiter(16);
 * await Promise.all(names.map((name) => fetches.run(() => objects.get(name))));
 */
export class Limiter {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param max works that run at once */
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
