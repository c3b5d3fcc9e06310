import type { SealedRecord } from '../log/record.ts';
import { DIMENSIONS } from './dimensions.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES, type Severity } from './vocabulary.ts';

/** One value of a filter, or several alternatives. */
export type FilterValues = string | readonly string[];
/**
 * RFC 3339, a date such as `2026-01-31`, a local time such as `2026-01-31 08:00` or `08:00`, `today`, `yesterday`, `now`, a time
 * ago such as `2h` or `7d`, or Unix milliseconds. What has no offset of its own is of the time zone `tz`.
 */
export type FilterTime = string | number;

/** The filters of a query, besides time and number. */
export const FILTERS = [...DIMENSIONS, 'where', 'text'] as const;
/** One of {@link FILTERS}. */
export type Filter = (typeof FILTERS)[number];
/** The contrary of a filter: `notActor` selects exactly what `actor` does not. */
export type Negation<Name extends Filter = Filter> = Name extends Filter ? `not${Capitalize<Name>}` : never;
/** A filter or its contrary: the name of a parameter of the API. */
export type FilterName = Filter | Negation;

/** The contrary of a filter. */
export function negationOf<Name extends Filter>(name: Name): Negation<Name> {
  // The cast: TypeScript does not follow string operations.
  return `not${name.charAt(0).toUpperCase()}${name.slice(1)}` as Negation<Name>;
}

/** Every filter, then every contrary: `actor`, …, `notActor`, … */
export const FILTER_NAMES: readonly FilterName[] = [...FILTERS, ...FILTERS.map((name) => negationOf(name))];

const BASES = new Map<string, Filter>(
  FILTERS.flatMap((name) => [[name, name] as const, [negationOf(name), name] as const]),
);

/** The filter that a name is of, or is the contrary of; undefined for a name that this version does not know. */
export const filterOf = (name: string): Filter | undefined => BASES.get(name);

/** Filters. All of them must hold; of several values of one filter any, but every condition of `where`; of a contrary none. */
export type EventFilters = {
  /**
   * `*` at the beginning or the end of a value stands for any characters: `auth.*`, `*@example.com`; alone, for any value. `\\*` is
   * a star itself. What takes certain words only (`outcome`, `decision`, `actorType`) takes no `*`.
   */
  readonly [Name in FilterName as Exclude<Name, 'severity' | 'notSeverity'>]?: FilterValues | undefined;
} & {
  /** This severity or a higher one. */
  readonly severity?: Severity | undefined;
  /** Below this severity. */
  readonly notSeverity?: Severity | undefined;
};

/** Bounds in time and in number. */
export interface EventPeriods {
  /** Inclusive, by the server's clock. */
  readonly from?: FilterTime | undefined;
  /** Exclusive, by the server's clock. */
  readonly to?: FilterTime | undefined;
  /** Inclusive, by the producer's clock. */
  readonly timeFrom?: FilterTime | undefined;
  /** Exclusive, by the producer's clock. */
  readonly timeTo?: FilterTime | undefined;
  /** Record numbers: `7`, or `10..20` with both ends, of which one may be left out. */
  readonly seq?: string | number | undefined;
  /** The time zone of times without an offset, by its IANA name such as `Europe/Berlin`. @default UTC */
  readonly tz?: string | undefined;
}

/** Which records of a query come first. */
export const QUERY_ORDERS = ['newest', 'oldest'] as const;
/** One of {@link QUERY_ORDERS}. */
export type QueryOrder = (typeof QUERY_ORDERS)[number];

/** Formats of a query's response. */
export const QUERY_FORMATS = ['json', 'ndjson', 'csv'] as const;
/** One of {@link QUERY_FORMATS}. */
export type QueryFormat = (typeof QUERY_FORMATS)[number];

/** Maximum records in a page. */
export const MAX_LIMIT = 1000;
/** Default records in a page. */
export const DEFAULT_LIMIT = 100;
/** Maximum trails in one query. */
export const MAX_TRAILS = 32;

/** A query: `GET /v1/trails/{trail}/events`. */
export interface EventQuery extends EventFilters, EventPeriods {
  /** @default newest */
  readonly order?: QueryOrder | undefined;
  /** Records per page, up to {@link MAX_LIMIT}. @default {@link DEFAULT_LIMIT} */
  readonly limit?: number | undefined;
}

/** Help on every filter: for the command line and the API's description. */
export const FILTER_HELP: Readonly<Record<Filter | keyof EventPeriods, string>> = {
  type: 'type, an alias of one, or a group such as auth.*',
  actor: 'who acted',
  actorType: `kind of party: ${ACTOR_TYPES.join(', ')}`,
  ip: 'address that the actor acted from',
  userAgent: 'program that the actor acted with',
  resource: 'what was acted on, by id',
  resourceType: 'kind of thing that was acted on',
  tenant: 'customer',
  project: 'project, repository or workspace',
  session: 'session',
  request: 'request',
  correlation: 'correlation id',
  agent: 'agent',
  action: 'action, or the id of an action',
  approval: 'id of an approval',
  outcome: `outcome: ${OUTCOMES.join(', ')}`,
  severity: `this severity or a higher one: ${SEVERITIES.join(', ')}`,
  decision: `decision: ${DECISIONS.join(', ')}`,
  submitter: 'the principal that sent the event',
  id: "the event's id",
  where: 'condition on a field, such as "details.amount > 100": = != > >= < <= exists; every one must hold',
  text: 'text that stands in any text of the event, in upper or lower case',
  from: 'received at this time or later: RFC 3339, 2026-01-31, "2026-01-31 08:00", 08:00, today, yesterday, 2h, 7d, Unix milliseconds',
  to: 'received before this time',
  timeFrom: "happened at this time or later, by the producer's clock",
  timeTo: "happened before this time, by the producer's clock",
  seq: 'record numbers: 7, or 10..20 with both ends',
  tz: 'time zone of times without an offset, such as Europe/Berlin (default: UTC)',
};

