import { type Dimension, dimensionsOf } from '../../contract/dimensions.ts';
import type { Block } from '../../ledger/items/block.ts';
import { parseRecord } from '../../log/record.ts';
import { CELLS, countRecord, emptyCounts, type Slice, UNIT_MS } from '../format/counts.ts';
import { BLOCKS_FINGERPRINT, fingerprintOf, type Postings } from '../format/postings.ts';

/**
 * The groups under which a type is indexed besides itself, for queries such as `auth.*` or `auth.mfa.*`. No type contains
 * a `*`.
 */
function typeGroups(type: string): string[] {
  const groups: string[] = [];
  for (let dot = type.indexOf('.'); dot >= 0; dot = type.indexOf('.', dot + 1)) groups.push(`${type.slice(0, dot)}.*`);
  return groups;
}

/** Entries are sorted as numbers: a 32-bit fingerprint above the place of a record in its run. */
const PLACES = 2 ** 21;
/** Dimensions whose values hardly ever repeat within a run, so that caching their fingerprints gains nothing. */
const UNIQUE: ReadonlySet<Dimension> = new Set(['id', 'request']);

/** Collects the dimension values of a run's records, block by block. */
export class RunContent {
  /** Records collected. */
  size = 0;
  /** The run's first record. */
  readonly #first: number;
  #entries = new Float64Array(4096);
  #count = 0;
  /** Cached fingerprints by dimension and value, since most values repeat and hashing is slow. */
  readonly #known = new Map<Dimension, Map<string, number>>();
  readonly #hours: Slice[] = [];

  constructor(first: number) {
    this.#first = first;
  }

  add(block: Block): void {
    const hour = this.#hour(Math.floor(block.receivedAt / UNIT_MS.hour));
    const minute = Math.floor(block.receivedAt / 60_000) % CELLS.hour;
    const place = block.first - this.#first;
    if (place + block.count > PLACES) throw new RangeError(`a run has at most ${PLACES} records`);
    this.#file(BLOCKS_FINGERPRINT, place);
    for (const [index, line] of block.lines.entries()) {
      const dimensions = dimensionsOf(parseRecord(line));
      countRecord(hour.counts, minute, dimensions);
      for (const [dimension, value] of dimensions) {
        this.#file(this.#fingerprint(dimension, value), place + index);
        if (dimension !== 'type') continue;
        for (const group of typeGroups(value)) this.#file(this.#fingerprint(dimension, group), place + index);
      }
    }
    this.size += block.count;
  }

  /** The postings in ascending order of fingerprints, each once. Two values with one fingerprint share their postings. */
  *postings(): Generator<Postings, void, void> {
    const entries = this.#entries.subarray(0, this.#count).sort();
    let fingerprint = -1;
    let seqs: number[] = [];
    let last = -1;
    for (const entry of entries) {
      // A record may have two values that share a fingerprint.
      if (entry === last) continue;
      last = entry;
      const next = Math.floor(entry / PLACES);
      if (next !== fingerprint) {
        if (fingerprint >= 0) yield { fingerprint, seqs };
        fingerprint = next;
        seqs = [];
      }
      seqs.push(this.#first + (entry - next * PLACES));
    }
    if (fingerprint >= 0) yield { fingerprint, seqs };
  }

  /** The hours in ascending order. */
  hours(): readonly Slice[] {
    return this.#hours;
  }

  #hour(at: number): Slice {
    const last = this.#hours.at(-1);
    if (last?.at === at) return last;
    const hour = { at, counts: emptyCounts(CELLS.hour) };
    this.#hours.push(hour);
    return hour;
  }

  #fingerprint(dimension: Dimension, value: string): number {
    if (UNIQUE.has(dimension)) return fingerprintOf(dimension, value);
    let values = this.#known.get(dimension);
    if (values === undefined) {
      values = new Map();
      this.#known.set(dimension, values);
    }
    let fingerprint = values.get(value);
    if (fingerprint === undefined) {
      fingerprint = fingerprintOf(dimension, value);
      values.set(value, fingerprint);
    }
    return fingerprint;
  }

  #file(fingerprint: number, place: number): void {
    if (this.#count === this.#entries.length) {
      const wider = new Float64Array(2 * this.#count);
      wider.set(this.#entries);
      this.#entries = wider;
    }
    this.#entries[this.#count++] = fingerprint * PLACES + place;
  }
}
