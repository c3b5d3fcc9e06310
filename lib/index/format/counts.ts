import type { DimensionValue } from '../../contract/dimensions.ts';
import { COUNTED, type Counted } from '../../contract/summary.ts';
import { countsPartition, sortableNumber } from '../../ledger/items/layout.ts';
import { SealtrailError } from '../../log/error.ts';
import type { Item, Table, Write } from '../../store/ports.ts';
import { classOf, type Run } from './runs.ts';

/** Counts of the records of an hour or a day, by value. */
export interface Counts {
  total: number;
  /** By equal parts of that time: the 60 minutes of an hour, or the 24 hours of a day. */
  readonly cells: number[];
  /** By dimension and value. A record without a value in a dimension is not counted there. */
  readonly values: Readonly<Record<Counted, Map<string, number>>>;
}

/** The unit of a slice: a whole hour or a whole day of UTC. */
export type Unit = 'hour' | 'day';
export const UNIT_MS: Readonly<Record<Unit, number>> = { hour: 3_600_000, day: 86_400_000 };
export const CELLS: Readonly<Record<Unit, number>> = { hour: 60, day: 24 };

/** Empty counts. */
export function emptyCounts(cells: number): Counts {
  const values = Object.fromEntries(COUNTED.map((dimension) => [dimension, new Map<string, number>()]));
  return { total: 0, cells: new Array<number>(cells).fill(0), values: values as Counts['values'] }; // has every dimension
}

const isCounted = (dimension: string): dimension is Counted => (COUNTED as readonly string[]).includes(dimension);

/** Counts one record. @param dimensions its `dimensionsOf` */
export function countRecord(counts: Counts, cell: number, dimensions: readonly DimensionValue[]): void {
  counts.total += 1;
  counts.cells[cell] = (counts.cells[cell] ?? 0) + 1;
  for (const [dimension, value] of dimensions) if (isCounted(dimension)) add(counts.values[dimension], value, 1);
}

/** Adds values and total, but not cells, which belong to a time. */
function addCounts(into: Counts, from: Counts): void {
  into.total += from.total;
  for (const dimension of COUNTED) {
    const map = into.values[dimension];
    for (const [value, count] of from.values[dimension]) add(map, value, count);
  }
}

function add(map: Map<string, number>, value: string, count: number): void {
  map.set(value, (map.get(value) ?? 0) + count);
}

/** Counts of one hour or day. `at` counts units since 1970. */
export interface Slice {
  readonly at: number;
  readonly counts: Counts;
}

/** Adds a slice for the same time. */
function addSlice(into: Counts, { counts }: Slice): void {
  addCounts(into, counts);
  for (const [cell, count] of counts.cells.entries()) into.cells[cell] = (into.cells[cell] ?? 0) + count;
}

/** The units in which a run's counts are kept. Short runs have few hours; merging adds days. */
export const unitsOf = (runClass: number): readonly Unit[] => (runClass < 2 ? ['hour'] : ['hour', 'day']);

/** Makes the items of a run's counts from its hours, in ascending order. */
export class CountsWriter {
  readonly #trail: string;
  readonly #run: Run;
  readonly #hasDays: boolean;
  #day: Slice | undefined;

  constructor(trail: string, run: Run) {
    this.#trail = trail;
    this.#run = run;
    this.#hasDays = unitsOf(classOf(run.size)).includes('day');
  }

