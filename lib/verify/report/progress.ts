import type { OnProgress } from './report.ts';

/** At most ten reports a second. */
const EVERY_MS = 100;

/** Adds up what the spans report, and passes it on now and then. */
export class ProgressMeter {
  readonly #onProgress: OnProgress | undefined;
  /** Records to check, by trail. */
  readonly #totals: Map<string, number>;
  readonly #problems = new Map<object, number>();
  #records = 0;
  #last = 0;

  constructor(onProgress: OnProgress | undefined, totals: Iterable<readonly [trail: string, records: number]>) {
    this.#onProgress = onProgress;
    this.#totals = new Map(totals);
  }

  /** Corrects the number of records of a trail to check. */
  expect(trail: string, records: number): void {
    this.#totals.set(trail, records);
  }

  /** @param span tells one span from another; @param problems found in it so far */
  advance(trail: string, span: object, records: number, problems: number): void {
    this.#records += records;
    this.#problems.set(span, problems);
    const now = Date.now();
    if (this.#onProgress === undefined || now - this.#last < EVERY_MS) return;
    this.#last = now;
    const found = [...this.#problems.values()].reduce((sum, count) => sum + count, 0);
    // A span that is done again counts twice; more than all is nothing to show.
    const totalRecords = [...this.#totals.values()].reduce((sum, count) => sum + count, 0);
    this.#onProgress({ trail, records: Math.min(this.#records, totalRecords), totalRecords, problems: found });
  }
}
