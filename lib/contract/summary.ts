import type { Dimension } from './dimensions.ts';
import type { Masked } from './query.ts';

/** The dimensions that summaries count by. */
export const COUNTED = [
  'type',
  'outcome',
  'severity',
  'actor',
  'resourceType',
  'tenant',
] as const satisfies readonly Dimension[];
/** One of {@link COUNTED}. */
export type Counted = (typeof COUNTED)[number];

/** Resolutions of a histogram: minutes, hours or days of UTC. */
export const BUCKETS = ['minute', 'hour', 'day'] as const;
/** One of {@link BUCKETS}. */
export type Bucket = (typeof BUCKETS)[number];

/** Units of time to count by. Weeks begin on Monday. */
export const UNITS = [...BUCKETS, 'week', 'month'] as const;
/** One of {@link UNITS}. */
export type Unit = (typeof UNITS)[number];

/** The spread of records over the values of a dimension. */
export interface Breakdown {
  /** Most records first, then by value. */
  readonly values: readonly { readonly value: string; readonly count: number }[];
  /** Number of different values, listed or not. */
  readonly distinct: number;
  /** Records with values that are not listed. */
  readonly others: number;
}

/** Records over time. */
export interface Histogram {
  readonly bucket: Bucket;
  /** Non-empty buckets, ascending; `from` in Unix milliseconds. */
  readonly counts: readonly { readonly from: number; readonly count: number }[];
}

/** Counts of a period, exact at any length. */
export interface Summary {
  /** By the server's clock, Unix milliseconds, inclusive. */
  readonly from?: number;
  /** Exclusive. */
  readonly to?: number;
  /** The trail's size, in records, at the time of the count. */
  readonly asOf: number;
  readonly total: number;
  /** A record that lacks a dimension is not in its breakdown. */
  readonly by: Readonly<Record<Counted, Breakdown>>;
  readonly histogram: Histogram;
}

/** Counts of one actor's records. */
export interface Activity {
  readonly actor: string;
  readonly from?: number;
  readonly to?: number;
  readonly total: number;
  readonly byType: Breakdown;
  readonly byOutcome: Breakdown;
  /** The actor's newest record. */
  readonly last?: { readonly seq: number; readonly receivedAt: number; readonly type: string };
  /** How records name the actor, where they are masked. Records under `shared` may be of others, and are not counted. */
  readonly masked?: Masked;
}