/** The filters whose values may be masked in records: an agent may be named by an address. */
export const MASKED_FILTERS = ['actor', 'ip', 'resource', 'agent'] as const satisfies readonly Filter[];

/** A value of a filter that records hold in masked form. */
export interface Masked {
  readonly filter: (typeof MASKED_FILTERS)[number];
  /** As it was asked for. */
  readonly asked: string;
  /** As records hold it: with a tag that no one else has, where the log makes tags. */
  readonly as: string;
  /**
   * The mask without a tag, which others whose addresses look alike have as well. Present where records of the period, or of
   * the page, have it: they may be of someone else.
   */
  readonly shared?: string;
}

/**
 * Why an answer is empty:
 *
 * - `no_trail`: the trail has no record at all, so no event was ever sent to it, or its name is another
 * - `period_before`, `period_after`: the period ends before the trail's first record, or begins after its newest
 * - `period_empty`: there are records before and after the period (or the numbers), and none in it
 * - `no_such_value`: no record of the trail has a value that a filter asks for
 * - `none_passes`: every value is there, but no record of the period passes all filters
 */
export const ABSENCE_REASONS = [
  'no_trail',
  'period_before',
  'period_after',
  'period_empty',
  'no_such_value',
  'none_passes',
] as const;
/** One of {@link ABSENCE_REASONS}. */
export type AbsenceReason = (typeof ABSENCE_REASONS)[number];

/** One reason why an answer is empty. A part of the log that cannot be read is never one: that is an error. */
export interface Absence {
  readonly reason: AbsenceReason;
  readonly trail: string;
  /** The filter, and its value that no record has. */
  readonly filter?: FilterName;
  readonly value?: string;
  /** Values that are there and look alike. */
  readonly near?: readonly string[];
  /** Records of the trail. */
  readonly size: number;
  /** When its first and its newest record were received, Unix milliseconds. */
  readonly first?: number;
  readonly newest?: number;
}

/** The number of records from the hot store, and from the archive. */
export interface RecordSources {
  readonly hot: number;
  readonly archive: number;
}

/** A page of records in the API's JSON format. */
export interface QueryPage {
  readonly records: readonly SealedRecord[];
  readonly sources: RecordSources;
  /** Records that were looked at for the page: more than it has where the index does not carry a filter. */
  readonly scanned: number;
  /** The size of the trail that the page reflects. */
  readonly asOf: number;
  /** True if there are more pages. A page may be short without being the last. */
  readonly more: boolean;
  /** Values that the filters looked for in masked form; absent where there is none. */
  readonly masked?: readonly Masked[];
  /** Why there is no record, where there is none. */
  readonly absence?: readonly Absence[];
  readonly cursor?: string;
  /** That the page leaves nothing out, where it was asked for. */
  readonly proof?: AnswerProof;
}

/** The format of {@link AnswerProof}. */
export const ANSWER_FORMAT = 'sealtrail-answer/v1';

/** A proof that a page leaves nothing out, in plain JSON (docs/spec.md, "Proofs of answers"). Leaves are in base64, and so are hashes, one after the other. */
export interface AnswerProof {
  readonly format: typeof ANSWER_FORMAT;
  readonly trail: string;
  /** The filters as they were applied: with masked forms of what was asked for. */
  readonly filters: Readonly<Partial<Record<FilterName, readonly string[]>>>;
  /** Unix milliseconds; `from` and `to` by the server's clock, `timeFrom` and `timeTo` by the producer's. */
  readonly period: AnswerPeriod;
  /** The records `[from, to)`, of which the answer has every one that passes. */
  readonly range: { readonly from: number; readonly to: number };
  /** The numbers of the records in the answer, ascending. */
  readonly matches: readonly number[];
  /** Lines of records, ascending: those in the answer, those that could have been, and those on either side of a period. */
  readonly records: readonly string[];
  /** The signed checkpoint that they are under. */
  readonly checkpoint: string;
  /** That the records are under the checkpoint. */
  readonly proof: string;
  /** The index's proof about the records that are not shown; absent if all are shown. */
  readonly index?: IndexProof;
}

/** Bounds of a period. */
export interface AnswerPeriod {
  readonly from?: number;
  readonly to?: number;
  readonly timeFrom?: number;
  readonly timeTo?: number;
}

/** The index's part of a proof. */
export interface IndexProof {
  /** The signed checkpoint of the trail `_index`. */
  readonly checkpoint: string;
  /** The line of the record in `_index` that states the runs, and its audit path. */
  readonly record: string;
  readonly proof: string;
  /** Consecutive runs, from the one with the number `first` on, and that they are of the index. */
  readonly first: number;
  readonly runs: readonly string[];
  readonly runsProof: string;
  /** For each run. */
  readonly answers: readonly RunAnswer[];
}

/** A run's leaves under the terms of a query. */
export interface RunAnswer {
  /** For each indexed filter and each of its terms: its leaves. Without terms the filter rules out nothing. */
  readonly terms: readonly (readonly TermLeaves[])[];
  /** That all of these leaves are of the run. */
  readonly proof: string;
}

/** Consecutive leaves of a run: those of a term, and the ones on either side. */
export interface TermLeaves {
  /** The number of the first. */
  readonly first: number;
  readonly leaves: readonly string[];
}
