import type { Dimension } from '../../contract/dimensions.ts';
import { CountsBuilder, isCounted } from '../format/run-counts.ts';
import { keyOf, typeGroups } from '../format/term.ts';
import type { TermList } from './term-list.ts';

/** Dimensions whose values hardly ever repeat within a run, so that remembering them gains nothing. */
const UNIQUE: ReadonlySet<Dimension> = new Set(['id', 'request']);

/** A value of a dimension, as a run's records have it. */
interface KnownValue {
  readonly value: string;
  /** Its terms: itself, and the groups of a type. */
  readonly terms: readonly number[];
  /** Its place among the counted values. */
  readonly place: number | undefined;
}

/** The values of one dimension. */
interface Column {
  readonly values: Map<string, KnownValue> | undefined;
  /** The value of the last record that had one: most records have many values in common with the one before. */
  last: KnownValue | undefined;
}

/** Files the values of records under their terms, and counts them. */
export class TermColumns {
  readonly counts = new CountsBuilder();
  readonly #list: TermList;
  readonly #counts: boolean;
  readonly #columns = new Map<Dimension, Column>();

  /** @param counts whether to count, too */
  constructor(list: TermList, counts: boolean) {
    this.#list = list;
    this.#counts = counts;
  }

  /** Files the record at a place of the run under a value. */
  add(place: number, dimension: Dimension, value: string): void {
    let column = this.#columns.get(dimension);
    if (column === undefined) {
      column = { values: UNIQUE.has(dimension) ? undefined : new Map(), last: undefined };
      this.#columns.set(dimension, column);
    }
    const { values } = column;
    if (values === undefined) {
      this.#list.file(this.#list.add(keyOf(dimension, value)), place);
      return;
    }
    let known = column.last;
    if (known === undefined || known.value !== value) {
      known = values.get(value);
      if (known === undefined) {
        known = this.#know(dimension, value);
        values.set(value, known);
      }
      column.last = known;
    }
    for (const term of known.terms) this.#list.file(term, place);
    if (known.place !== undefined) this.counts.count(known.place);
  }

  #know(dimension: Dimension, value: string): KnownValue {
    const named = dimension === 'type' ? [value, ...typeGroups(value)] : [value];
    return {
      value,
      terms: named.map((name) => this.#list.add(keyOf(dimension, name))),
      place: this.#counts && isCounted(dimension) ? this.counts.placeOf(dimension, value) : undefined,
    };
  }
}
