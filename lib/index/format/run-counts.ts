import { DIMENSIONS, type Dimension } from '../../contract/dimensions.ts';
import { COUNTED, type Counted } from '../../contract/summary.ts';
import { damaged } from './leaf.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/** Milliseconds of an hour: the counts of a run are kept by hours of UTC. */
export const HOUR_MS = 3_600_000;
/** Milliseconds of a minute: within an hour, records are counted by minutes. */
export const MINUTE_MS = 60_000;

/** A counted dimension and a value in it. */
export type CountedValue = readonly [Counted, string];

/** The counts of an hour. */
export interface HourCounts {
  /** Hours since 1970. */
  readonly hour: number;
  readonly total: number;
  /** The place of a value among the run's values, and its records, alternating. */
  readonly values: readonly number[];
  /** A minute of the hour and its records, alternating. */
  readonly minutes: readonly number[];
}

/** The counts of a run. A record without a value in a dimension is not counted there. */
export interface RunCounts {
  readonly values: readonly CountedValue[];
  /** Ascending. */
  readonly hours: readonly HourCounts[];
}

const COUNTED_SET: ReadonlySet<string> = new Set(COUNTED);
/** True if summaries count by a dimension. */
export const isCounted = (dimension: Dimension): dimension is Counted => COUNTED_SET.has(dimension);

interface OpenHour {
  total: number;
  readonly values: Map<number, number>;
  readonly minutes: Map<number, number>;
}

/** Counts records, or adds up counts. */
export class CountsBuilder {
  readonly #places = new Map<string, Map<string, number>>();
  readonly #values: CountedValue[] = [];
  readonly #hours = new Map<number, OpenHour>();
  /** The hour of the last record, and what was counted in it since: records mostly come in the order of time. */
  #open: OpenHour | undefined;
  #openHour = Number.NaN;
  #counted = new Uint32Array(64);
  readonly #touched: number[] = [];

