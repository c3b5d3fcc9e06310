import { type Dimension, dimensionsOf } from '../../contract/dimensions.ts';
import type { Block } from '../../ledger/items/block.ts';
import { parseRecord } from '../../log/record.ts';
import { CountsBuilder } from '../format/run-counts.ts';
import { pushSpan, type Spans } from '../format/spans.ts';
import { keyOf, type TermKey, typeGroups } from '../format/term.ts';
import type { RunExtras } from './run-writer.ts';

/** Dimensions whose values hardly ever repeat within a run, so that remembering their terms gains nothing. */
const UNIQUE: ReadonlySet<Dimension> = new Set(['id', 'request']);
/** Most buckets that terms are sorted into by their leading bits. */
const MAX_BUCKETS = 65_536;
/** Terms and records that there is room for at first. */
const ROOM = 1024;

/** One of equal parts of the keys that there may be. */
export interface KeyPart {
  readonly index: number;
  readonly of: number;
}

/** Collects the terms of a run's records, block by block. */
export class RunContent {
  /** Records collected. */
  size = 0;
  readonly #first: number;
  /** The terms, in the order in which they appear; two may have one key. */
  readonly #keys: TermKey[] = [];
  /** The terms of each record, and their records counted from the first. */
  #terms = new Uint32Array(ROOM);
  #places = new Uint32Array(ROOM);
  #count = 0;
  readonly #known = new Map<Dimension, Map<string, number>>();
  readonly #counts = new CountsBuilder();
  readonly #blocks: number[] = [];

  readonly #from: number;
  readonly #to: number;

  /**
   * @param first the run's first record
   * @param part the keys to collect, so that a long run can be gone through in less memory; counts come with the first. @default all
   */
  constructor(first: number, { index, of }: KeyPart = { index: 0, of: 1 }) {
    this.#first = first;
    this.#from = (index / of) * 2 ** 48;
    this.#to = ((index + 1) / of) * 2 ** 48;
  }

  add(block: Pick<Block, 'first' | 'count' | 'receivedAt' | 'lines'>): void {
    const place = block.first - this.#first;
    this.#blocks.push(block.first);
    for (const [index, line] of block.lines.entries()) {
      const dimensions = dimensionsOf(parseRecord(line));
      if (this.#from === 0) this.#counts.addRecord(block.receivedAt, dimensions);
      for (const [dimension, value] of dimensions) {
        this.#file(this.#term(dimension, value), place + index);
        if (dimension !== 'type') continue;
        for (const group of typeGroups(value)) this.#file(this.#term(dimension, group), place + index);
      }
    }
    this.size += block.count;
  }

  /** The terms with their records, in ascending order of keys, each once. */
  *terms(): Generator<readonly [TermKey, Spans], void, void> {
    const { starts, places } = this.#grouped();
    const order = this.#sorted();
    for (let i = 0; i < order.length; ) {
      const term = order[i] ?? 0;
      const key = this.#keys[term] ?? { high: 0, low: 0 };
      const spans: number[] = [];
      let end = i + 1;
      while (end < order.length && isSame(this.#keys[order[end] ?? 0], key)) end += 1;
      for (const place of end === i + 1
        ? places.subarray(starts[term], starts[term + 1])
        : merged(order.subarray(i, end)))
        pushSpan(spans, this.#first + place, this.#first + place + 1);
      yield [key, spans];
      i = end;
    }

    function merged(terms: Uint32Array): Iterable<number> {
      const all = [...terms].flatMap((term) => [...places.subarray(starts[term], starts[term + 1])]);
      return [...new Set(all)].sort((a, b) => a - b);
    }
  }

  /** What else the run's file holds. */
  extras(): RunExtras {
    return { counts: this.#counts.encode(), blocks: this.#blocks };
  }

  /** The records of each term: those of term t are `places[starts[t]]` to before `places[starts[t + 1]]`. */
  #grouped(): { readonly starts: Uint32Array; readonly places: Uint32Array } {
    const starts = new Uint32Array(this.#keys.length + 1);
    for (let i = 0; i < this.#count; i++)
      starts[(this.#terms[i] ?? 0) + 1] = (starts[(this.#terms[i] ?? 0) + 1] ?? 0) + 1;
    for (let t = 1; t < starts.length; t++) starts[t] = (starts[t] ?? 0) + (starts[t - 1] ?? 0);
    const next = starts.slice();
    const places = new Uint32Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      const term = this.#terms[i] ?? 0;
      const at = next[term] ?? 0;
      places[at] = this.#places[i] ?? 0;
      next[term] = at + 1;
    }
    return { starts, places };
  }

  /** The terms in the order of their keys. Keys are spread evenly, so that after their leading bits little is left to sort. */
  #sorted(): Uint32Array {
    const keys = this.#keys;
    const buckets = Math.min(MAX_BUCKETS, 2 ** Math.ceil(Math.log2(keys.length + 1)));
    const width = 2 ** 48 / buckets;
    const bucketOf = (term: number): number => Math.floor((keys[term]?.high ?? 0) / width);
    const next = new Uint32Array(buckets + 1);
    for (let term = 0; term < keys.length; term++) next[bucketOf(term) + 1] = (next[bucketOf(term) + 1] ?? 0) + 1;
    for (let b = 1; b <= buckets; b++) next[b] = (next[b] ?? 0) + (next[b - 1] ?? 0);
    const order = new Uint32Array(keys.length);
    for (let term = 0; term < keys.length; term++) {
      const bucket = bucketOf(term);
      const at = next[bucket] ?? 0;
      order[at] = term;
      next[bucket] = at + 1;
    }
    for (let b = 0, from = 0; b < buckets; b++) {
      const to = next[b] ?? 0;
      if (to - from > 1) order.subarray(from, to).sort((x, y) => compareAt(keys, x, y));
      from = to;
    }
    return order;
  }

  #term(dimension: Dimension, value: string): number {
    if (UNIQUE.has(dimension)) return this.#place(keyOf(dimension, value));
    let terms = this.#known.get(dimension);
    if (terms === undefined) {
      terms = new Map();
      this.#known.set(dimension, terms);
    }
    let term = terms.get(value);
    if (term === undefined) {
      term = this.#place(keyOf(dimension, value));
      terms.set(value, term);
    }
    return term;
  }

  /** Where a key is kept; -1 for one of another part. */
  #place(key: TermKey): number {
    return key.high >= this.#from && key.high < this.#to ? this.#keys.push(key) - 1 : -1;
  }

  #file(term: number, place: number): void {
    if (term < 0) return;
    if (this.#count === this.#terms.length) {
      this.#terms = widened(this.#terms);
      this.#places = widened(this.#places);
    }
    this.#terms[this.#count] = term;
    this.#places[this.#count++] = place;
  }
}

const isSame = (a: TermKey | undefined, b: TermKey): boolean => a !== undefined && a.high === b.high && a.low === b.low;

function compareAt(keys: readonly TermKey[], x: number, y: number): number {
  const [a, b] = [keys[x], keys[y]];
  return a === undefined || b === undefined ? 0 : a.high - b.high || a.low - b.low || x - y;
}

function widened(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(2 * array.length);
  wider.set(array);
  return wider;
}
