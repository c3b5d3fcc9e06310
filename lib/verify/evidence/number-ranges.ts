/**
 * A set of numbers, kept as runs of consecutive ones: the tiles of a whole archive are one run, however many they are.
 * Numbers may be added in any order; reading sorts.
 */
export class Runs {
  /** Pairs of from and to (exclusive). */
  readonly #runs: [number, number][] = [];
  #sorted = true;

  static of(pairs: readonly (readonly [number, number])[]): Runs {
    const runs = new Runs();
    for (const [from, to] of pairs) runs.#runs.push([from, to]);
    runs.#sorted = false;
    return runs;
  }

  add(value: number): void {
    const last = this.#runs.at(-1);
    if (last !== undefined && last[1] === value) {
      last[1] += 1;
      return;
    }
    if (last !== undefined) this.#sorted = false;
    this.#runs.push([value, value + 1]);
  }

  /** The runs in ascending order, joined where they touch or overlap; `to` is exclusive. */
  pairs(): readonly (readonly [number, number])[] {
    if (!this.#sorted) this.#sort();
    return this.#runs;
  }

  has(value: number): boolean {
    const run = this.#from(value);
    return run !== undefined && run[0] <= value;
  }

  /** The smallest member that is `value` or above. */
  next(value: number): number | undefined {
    const run = this.#from(value);
    return run === undefined ? undefined : Math.max(value, run[0]);
  }

  /** The numbers of `[from, to)` that are not members, as runs. */
  missing(from: number, to: number): [number, number][] {
    const gaps: [number, number][] = [];
    let at = from;
    for (const [start, end] of this.pairs()) {
      if (start >= to) break;
      if (start > at) gaps.push([at, start]);
      at = Math.max(at, end);
    }
    if (at < to) gaps.push([at, to]);
    return gaps;
  }

  /** The members whose `(member + 1) * each` is more than `size`, as runs: tiles that reach beyond a log's end. */
  *beyond(size: number, each: number): Generator<readonly [number, number], void, void> {
    const whole = Math.floor(size / each);
    for (const [from, to] of this.pairs()) if (to > whole) yield [Math.max(from, whole), to];
  }

  /** The members of `[from, to)`, as another set. */
  within(from: number, to: number): Runs {
    const cut = this.pairs()
      .filter(([start, end]) => start < to && end > from)
      .map(([start, end]) => [Math.max(start, from), Math.min(end, to)] as const);
    return Runs.of(cut);
  }

  /** The first run that ends above `value`. */
  #from(value: number): readonly [number, number] | undefined {
    const runs = this.pairs();
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const run = runs[middle];
      if (run !== undefined && run[1] > value) high = middle;
      else low = middle + 1;
    }
    return runs[low];
  }

  #sort(): void {
    this.#runs.sort((a, b) => a[0] - b[0]);
    let kept = 0;
    for (const [from, to] of this.#runs.splice(0)) {
      const last = this.#runs[kept - 1];
      if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
      else kept = this.#runs.push([from, to]);
    }
    this.#sorted = true;
  }
}
