import type { Frontier } from '../../log/frontier.ts';
import type { Hash } from '../../log/hash.ts';
import type { TrailInventory } from '../evidence/inventory.ts';
import type { TrustedKeys } from '../evidence/trust.ts';
import type { Problem, ProblemKind } from '../report/problem.ts';
import type { ObjectCounts, Span } from '../report/report.ts';
import type { TimelineCounts } from '../report/timeline.ts';
import type { HeadsSeen } from './head-records.ts';
import type { ActionsSeen } from './open-actions.ts';
import type { ProducersSeen } from './producer-order.ts';

/** The state that the records before a place hand on to those after it. */
export interface ChainState {
  /** Undefined where it cannot be known: a gap is before, and the tiles do not help. */
  readonly frontier: Frontier | undefined;
  /** Leaf hash of the record before; undefined where it cannot be known. */
  readonly leaf: Hash | undefined;
  /** When the newest record before was received, Unix milliseconds; undefined where it cannot be known. */
  readonly receivedAt: number | undefined;
}

/** A root that the records must give at a size, from another place than `checkpoints/`. */
export interface Claim {
  readonly size: number;
  readonly root: Hash;
  /** How the report calls it. */
  readonly object: string;
  /** `stated`: by a record of `_heads`. */
  readonly source: 'newest' | 'previous' | 'stated';
  /** True if a trusted key signed it. */
  readonly trusted: boolean;
}

/** A stretch of one trail to be verified. */
export interface ShardJob {
  readonly trail: string;
  readonly origin: string;
  /** Record numbers; `to` is exclusive. `from` is a multiple of 256. `to` is one too, or the end of the log. */
  readonly span: Span;
  /** Records in the log, as far as its newest checkpoint goes. */
  readonly size: number;
  /** True if no other job comes before. The record before then says nothing: it was not asked for. */
  readonly isFirst: boolean;
  /** True if no other job comes after. The segment at the end is then this job's to look at as a whole. */
  readonly isLast: boolean;
  /** The state before; absent: taken from the tiles, and to be compared with the end of the shard before. */
  readonly start?: ChainState;
  readonly inventory: TrailInventory;
  readonly oldest: ReadonlyMap<string, string>;
  readonly trust: TrustedKeys;
  /** Public keys of the archive in SubjectPublicKeyInfo DER. */
  readonly archiveKeys: readonly Uint8Array[];
  readonly claims: readonly Claim[];
  /** Of `_heads`, how many records a cosigned checkpoint covers. */
  readonly witnessed: number;
  /** Records whose times are wanted. */
  readonly timesAt: readonly number[];
  readonly segmentLimits: SegmentLimits;
}

/** Where the archive ends a segment although no checkpoint is there: when it is full. */
export interface SegmentLimits {
  readonly records: number;
  /** Of the lines with their line feeds. */
  readonly bytes: number;
}

/** A checkpoint whose root the records do not give. */
export interface Mismatch {
  readonly object: string;
  readonly size: number;
  readonly source: 'archived' | Claim['source'];
  /** The size of the last checkpoint before it whose root they do give; undefined: none in this span. */
  readonly after: number | undefined;
}

/** The result of a shard; plain data. */
export interface ShardResult {
  readonly span: Span;
  /** The state it began with; undefined fields are unknown. */
  readonly start: ChainState;
  readonly end: ChainState;
  /** When the first record was received; undefined where there is none. */
  readonly firstAt: number | undefined;
  readonly records: number;
  readonly bytes: number;
  readonly objects: ObjectCounts;
  readonly problems: readonly Problem[];
  readonly counts: Readonly<Partial<Record<ProblemKind, number>>>;
  /** Sizes of the trusted checkpoints whose root the records gave: the largest of all, and the largest before a gap. */
  readonly matched: number | undefined;
  readonly proven: number | undefined;
  /** The first record of which no line is left that fits. */
  readonly gap: number | undefined;
  readonly mismatches: readonly Mismatch[];
  /** Checkpoints by key ID that the key signed. */
  readonly signed: ReadonlyMap<number, number>;
  readonly timeline: TimelineCounts;
  readonly producers: ProducersSeen;
  readonly actions: ActionsSeen;
  /** Trails that the records say have begun: those of `_system` alone say so. */
  readonly begun: readonly string[];
  /** The statements of the records on heads and witnesses: those of `_heads` and `_system` alone say something. */
  readonly heads: HeadsSeen;
  /** When the records of this span were received whose times were wanted, Unix milliseconds. */
  readonly timedAt: ReadonlyMap<number, number>;
}
