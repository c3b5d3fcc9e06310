import type { Dimension } from './dimensions.ts';
import type { Severity } from './vocabulary.ts';

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

/** Formats of a query's answer. */
export const QUERY_FORMATS = ['json', 'ndjson', 'csv'] as const;
/** One of {@link QUERY_FORMATS}. */
export type QueryFormat = (typeof QUERY_FORMATS)[number];

/** Most records in a page. */
export const MAX_LIMIT = 1000;
/** Records in a page by default. */
export const DEFAULT_LIMIT = 100;
/** Most trails in one query. */
export const MAX_TRAILS = 32;

/** A query: `GET /v1/trails/{trail}/events`. */
export interface EventQuery extends EventFilters, EventPeriods {
  /** @default newest */
  readonly order?: QueryOrder | undefined;
  /** Records per page, up to {@link MAX_LIMIT}. @default {@link DEFAULT_LIMIT} */
  readonly limit?: number | undefined;
}

/** How many records of an answer came from the hot store, and how many from the archive. */
export interface RecordSources {
  readonly hot: number;
  readonly archive: number;
}
