import type { Timeline } from './report.ts';

/** Bins of a finished timeline, at most; a plot shows no more. */
const MAX_BINS = 240;
/** Widths of a bin that a reader can name, in seconds; each divides the next. After a day each is twice the last. */
const SECONDS = [1, 5, 15, 60, 300, 900, 3600, 10_800, 43_200, 86_400];
const FINEST_MS = 1000;

/** How many bins of a width become one. */
function stepFrom(binMs: number): number {
  const seconds = binMs / 1000;
  return (SECONDS.find((wider) => wider > seconds) ?? 2 * seconds) / seconds;
}

/** The counts of one worker; can be sent between threads. */
export interface TimelineCounts {
  readonly binMs: number;
  /** Number of the first bin: its start is `first * binMs`. */
  readonly first: number;
  readonly records: readonly number[];
  readonly checkpoints: readonly number[];
}

/**
 * Counts things over time without knowing when they begin and end, in constant memory: when there are too many bins, some
 * become one. Bins are aligned to multiples of their width, so that counts of several workers can be joined.
 */
export class TimelineCounter {
  #binMs = FINEST_MS;
  #first = 0;
  #records: number[] = [];
  #checkpoints: number[] = [];

  /** @param at Unix milliseconds */
  addRecord(at: number, count = 1): void {
    const bin = this.#binOf(at);
    this.#records[bin] = (this.#records[bin] ?? 0) + count;
  }

  /** @param at Unix milliseconds */
  addCheckpoint(at: number, count = 1): void {
    const bin = this.#binOf(at);
    this.#checkpoints[bin] = (this.#checkpoints[bin] ?? 0) + count;
  }

  counts(): TimelineCounts {
    return { binMs: this.#binMs, first: this.#first, records: this.#records, checkpoints: this.#checkpoints };
  }

  merge(other: TimelineCounts): void {
    while (this.#binMs < other.binMs) this.#coarsen();
    for (const [index, records] of other.records.entries()) {
      const at = (other.first + index) * other.binMs;
      const checkpoints = other.checkpoints[index] ?? 0;
      if (records > 0) this.addRecord(at, records);
      if (checkpoints > 0) this.addCheckpoint(at, checkpoints);
    }
  }

  /** Undefined where nothing was counted. */
  finish(): Timeline | undefined {
    if (this.#records.length === 0) return undefined;
    const { binMs, first } = this.counts();
    return { binMs, start: first * binMs, records: [...this.#records], checkpoints: [...this.#checkpoints] };
  }

  /** The place of a time's bin, which exists after this. */
  #binOf(at: number): number {
    for (;;) {
      const bin = Math.floor(at / this.#binMs);
      if (this.#records.length === 0) this.#first = bin;
      const place = bin - this.#first;
      const width = place < 0 ? this.#records.length - place : place + 1;
      if (width <= MAX_BINS) {
        this.#extend(place);
        return Math.max(place, 0);
      }
      this.#coarsen();
    }
  }

  #extend(place: number): void {
    if (place < 0) {
      const before = new Array<number>(-place).fill(0);
      this.#records = [...before, ...this.#records];
      this.#checkpoints = [...before, ...this.#checkpoints];
      this.#first += place;
    }
    while (this.#records.length <= place) {
      this.#records.push(0);
      this.#checkpoints.push(0);
    }
  }

  #coarsen(): void {
    const step = stepFrom(this.#binMs);
    const skipped = this.#first - Math.floor(this.#first / step) * step;
    this.#records = joined(this.#records, step, skipped);
    this.#checkpoints = joined(this.#checkpoints, step, skipped);
    this.#first = Math.floor(this.#first / step);
    this.#binMs *= step;
  }
}

/** @param skipped how many narrow bins of the first wide one lie before those given */
function joined(bins: readonly number[], step: number, skipped: number): number[] {
  const wide = new Array<number>(Math.ceil((bins.length + skipped) / step)).fill(0);
  for (const [index, count] of bins.entries()) {
    const place = Math.floor((index + skipped) / step);
    wide[place] = (wide[place] ?? 0) + count;
  }
  return wide;
}
