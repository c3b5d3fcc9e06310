import type { Dimension } from './dimensions.ts';
import type { Absence, Masked } from './query.ts';

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

/** Which clock counts over time go by: the server's, when an event was received, or the producer's, when it happened. */
export const CLOCKS = ['received', 'happened'] as const;
/** One of {@link CLOCKS}. */
export type ClockName = (typeof CLOCKS)[number];

/** Records over time. */
export interface Histogram {
  readonly bucket: Bucket;
  /** @default received */
  readonly clock?: ClockName;
  /** The time zone of its days and hours. @default UTC */
  readonly tz?: string;
  /** Records without a time of their own, which are in no bucket of the producer's clock. */
  readonly undated?: number;
  /** Non-empty buckets, ascending; `from` in Unix milliseconds. */
  readonly counts: readonly { readonly from: number; readonly count: number }[];
}

/** Records by the values of fields that were asked for. */
export interface Groups {
  /** Dimensions, units of time, and paths such as `details.reason`. */
  readonly fields: readonly string[];
  /**
   * A value of each field with the records that have them all; null for those that lack the field, and the first moment of a
   * unit of time, as RFC 3339. By time where there is a unit of time, else most records first. A record with several values of a
   * field is in several groups.
   */
  readonly rows: readonly { readonly values: readonly (string | null)[]; readonly count: number }[];
  /** Number of different groups, listed or not. */
  readonly distinct: number;
  /** Records of groups that are not listed. */
  readonly others: number;
}

/** Maximum fields to group by. */
export const MAX_GROUP_FIELDS = 4;

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
  /** Present where fields were asked for. */
  readonly groups?: Groups;
  /** Values that the filters looked for in masked form; absent where there is none. */
  readonly masked?: readonly Masked[];
  /** Why nothing was counted, where nothing was. */
  readonly absence?: readonly Absence[];
  /** Records that were looked at. Absent where the index's counts were enough. */
  readonly scanned?: number;
  /** True if this counts a part of the records only: the rest is counted with the cursor, and the parts add up. */
  readonly more?: boolean;
  readonly cursor?: string;
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
  /** Why there is no record of the actor, where there is none. */
  readonly absence?: readonly Absence[];
}
