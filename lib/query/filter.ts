import { DIMENSIONS, type Dimension, dimensionsOf } from '../contract/dimensions.ts';
import { MASKED_FILTERS, type Masked } from '../contract/query.ts';
import { SEVERITIES, type Severity } from '../contract/vocabulary.ts';
import { timeMillis } from '../event/time.ts';
import { fingerprintOf } from '../index/format/postings.ts';
import { parseRecord, type SealedRecord } from '../log/record.ts';
import { maskValue } from '../privacy/mask.ts';
import type { PrivacyPolicy } from '../privacy/policy.ts';
import type { Filters, Period } from './query.ts';

/** A severity and all higher ones: the values of a filter by severity. */
export const severitiesFrom = (severity: Severity): readonly Severity[] =>
  SEVERITIES.slice(SEVERITIES.indexOf(severity));

/** What of a policy queries need. */
export type MaskingPolicy = Pick<PrivacyPolicy, 'pii' | 'maskTag'>;

/** The masked forms of what is asked for: with the log's tag, and as before there were tags. */
function masksOf(filters: Filters, { pii, maskTag }: MaskingPolicy): readonly Masked[] {
  if (pii !== 'mask') return [];
  return MASKED_FILTERS.flatMap((filter) =>
    (filters[filter] ?? []).flatMap((asked) => {
      const as = maskValue(asked, maskTag);
      return as === asked ? [] : [{ filter, asked, as, shared: maskValue(asked) }];
    }),
  );
}

/** One filter: a record with any of the values passes. */
interface Clause {
  readonly dimension: Dimension;
  /** Whole values. */
  readonly values: ReadonlySet<string>;
  /** Prefixes, for `type` only: `auth.` for the group `auth.*`. */
  readonly beginnings: readonly string[];
  /** Substrings: a passing line contains at least one. */
  readonly needles: readonly string[];
  /** The fingerprints of the values in the index. */
  readonly fingerprints: readonly number[];
}

/** Decides which records pass a query's filters. */
export class RecordFilter {
  readonly #clauses: readonly Clause[];
  readonly #time: Period | undefined;
  readonly #masked: readonly Masked[];
  /** The filters as text: equal filters have equal text. */
  readonly text: string;

  /**
   * @param policy the trail's policy. If it masks, this matches both masked and plain values, since records may be older
   *   than the policy
   * @param masks `own`: not the masks without a tag, which may be of others, unless the policy makes no tags. @default all
   */
  constructor(filters: Filters, policy?: MaskingPolicy, masks: 'all' | 'own' = 'all') {
    this.#masked = policy === undefined ? [] : masksOf(filters, policy);
    this.#clauses = DIMENSIONS.flatMap((dimension) => {
      const values = filters[dimension];
      if (values === undefined) return [];
      const also = this.#masked.filter(({ filter }) => filter === dimension);
      const masked = also.flatMap(({ as, shared = as }) => (masks === 'own' ? [as] : [as, shared]));
      return [clauseOf(dimension, [...values, ...masked])];
    });
    this.#time = filters.time;
    this.text = JSON.stringify([
      ...this.#clauses.map(({ dimension, values, beginnings }) => [dimension, [...values].sort(), beginnings]),
      ...(this.#time === undefined ? [] : [['time', this.#time.from ?? null, this.#time.to ?? null]]),
    ]);
  }

  /** Whether it lets every record pass. */
  get isOpen(): boolean {
    return !this.isIndexed && this.#time === undefined;
  }

  /** Whether the index can narrow down the records. It does not cover the producer's clock. */
  get isIndexed(): boolean {
    return this.#clauses.length > 0;
  }

  /** The fingerprints of each filter's values. */
  get fingerprints(): readonly (readonly number[])[] {
    return this.#clauses.map((clause) => clause.fingerprints);
  }

  /** The whole values of a dimension that pass, including masked ones; empty if the dimension is not filtered. */
  valuesOf(wanted: Dimension): readonly string[] {
    return this.#clauses.flatMap(({ dimension, values }) => (dimension === wanted ? [...values] : []));
  }

  /** The values that it looks for in masked form. `isShared` tells whether there are records with a mask that others may have. */
  masked(isShared: (mask: string, filter: Masked['filter']) => boolean): readonly Masked[] {
    return this.#masked.map(({ shared = '', ...masked }) =>
      isShared(shared, masked.filter) ? { ...masked, shared } : masked,
    );
  }

  /** @throws `malformed_record` */
  accepts(line: string): boolean {
    // Lines are canonical (RFC 8785), so a value has only one form in them, and most lines need not be parsed.
    for (const { needles } of this.#clauses) if (!needles.some((needle) => line.includes(needle))) return false;
    return this.isOpen || this.acceptsRecord(parseRecord(line));
  }

  acceptsRecord(record: SealedRecord): boolean {
    if (this.#time !== undefined && !isWithin(record.event.time, this.#time)) return false;
    const dimensions = dimensionsOf(record);
    return this.#clauses.every(({ dimension, values, beginnings }) =>
      dimensions.some(
        ([name, value]) =>
          name === dimension && (values.has(value) || beginnings.some((beginning) => value.startsWith(beginning))),
      ),
    );
  }
}

/** Whether an event's `time` is in a period. A missing or invalid time never is. */
function isWithin(time: unknown, { from, to }: Period): boolean {
  const millis = typeof time === 'string' ? timeMillis(time) : undefined;
  return millis !== undefined && (from === undefined || millis >= from) && (to === undefined || millis < to);
}

function clauseOf(dimension: Dimension, all: readonly string[]): Clause {
  const isGroup = (value: string): boolean => dimension === 'type' && value.endsWith('.*');
  const values = new Set(all.filter((value) => !isGroup(value)));
  const beginnings = [...new Set(all.filter(isGroup))].map((group) => group.slice(0, -1)).sort();
  return {
    dimension,
    values,
    beginnings,
    needles: [...[...values].map((value) => JSON.stringify(value)), ...beginnings.map((beginning) => `"${beginning}`)],
    fingerprints: [...new Set(all)].map((value) => fingerprintOf(dimension, value)),
  };
}
