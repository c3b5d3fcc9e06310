import { type Dimension, dimensionsOf } from '../event/dimensions.ts';
import type { Block } from '../ledger/block.ts';
import { parseRecord } from '../log/record.ts';
import { CELLS, countRecord, emptyCounts, type Slice, UNIT_MS } from './indexer-counts.ts';
import { BLOCKS_FINGERPRINT, fingerprintOf, type Postings } from './indexer-postings.ts';

/**
 * The values under which a type is filed besides itself: the groups that a query for `auth.*` or `auth.mfa.*` asks
 * for. No type has a `*` in it.
 */
export function typeGroups(type: string): string[] {
  const groups: string[] = [];
  for (let dot = type.indexOf('.'); dot >= 0; dot = type.indexOf('.', dot + 1)) groups.push(`${type.slice(0, dot)}.*`);
  return groups;
}

/** Gathers what a run's records have in each dimension, block by block. */
export class RunContent {
  /** Records gathered. */
  size = 0;
  /** By fingerprint. Two values with one fingerprint share a list; readers look at the records anyway. */
  readonly #lists = new Map<number, number[]>();
  /** The lists again, by dimension and value, since most values come often and hashing is slow. */
  readonly #known = new Map<Dimension, Map<string, number[]>>();
  readonly #hours: Slice[] = [];

  add(block: Block): void {
    file(this.#list(BLOCKS_FINGERPRINT), block.first);
    const hour = this.#hour(Math.floor(block.receivedAt / UNIT_MS.hour));
    const minute = Math.floor(block.receivedAt / 60_000) % CELLS.hour;
    for (const [index, line] of block.lines.entries()) {
      const seq = block.first + index;
      const record = parseRecord(line);
      const dimensions = dimensionsOf(record);
      countRecord(hour.counts, minute, dimensions);
      for (const [dimension, value] of dimensions) {
        file(this.#listOf(dimension, value), seq);
        if (dimension === 'type') for (const group of typeGroups(value)) file(this.#listOf(dimension, group), seq);
      }
    }
    this.size += block.count;
  }

  /** In ascending order of fingerprints, each once. */
  *postings(): Generator<Postings, void, void> {
    for (const fingerprint of [...this.#lists.keys()].sort((a, b) => a - b)) {
      yield { fingerprint, seqs: this.#list(fingerprint) };
    }
  }

  /** In ascending order. */
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

  #listOf(dimension: Dimension, value: string): number[] {
    let values = this.#known.get(dimension);
    if (values === undefined) {
      values = new Map();
      this.#known.set(dimension, values);
    }
    let list = values.get(value);
    if (list === undefined) {
      list = this.#list(fingerprintOf(dimension, value));
      values.set(value, list);
    }
    return list;
  }

  #list(fingerprint: number): number[] {
    let list = this.#lists.get(fingerprint);
    if (list === undefined) {
      list = [];
      this.#lists.set(fingerprint, list);
    }
    return list;
  }
}

/** Records come in order, so one that is there already is the last. */
function file(seqs: number[], seq: number): void {
  if (seqs.at(-1) !== seq) seqs.push(seq);
}
