import type { Timeline } from './report.ts';

/** Bins of a finished timeline, at most; a plot shows no more. */
const MOST_BINS = 240;
const FINEST_MS = 1000;

/** What one worker counted; can be sent between threads. */
export interface TimelineCounts {
  readonly binMs: number;
  /** Number of the first bin: its start is `first * binMs`. */
  readonly first: number;
  readonly records: readonly number[];
  readonly checkpoints: readonly number[];
}

/**
 * Counts things over time without knowing when they begin and end, in constant memory: when there are too many bins,
 * each two become one. Bins are aligned to multiples of their width, so that counts of several workers can be joined.
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
      if (width <= MOST_BINS) {
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
    const odd = Math.abs(this.#first % 2);
    this.#records = inPairs(this.#records, odd);
    this.#checkpoints = inPairs(this.#checkpoints, odd);
    this.#first = Math.floor(this.#first / 2);
    this.#binMs *= 2;
  }
}

/** @param odd 1 where the first bin is the second half of a wider one */
function inPairs(bins: readonly number[], odd: number): number[] {
  const joined = new Array<number>(Math.ceil((bins.length + odd) / 2)).fill(0);
  for (const [index, count] of bins.entries()) {
    const place = Math.floor((index + odd) / 2);
    joined[place] = (joined[place] ?? 0) + count;
  }
  return joined;
}
