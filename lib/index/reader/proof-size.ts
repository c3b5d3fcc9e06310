import { HASH_BYTES } from '../../log/hash.ts';
import type { Spans } from '../format/spans.ts';

/**
 * Bytes of a proof, besides the lines of its records: what a page of few records takes at most, about, and what each record more may
 * add. A page whose proof would be longer ends early.
 */
const MAX_BYTES = 37_000;
const FEW_RECORDS = 25;
const RECORD_BYTES = 700;
/** Checkpoints, the statement of the index, and what else each proof has. */
const FIXED_BYTES = 2800;
/** The line of a run, and what else each run has. */
const RUN_BYTES = 260;
/** The leaves on either side of a term, which hold a number or two. */
const BESIDE_BYTES = 60;
/** A leaf of a long list, in base64: at the edge of a window one may be shown for few numbers. */
const LEAF_BYTES = 720;
const BASE64 = 4 / 3;

const hashes = (count: number): number => Math.max(0, count) * HASH_BYTES * BASE64;
/** The height of a tree of so many leaves. */
const height = (size: number): number => Math.ceil(Math.log2(Math.max(1, size)));

/** Estimates how long a proof gets, while it is made. */
export class ProofSize {
  readonly #size: number;
  readonly #max: number;
  #bytes = FIXED_BYTES;
  #last: number | undefined;
  /** True if lists are gone on with, so that their edges were counted. */
  #isWithin = false;

  /**
   * @param size of the tree that the records are in
   * @param limit records of the answer at most
   */
  constructor(size: number, limit: number) {
    this.#size = size;
    this.#max = MAX_BYTES + Math.max(0, limit - FEW_RECORDS) * RECORD_BYTES;
  }

  get isFull(): boolean {
    return this.#bytes > this.#max;
  }

  /** Counts a run that has nothing to show. @returns false, and counts nothing, if it does not fit and need not */
  addRun(leaves: number, terms: number, mayEnd: boolean): boolean {
    // The paths of a run's terms have their uppermost nodes in common.
    const paths = terms * (height(leaves) + 1) - (terms - 1) * Math.min(height(leaves), height(terms));
    const bytes = RUN_BYTES + hashes(paths) + terms * BESIDE_BYTES;
    if (mayEnd && this.#bytes + bytes > this.#max) return false;
    this.#bytes += bytes;
    this.#isWithin = false;
    return true;
  }

  hasRoomFor(lists: readonly Spans[], window: readonly [number, number]): boolean {
    return this.#bytes + this.#bytesOf(lists, window) <= this.#max;
  }

  /** Counts the leaves that hold lists of a window. */
  add(lists: readonly Spans[], window: readonly [number, number]): void {
    this.#bytes += this.#bytesOf(lists, window);
    this.#isWithin = true;
  }

  /** Counts a record's path, next to that of the record before. */
  addRecord(seq: number): void {
    const last = this.#last;
    this.#last = seq;
    // Where the two paths meet, each had a hash that stood for the other: the new one takes what is below that.
    const levels = height(last === undefined ? this.#size : Math.abs(seq - last) + 1) - (last === undefined ? 0 : 1);
    this.#bytes += hashes(levels);
  }

  #bytesOf(lists: readonly Spans[], [from]: readonly [number, number]): number {
    return lists.reduce((sum, spans) => {
      const body = bodyBytes(spans, from) * BASE64;
      return sum + body + (this.#isWithin || spans.length === 0 ? 0 : Math.min(LEAF_BYTES, 2 * body));
    }, 0);
  }
}

/** Bytes that spans take in leaves, about: see `Leaf`. */
function bodyBytes(spans: Spans, base: number): number {
  let bytes = 0;
  let edge = base;
  for (let i = 0; i < spans.length; i += 2) {
    const [from, to] = [spans[i] ?? 0, spans[i + 1] ?? 0];
    const gap = from - edge;
    bytes += (gap < 64 ? 1 : gap < 8192 ? 2 : 3) + (to - from > 1 ? 1 : 0);
    edge = to;
  }
  return bytes;
}
