import { pushSpan, type Spans } from '../format/spans.ts';
import type { TermKey } from '../format/term.ts';

/** Most buckets that terms are sorted into by their leading bits. */
const MAX_BUCKETS = 65_536;
/** Terms of a bucket that are sorted by insertion. */
const FEW = 32;
/** Terms and records that there is room for at first. */
const ROOM = 1024;

/** One of equal parts of the keys that there may be. */
export interface KeyPart {
  readonly index: number;
  readonly of: number;
}

/** Terms, and the records that are filed under them: numbers in arrays of their own, as there are millions. */
export class TermList {
  /** The keys of the terms, in the order in which they appear; two may have one key. */
  #high = new Float64Array(ROOM);
  #low = new Float64Array(ROOM);
  #size = 0;
  /** Each entry's term, and its record's place in the run. */
  #terms = new Uint32Array(ROOM);
  #places = new Uint32Array(ROOM);
  #count = 0;
  readonly #from: number;
  readonly #to: number;

  /** @param part the keys to keep */
  constructor({ index, of }: KeyPart) {
    this.#from = (index / of) * 2 ** 48;
    this.#to = ((index + 1) / of) * 2 ** 48;
  }

  /** Adds a term. @returns its number; -1 for one of another part */
  add({ high, low }: TermKey): number {
    if (high < this.#from || high >= this.#to) return -1;
    if (this.#size === this.#high.length) {
      this.#high = widened(this.#high, Float64Array);
      this.#low = widened(this.#low, Float64Array);
    }
    this.#high[this.#size] = high;
    this.#low[this.#size] = low;
    return this.#size++;
  }

  /** Files the record at a place of the run under a term. */
  file(term: number, place: number): void {
    if (term < 0) return;
    if (this.#count === this.#terms.length) {
      this.#terms = widened(this.#terms, Uint32Array);
      this.#places = widened(this.#places, Uint32Array);
    }
    this.#terms[this.#count] = term;
    this.#places[this.#count++] = place;
  }

  /** The terms with their records, in ascending order of keys, each once. @param first the record at place 0 */
  *inOrder(first: number): Generator<readonly [TermKey, Spans], void, void> {
    const { starts, places } = this.#grouped();
    const order = this.#sorted();
    for (let i = 0; i < order.length; ) {
      const term = order[i] ?? 0;
      let end = i + 1;
      while (end < order.length && this.#compare(order[end] ?? 0, term) === 0) end += 1;
      const spans: number[] = [];
      if (end === i + 1) {
        for (let at = starts[term] ?? 0; at < (starts[term + 1] ?? 0); at++) {
          const seq = first + (places[at] ?? 0);
          pushSpan(spans, seq, seq + 1);
        }
      } else {
        const all = [...order.subarray(i, end)].flatMap((one) => [...places.subarray(starts[one], starts[one + 1])]);
        for (const place of [...new Set(all)].sort((a, b) => a - b)) pushSpan(spans, first + place, first + place + 1);
      }
      yield [{ high: this.#high[term] ?? 0, low: this.#low[term] ?? 0 }, spans];
      i = end;
    }
  }

  /** The records of each term: those of term t are `places[starts[t]]` to before `places[starts[t + 1]]`. */
  #grouped(): { readonly starts: Uint32Array; readonly places: Uint32Array } {
    const starts = new Uint32Array(this.#size + 1);
    const terms = this.#terms;
    for (let i = 0; i < this.#count; i++) increment(starts, (terms[i] ?? 0) + 1);
    for (let t = 1; t < starts.length; t++) starts[t] = (starts[t] ?? 0) + (starts[t - 1] ?? 0);
    const next = starts.slice();
    const places = new Uint32Array(this.#count);
    for (let i = 0; i < this.#count; i++) places[increment(next, terms[i] ?? 0)] = this.#places[i] ?? 0;
    return { starts, places };
  }

  /** The terms in the order of their keys. Keys are spread evenly, so that after their leading bits little is left to sort. */
  #sorted(): Uint32Array {
    const size = this.#size;
    const high = this.#high;
    const buckets = Math.min(MAX_BUCKETS, 2 ** Math.ceil(Math.log2(size + 1)));
    const width = (this.#to - this.#from) / buckets;
    const bucketOf = (term: number): number => Math.floor(((high[term] ?? 0) - this.#from) / width);
    const next = new Uint32Array(buckets + 1);
    for (let term = 0; term < size; term++) increment(next, bucketOf(term) + 1);
    for (let b = 1; b <= buckets; b++) next[b] = (next[b] ?? 0) + (next[b - 1] ?? 0);
    const order = new Uint32Array(size);
    for (let term = 0; term < size; term++) order[increment(next, bucketOf(term))] = term;
    for (let b = 0, from = 0; b < buckets; b++) {
      const to = next[b] ?? 0;
      this.#sortWithin(order, from, to);
      from = to;
    }
    return order;
  }

  /** Sorts the terms of a bucket. Choosing values whose keys share a bucket gains an attacker nothing. */
  #sortWithin(order: Uint32Array, from: number, to: number): void {
    if (to - from > FEW) {
      order.subarray(from, to).sort((a, b) => this.#compare(a, b) || a - b);
      return;
    }
    for (let i = from + 1; i < to; i++) {
      const term = order[i] ?? 0;
      let at = i;
      for (; at > from && this.#compare(order[at - 1] ?? 0, term) > 0; at--) order[at] = order[at - 1] ?? 0;
      order[at] = term;
    }
  }

  #compare(a: number, b: number): number {
    return (this.#high[a] ?? 0) - (this.#high[b] ?? 0) || (this.#low[a] ?? 0) - (this.#low[b] ?? 0);
  }
}

/** Adds 1 to a number of an array. @returns what it was */
function increment(array: Uint32Array, at: number): number {
  const before = array[at] ?? 0;
  array[at] = before + 1;
  return before;
}

function widened<T extends Float64Array | Uint32Array>(array: T, Type: new (length: number) => T): T {
  const wider = new Type(2 * array.length);
  wider.set(array);
  return wider;
}