  /** Adds an hour. @returns the writes that are ready. */
  add(hour: Slice): Write[] {
    const writes = this.#writes('hour', hour);
    if (!this.#hasDays) return writes;
    const at = Math.floor(hour.at / CELLS.day);
    if (this.#day?.at !== at) {
      writes.push(...this.end());
      this.#day = { at, counts: emptyCounts(CELLS.day) };
    }
    addCounts(this.#day.counts, hour.counts);
    this.#day.counts.cells[hour.at % CELLS.day] = hour.counts.total;
    return writes;
  }

  /** The writes of the last day. */
  end(): Write[] {
    return this.#day === undefined ? [] : this.#writes('day', this.#day);
  }

  #writes(unit: Unit, slice: Slice): Write[] {
    const partition = countsPartition(this.#trail, classOf(this.#run.size), unit);
    const bodies = encodeCounts(slice.counts);
    return bodies.map((body, piece) => ({
      put: {
        partition,
        sort: `${sliceSort(slice.at)}/${sortableNumber(this.#run.first)}/${piece.toString().padStart(4, '0')}`,
        attributes: { pieces: bodies.length, body: Buffer.from(body) },
      },
    }));
  }
}

/** Ten digits hold any hour of a time in milliseconds. */
const sliceSort = (at: number): string => at.toString().padStart(10, '0');

/** Approximate characters of an item. */
const ITEM_CHARACTERS = 30_000;

/** A stored part of counts: cells and values alternate with their counts. */
interface StoredCounts {
  readonly total: number;
  readonly cells: readonly number[];
  readonly values: readonly (readonly [Counted, ...(string | number)[]])[];
}

function encodeCounts(counts: Counts): string[] {
  const cells = counts.cells.flatMap((count, cell) => (count === 0 ? [] : [cell, count]));
  const bodies: string[] = [];
  let values: [Counted, ...(string | number)[]][] = [];
  let length = 0;
  const flush = (): void => {
    const isFirst = bodies.length === 0;
    const stored: StoredCounts = { total: isFirst ? counts.total : 0, cells: isFirst ? cells : [], values };
    bodies.push(JSON.stringify(stored));
    values = [];
    length = 0;
  };
  for (const dimension of COUNTED) {
    let list: [Counted, ...(string | number)[]] | undefined;
    for (const [value, count] of counts.values[dimension]) {
      if (length > ITEM_CHARACTERS) {
        flush();
        list = undefined;
      }
      if (list === undefined) {
        list = [dimension];
        values.push(list);
      }
      list.push(value, count);
      length += value.length + 8;
    }
  }
  flush();
  return bodies;
}

function parseCounts(item: Item): StoredCounts {
  const { body } = item.attributes;
  try {
    if (!(body instanceof Uint8Array)) throw new RangeError('it has no body');
    const stored: StoredCounts = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
    if (!Number.isSafeInteger(stored.total) || !Array.isArray(stored.cells) || !Array.isArray(stored.values)) {
      throw new RangeError('it has another form');
    }
    return stored;
  } catch (cause) {
    const message = `an item of the query index is not readable: ${item.partition} ${item.sort}`;
    throw new SealtrailError('store_corrupt', message, { cause });
  }
}

/** A part of the counts of a slice. The parts of one slice are consecutive. */
export interface SlicePart {
  /** Units since 1970. */
  readonly at: number;
  /** Adds total and values to counts. */
  addTo(counts: Counts): void;
  /** The count of each cell; only in the first part of a run's slice. */
  readonly cells: Iterable<readonly [cell: number, count: number]>;
}

/** A range of slices. `from` and `to` (exclusive) count units since 1970. */
export interface SliceRange {
  readonly unit: Unit;
  readonly from: number;
  readonly to: number;
}

/** Reads the slices of runs of one class, in ascending order of time, piece by piece. */
export async function* readSliceParts(
  table: Table,
  trail: string,
  runs: readonly Run[],
  { unit, from, to }: SliceRange,
): AsyncGenerator<SlicePart, void, void> {
  if (runs.length === 0 || from >= to) return;
  const firsts = new Set(runs.map((run) => run.first));
  const partition = countsPartition(trail, classOf(runs[0]?.size ?? 0), unit);
  for await (const item of table.query({ partition, from: sliceSort(from), to: `${sliceSort(to - 1)}/~` })) {
    const [at, first, piece] = item.sort.split('/').map(Number);
    if (at === undefined || first === undefined || piece === undefined || !firsts.has(first)) continue;
    // An abandoned attempt may have left further pieces.
    if (piece >= Number(item.attributes.pieces)) continue;
    const { total, cells, values } = parseCounts(item);
    yield { at, addTo: (counts) => addStored(counts, total, values), cells: pairs(cells) };
  }
}

function addStored(counts: Counts, total: number, values: StoredCounts['values']): void {
  counts.total += total;
  for (const list of values) {
    const map = counts.values[list[0]];
    for (let i = 1; i + 1 < list.length; i += 2) add(map, String(list[i]), Number(list[i + 1]));
  }
}

function* pairs(list: readonly number[]): Generator<readonly [number, number], void, void> {
  for (let i = 0; i + 1 < list.length; i += 2) yield [list[i] ?? 0, list[i + 1] ?? 0];
}

/** Reads the slices of runs of one class, in ascending order of time, one per time. */
export async function* readSlices(
  table: Table,
  trail: string,
  runs: readonly Run[],
  range: SliceRange,
): AsyncGenerator<Slice, void, void> {
  let slice: Slice | undefined;
  for await (const part of readSliceParts(table, trail, runs, range)) {
    if (slice !== undefined && slice.at !== part.at) yield slice;
    if (slice?.at !== part.at) slice = { at: part.at, counts: emptyCounts(CELLS[range.unit]) };
    part.addTo(slice.counts);
    for (const [cell, count] of part.cells) slice.counts.cells[cell] = (slice.counts.cells[cell] ?? 0) + count;
  }
  if (slice !== undefined) yield slice;
}

/** Merges the slices of several readers, one per time. Each reader must be in ascending order of time. */
export async function* mergeSlices(readers: readonly AsyncIterator<Slice>[]): AsyncGenerator<Slice, void, void> {
  const heads = await Promise.all(readers.map((reader) => reader.next()));
  for (;;) {
    let at = Number.POSITIVE_INFINITY;
    for (const head of heads) if (!head.done) at = Math.min(at, head.value.at);
    if (at === Number.POSITIVE_INFINITY) return;
    let sum: Slice | undefined;
    for (const [index, reader] of readers.entries()) {
      const head = heads[index];
      if (head === undefined || head.done || head.value.at !== at) continue;
      if (sum === undefined) sum = head.value;
      else addSlice(sum.counts, head.value);
      heads[index] = await reader.next();
    }
    if (sum !== undefined) yield sum;
  }
}

/** The first record of the run that an item of counts belongs to. */
export const runOfSlice = (item: Item): number => Number(item.sort.split('/')[1]);
