import { segmentName } from '../../log/archive.ts';
import type { SegmentName } from './object-names.ts';

/** The segments of a trail by their first record, 32 bytes each: a segment a minute makes 17 MB in a year. */
export class SegmentIndex {
  #columns: { first: number[]; last: number[]; day: number[] } = { first: [], last: [], day: [] };
  #sorted = true;
  /** The greatest `last` up to each place, where it is up to date: what says that nothing before reaches further. */
  #reach: number[] = [];

  static of(segments: Iterable<SegmentName>): SegmentIndex {
    const index = new SegmentIndex();
    for (const segment of segments) index.add(segment);
    return index;
  }

  get length(): number {
    return this.#columns.first.length;
  }

  add({ first, last, day }: SegmentName): void {
    const before = this.#columns.first.at(-1) ?? 0;
    if (first < before || (first === before && last < (this.#columns.last.at(-1) ?? 0))) this.#sorted = false;
    this.#reach = [];
    this.#columns.first.push(first);
    this.#columns.last.push(last);
    this.#columns.day.push(day);
  }

  /** In ascending order of the first record. */
  *all(): Generator<SegmentName, void, void> {
    yield* this.#from(0, Number.POSITIVE_INFINITY);
  }

  /** Those that hold records of `[from, to)`, in ascending order of the first record. */
  *overlapping(from: number, to: number): Generator<SegmentName, void, void> {
    // Segments of an intact archive do not overlap; where some do, ones before may reach over here as well.
    for (const segment of this.#from(this.#place(from), to)) if (segment.last >= from) yield segment;
  }

  /** The first record at `seq` or above that a segment holds. */
  next(seq: number): number | undefined {
    for (const segment of this.#from(this.#place(seq), Number.POSITIVE_INFINITY)) {
      if (segment.last >= seq) return Math.max(segment.first, seq);
    }
    return undefined;
  }

  /** Record number behind the last of all; 0 where there is none. */
  end(): number {
    let end = 0;
    for (const last of this.#columns.last) end = Math.max(end, last + 1);
    return end;
  }

  *#from(start: number, to: number): Generator<SegmentName, void, void> {
    this.#sort();
    const { first, last, day } = this.#columns;
    for (let at = start; at < first.length; at++) {
      const segment = { first: first[at] ?? 0, last: last[at] ?? 0, day: day[at] ?? 0 };
      if (segment.first >= to) return;
      yield segment;
    }
  }

  /** The place of the first segment that could hold `seq`. */
  #place(seq: number): number {
    this.#sort();
    const { first } = this.#columns;
    const reach = this.#reachOf();
    let low = 0;
    let high = first.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((first[middle] ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    let place = Math.max(0, low - 1);
    while (place > 0 && (reach[place - 1] ?? 0) >= seq) place--;
    return place;
  }

  #reachOf(): readonly number[] {
    if (this.#reach.length === this.length) return this.#reach;
    let furthest = 0;
    this.#reach = this.#columns.last.map((last) => {
      furthest = Math.max(furthest, last);
      return furthest;
    });
    return this.#reach;
  }

  #sort(): void {
    if (this.#sorted) return;
    const { first, last, day } = this.#columns;
    const order = first.map((_, at) => at);
    order.sort((a, b) => (first[a] ?? 0) - (first[b] ?? 0) || (last[a] ?? 0) - (last[b] ?? 0));
    const inOrder = (column: number[]): number[] => order.map((at) => column[at] ?? 0);
    this.#columns = { first: inOrder(first), last: inOrder(last), day: inOrder(day) };
    this.#sorted = true;
  }
}

/** A segment's key in the archive. */
export const segmentKey = (trail: string, { day, first, last }: SegmentName): string =>
  segmentName(trail, day, first, last);
