import type { Dimension } from '../contract/dimensions.ts';
import { FILTER_NAMES, type FilterName, MASKED_FILTERS, type Masked, negationOf } from '../contract/query.ts';
import { timeMillis } from '../contract/time.ts';
import { keyOf, type TermKey } from '../index/format/term.ts';
import { parseRecord, type SealedRecord } from '../log/record.ts';
import { maskValue } from '../privacy/mask.ts';
import type { PrivacyPolicy } from '../privacy/policy.ts';
import { patternOf } from '../question/patterns.ts';
import { indexedTerms } from '../question/terms.ts';
import { filterTest, folded, type RecordTest } from '../question/tests.ts';
import type { Filters, Period } from './query.ts';

/** The part of a policy that queries need. */
export type MaskingPolicy = Pick<PrivacyPolicy, 'pii' | 'maskTag'>;

/** The masked forms of what is asked for: with the log's tag, and as before there were tags. A pattern stands for what it says. */
function masksOf(filters: Filters, { pii, maskTag }: MaskingPolicy): (readonly [FilterName, Masked])[] {
  if (pii !== 'mask') return [];
  return MASKED_FILTERS.flatMap((filter) =>
    [filter, negationOf(filter)].flatMap((name) =>
      (filters[name] ?? []).flatMap((asked) => {
        const as = maskValue(asked, maskTag);
        const isSame = as === asked || patternOf(asked).kind !== 'whole';
        return isSame ? [] : [[name, { filter, asked, as, shared: maskValue(asked) }] as const];
      }),
    ),
  );
}

/** A filter that the index can narrow down: a record with any of the values passes. */
interface Clause {
  readonly dimension: Dimension;
  /** Whole values. */
  readonly values: readonly string[];
  /** Substrings: a passing line contains at least one. */
  readonly needles: readonly string[];
  /** The index keys of the values and groups. */
  readonly keys: readonly TermKey[];
}

/** Decides which records pass a query's filters. */
export class RecordFilter {
  /** Filters that the index carries. */
  readonly #clauses: readonly Clause[];
  /** Texts of `text`, folded; a passing line that is folded contains at least one of each list. */
  readonly #texts: readonly (readonly string[])[];
  /** All filters, also those of the clauses. */
  readonly #tests: readonly RecordTest[];
  readonly #time: Period | undefined;
  readonly #masked: readonly Masked[];
  /** All filters with their values, masked forms included. */
  readonly applied: readonly (readonly [FilterName, readonly string[]])[];
  /** The filters as text: equal filters have equal text. */
  readonly text: string;
  #examined = 0;

  /**
   * @param policy the trail's policy. If it masks, this matches both masked and plain values, since records may be older
   *   than the policy
   * @param masks `own`: not the masks without a tag, which may be of others, unless the policy makes no tags. @default all
   * @throws `invalid_parameter` for a value that its filter does not take
   */
  constructor(filters: Filters, policy?: MaskingPolicy, masks: 'all' | 'own' = 'all') {
    const found = policy === undefined ? [] : masksOf(filters, policy);
    this.#masked = found.map(([, masked]) => masked);
    const asked = FILTER_NAMES.flatMap((name) => {
      const values = filters[name];
      if (values === undefined) return [];
      const also = found.filter(([of]) => of === name);
      const masked = also.flatMap(([, { as, shared = as }]) => (masks === 'own' ? [as] : [as, shared]));
      return [[name, [...values, ...masked]] as const];
    });
    this.applied = asked;
    this.#clauses = asked.flatMap(([name, values]) => clauseOf(name, values));
    this.#texts = asked.flatMap(([name, values]) => (name === 'text' ? [values.map(needleOf).map(folded)] : []));
    this.#tests = asked.map(([name, values]) => filterTest(name, values));
    this.#time = filters.time;
    this.text = JSON.stringify([
      ...asked.map(([name, values]) => [name, [...new Set(values)].sort()]),
      ...(this.#time === undefined ? [] : [['time', this.#time.from ?? null, this.#time.to ?? null]]),
    ]);
  }

  /** The period by the producer's clock, if any. */
  get time(): Period | undefined {
    return this.#time;
  }

  /** True if it lets every record pass. */
  get isOpen(): boolean {
    return this.#tests.length === 0 && this.#time === undefined;
  }

  /** True if the index can narrow down the records. It covers whole values and groups of types, and not the producer's clock. */
  get isIndexed(): boolean {
    return this.#clauses.length > 0;
  }

  /** For each indexed filter, what its values are filed under in the index. */
  get keys(): readonly (readonly TermKey[])[] {
    return this.#clauses.map((clause) => clause.keys);
  }

  /** Record lines that {@link accepts} was asked about. */
  get examined(): number {
    return this.#examined;
  }

  /** The whole values of a dimension that pass, including masked ones; empty if the dimension is not filtered. */
  valuesOf(wanted: Dimension): readonly string[] {
    return this.#clauses.flatMap(({ dimension, values }) => (dimension === wanted ? values : []));
  }

  /** The values that it looks for in masked form. `isShared` tells whether there are records with a mask that others may have. */
  masked(isShared: (mask: string, filter: Masked['filter']) => boolean): readonly Masked[] {
    return this.#masked.map(({ shared = '', ...masked }) =>
      isShared(shared, masked.filter) ? { ...masked, shared } : masked,
    );
  }

  /** @throws `malformed_record` */
  accepts(line: string): boolean {
    this.#examined += 1;
    // Lines are canonical (RFC 8785), so a value has only one form in them, and most lines need not be parsed.
    for (const { needles } of this.#clauses) if (!needles.some((needle) => line.includes(needle))) return false;
    if (this.#texts.length > 0) {
      const all = folded(line);
      for (const texts of this.#texts) if (!texts.some((text) => all.includes(text))) return false;
    }
    return this.isOpen || this.acceptsRecord(parseRecord(line));
  }

  acceptsRecord(record: SealedRecord): boolean {
    if (this.#time !== undefined && !isWithin(record.event.time, this.#time)) return false;
    return this.#tests.every((test) => test(record));
  }
}

/** True if an event's `time` is in a period. A missing or invalid time never is. */
function isWithin(time: unknown, { from, to }: Period): boolean {
  const millis = typeof time === 'string' ? timeMillis(time) : undefined;
  return millis !== undefined && (from === undefined || millis >= from) && (to === undefined || millis < to);
}

/** The clause of a filter, if the index carries all of its values. */
function clauseOf(name: FilterName, asked: readonly string[]): Clause[] {
  const terms = indexedTerms(name, asked);
  if (terms === undefined) return [];
  const { dimension, values, groups } = terms;
  const needles = [...values.map((value) => JSON.stringify(value)), ...groups.map((group) => `"${group.slice(0, -1)}`)];
  return [{ dimension, values, needles, keys: [...values, ...groups].map((value) => keyOf(dimension, value)) }];
}

/** A text as it stands in JSON. */
const needleOf = (text: string): string => JSON.stringify(text).slice(1, -1);
