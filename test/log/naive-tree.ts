import { createHash } from 'node:crypto';

/**
 * RFC 6962 section 2.1 word by word: slow, recursive and with nothing in common with lib/log. Hashes are hex, so that they
 * compare as text.
 */
export class NaiveTree {
  readonly leaves: readonly string[];
  readonly #known = new Map<string, string>();

  /** @param leaves leaf hashes in hex */
  constructor(leaves: readonly string[]) {
    this.leaves = leaves;
  }

  /** MTH(D[from:to]), section 2.1. */
  root(from: number, to: number): string {
    const key = `${from}-${to}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const root = this.#compute(from, to);
    this.#known.set(key, root);
    return root;
  }

  #compute(from: number, to: number): string {
    const n = to - from;
    if (n === 0) return createHash('sha256').digest('hex');
    if (n === 1) return String(this.leaves[from]);
    const k = largestPowerBelow(n);
    const [left, right] = [this.root(from, from + k), this.root(from + k, to)];
    return createHash('sha256')
      .update(Buffer.from(`01${left}${right}`, 'hex'))
      .digest('hex');
  }

  /** The hash of a complete subtree, `level` levels above the leaves. */
  node(level: number, index: number): Buffer {
    const width = 2 ** level;
    const end = (index + 1) * width;
    if (end > this.leaves.length) throw new RangeError(`no node ${level}/${index}`);
    return Buffer.from(this.root(index * width, end), 'hex');
  }

  /** The root of the first `size` leaves. */
  rootAt(size: number): Buffer {
    return Buffer.from(this.root(0, size), 'hex');
  }

  /** The bytes of a hash tile (C2SP tlog-tiles). */
  tile(level: number, index: number, width: number): Buffer {
    return Buffer.concat(Array.from({ length: width }, (_, i) => this.node(8 * level, index * 256 + i)));
  }

  /** PATH(m, D[from:to]), section 2.1.1; m counts from `from`. */
  path(m: number, from: number, to: number): string[] {
    const n = to - from;
    if (n === 1) return [];
    const k = largestPowerBelow(n);
    if (m < k) return [...this.path(m, from, from + k), this.root(from + k, to)];
    return [...this.path(m - k, from + k, to), this.root(from, from + k)];
  }

  /** PROOF(m, D[0:n]), section 2.1.2, for 0 < m <= n. */
  consistency(m: number, n: number): string[] {
    return this.#subproof(m, 0, n, true);
  }

  #subproof(m: number, from: number, to: number, b: boolean): string[] {
    const n = to - from;
    if (m === n) return b ? [] : [this.root(from, to)];
    const k = largestPowerBelow(n);
    if (m <= k) return [...this.#subproof(m, from, from + k, b), this.root(from + k, to)];
    return [...this.#subproof(m - k, from + k, to, false), this.root(from, from + k)];
  }

  /** The project's range proof (docs/spec.md, Range proofs), for the leaves [first, end) of the tree of `size`. */
  range(first: number, end: number, from: number, to: number): string[] {
    if (first <= from && to <= end) return [];
    const k = largestPowerBelow(to - from);
    const middle = from + k;
    if (end <= middle) return [...this.range(first, end, from, middle), this.root(middle, to)];
    if (first >= middle) return [...this.range(first, end, middle, to), this.root(from, middle)];
    return [...this.range(first, end, from, middle), ...this.range(first, end, middle, to)];
  }
}

/** k of section 2.1: the largest power of two smaller than n, for n > 1. */
function largestPowerBelow(n: number): number {
  return 2 ** (Math.ceil(Math.log2(n)) - 1);
}

/** A tree over leaf hashes in bytes. */
export const treeOf = (leaves: readonly Uint8Array[]): NaiveTree =>
  new NaiveTree(leaves.map((leaf) => Buffer.from(leaf).toString('hex')));

/** Different leaf hashes, in hex. */
export const naiveLeaves = (count: number, text = 'leaf'): string[] =>
  Array.from({ length: count }, (_, i) => createHash('sha256').update(`\0${text} ${i}`).digest('hex'));