  /** Counts a record, received at `time` (Unix milliseconds): {@link count} counts its values. */
  addRecord(time: number): void {
    const at = Math.floor(time / HOUR_MS);
    if (this.#open === undefined || this.#openHour !== at) {
      this.#settle();
      this.#open = this.#hour(at);
      this.#openHour = at;
    }
    this.#open.total += 1;
    addTo(this.#open.minutes, Math.floor(time / MINUTE_MS) % 60, 1);
  }

  /** Counts a value of the record that was added last, by the value's {@link placeOf place}. */
  count(place: number): void {
    if (place >= this.#counted.length) {
      const wider = new Uint32Array(2 * Math.max(place, this.#counted.length));
      wider.set(this.#counted);
      this.#counted = wider;
    }
    const before = this.#counted[place] ?? 0;
    if (before === 0) this.#touched.push(place);
    this.#counted[place] = before + 1;
  }

  /** Adds what was counted to its hour. */
  #settle(): void {
    for (const place of this.#touched) {
      if (this.#open !== undefined) addTo(this.#open.values, place, this.#counted[place] ?? 0);
      this.#counted[place] = 0;
    }
    this.#touched.length = 0;
  }

  /** Adds the counts of another run. */
  addRun({ values, hours }: RunCounts): void {
    const places = values.map(([dimension, value]) => this.placeOf(dimension, value));
    for (const from of hours) {
      const hour = this.#hour(from.hour);
      hour.total += from.total;
      for (const [minute, count] of pairsOf(from.minutes)) addTo(hour.minutes, minute, count);
      for (const [place, count] of pairsOf(from.values)) addTo(hour.values, places[place] ?? 0, count);
    }
  }

  /**
   * The counts as bytes: the same for the same records, however they were added. Values are sorted by dimension and then by their
   * UTF-8; every number is a varint, and so is the difference to the one before for places, minutes and hours:
   *
   *     number of values; for each the number of its dimension, its bytes and their number
   *     number of hours; for each its number, total, number of values, and each value's place and records;
   *                      number of minutes, and each minute and its records
   */
  encode(): Uint8Array {
    this.#settle();
    const bytes = this.#values.map(([, value]) => Buffer.from(value));
    const order = [...this.#values.keys()].sort(
      (a, b) => this.#dimension(a) - this.#dimension(b) || Buffer.compare(bytes[a] ?? NONE, bytes[b] ?? NONE),
    );
    const writer = new VarintWriter();
    writer.put(order.length);
    const place = new Uint32Array(order.length);
    for (const [rank, n] of order.entries()) {
      place[n] = rank;
      writer.put(this.#dimension(n));
      writer.put(bytes[n]?.length ?? 0);
      writer.putBytes(bytes[n] ?? NONE);
    }
    writer.put(this.#hours.size);
    let last = 0;
    for (const [hour, { total, values, minutes }] of [...this.#hours].sort(([a], [b]) => a - b)) {
      writer.put(hour - last);
      last = hour;
      writer.put(total);
      putPairs(
        writer,
        [...values].map(([n, count]) => [place[n] ?? 0, count]),
      );
      putPairs(writer, [...minutes]);
    }
    return writer.bytes();
  }

  #dimension(n: number): number {
    return DIMENSIONS.indexOf(this.#values[n]?.[0] ?? 'type');
  }

  #hour(at: number): OpenHour {
    let hour = this.#hours.get(at);
    if (hour === undefined) {
      hour = { total: 0, values: new Map(), minutes: new Map() };
      this.#hours.set(at, hour);
    }
    return hour;
  }

  /** The place of a value among those that are counted, from 0. */
  placeOf(dimension: Counted, value: string): number {
    let places = this.#places.get(dimension);
    if (places === undefined) {
      places = new Map();
      this.#places.set(dimension, places);
    }
    let place = places.get(value);
    if (place === undefined) {
      place = this.#values.push([dimension, value]) - 1;
      places.set(value, place);
    }
    return place;
  }
}

const NONE = Buffer.alloc(0);

function addTo(counts: Map<number, number>, at: number, count: number): void {
  counts.set(at, (counts.get(at) ?? 0) + count);
}

function putPairs(writer: VarintWriter, pairs: (readonly [number, number])[]): void {
  writer.put(pairs.length);
  let last = 0;
  for (const [at, count] of pairs.sort(([a], [b]) => a - b)) {
    writer.put(at - last);
    writer.put(count);
    last = at;
  }
}

/** The pairs of an alternating list. */
export function* pairsOf(list: readonly number[]): Generator<readonly [number, number], void, void> {
  for (let i = 0; i + 1 < list.length; i += 2) yield [list[i] ?? 0, list[i + 1] ?? 0];
}

/** Reads the output of {@link CountsBuilder.encode}. @throws `store_corrupt` */
export function decodeCounts(bytes: Uint8Array): RunCounts {
  const reader = new VarintReader(bytes);
  const size = reader.next();
  reader.expect(2 * size);
  const values: CountedValue[] = [];
  for (let n = 0; n < size; n++) {
    const dimension = DIMENSIONS[reader.next()];
    if (dimension === undefined || !COUNTED_SET.has(dimension))
      throw damaged('counts by a dimension of another version');
    const value = Buffer.from(reader.take(reader.next())).toString();
    values.push([dimension as Counted, value]); // just tested
  }
  const count = reader.next();
  reader.expect(4 * count);
  const hours: HourCounts[] = [];
  for (let [n, hour] = [0, 0]; n < count; n++) {
    hour += reader.next();
    hours.push({ hour, total: reader.next(), values: takePairs(reader, size), minutes: takePairs(reader, 60) });
  }
  if (!reader.isAtEnd) throw damaged('has bytes beyond its counts');
  return { values, hours };
}

function takePairs(reader: VarintReader, bound: number): number[] {
  const count = reader.next();
  reader.expect(2 * count);
  const pairs: number[] = [];
  for (let [n, at] = [0, 0]; n < count; n++) {
    at += reader.next();
    if (at >= bound) throw damaged('counts a value that it does not list');
    pairs.push(at, reader.next());
  }
  return pairs;
}
