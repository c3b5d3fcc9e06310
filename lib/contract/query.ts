import type { SealedRecord } from '../log/record.ts';
import type { Dimension } from './dimensions.ts';
import { ACTOR_TYPES, DECISIONS, OUTCOMES, SEVERITIES, type Severity } from './vocabulary.ts';

/** One value of a filter, or several alternatives. */
export type FilterValues = string | readonly string[];
/** RFC 3339, a date of UTC such as `2026-01-31`, or Unix milliseconds. */
export type FilterTime = string | number;

/** Filters by dimension. All of them must hold. */
export type EventFilters = {
  /** `type` takes types, their aliases and groups such as `auth.*`. */
  readonly [Name in Exclude<Dimension, 'severity'>]?: FilterValues | undefined;
} & {
  /** This severity or a higher one. */
  readonly severity?: Severity | undefined;
};

/** Bounds in time. */
export interface EventPeriods {
  /** Inclusive, by the server's clock. */
  readonly from?: FilterTime | undefined;
  /** Exclusive, by the server's clock. */
  readonly to?: FilterTime | undefined;
  /** Inclusive, by the producer's clock. */
  readonly timeFrom?: FilterTime | undefined;
  /** Exclusive, by the producer's clock. */
  readonly timeTo?: FilterTime | undefined;
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
export const FILTER_HELP: Readonly<Record<Dimension | keyof EventPeriods, string>> = {
  type: 'type, an alias of one, or a group such as auth.*',
  actor: 'who acted',
  actorType: `kind of party: ${ACTOR_TYPES.join(', ')}`,
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
  from: 'received at this time or later (RFC 3339, a date of UTC, or Unix milliseconds)',
  to: 'received before this time',
  timeFrom: "happened at this time or later, by the producer's clock",
  timeTo: "happened before this time, by the producer's clock",
};

/** The filters whose values may be masked in records: an agent may be named by an address. */
export const MASKED_FILTERS = ['actor', 'resource', 'agent'] as const satisfies readonly Dimension[];

/** A value of a filter that records hold in masked form. */
export interface Masked {
  readonly filter: (typeof MASKED_FILTERS)[number];
  /** As it was asked for. */
  readonly asked: string;
  /** As records hold it: with a tag that nobody else has, where the log makes tags. */
  readonly as: string;
  /**
   * The mask without a tag, which others whose addresses look alike have as well. Present where records of the period, or of
   * the page, have it: they may be of somebody else.
   */
  readonly shared?: string;
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
  /** The size of the trail that the page reflects. */
  readonly asOf: number;
  /** Whether there are more pages. A page may be short without being the last. */
  readonly more: boolean;
  /** Values that the filters looked for in masked form; absent where there is none. */
  readonly masked?: readonly Masked[];
  readonly cursor?: string;
}
