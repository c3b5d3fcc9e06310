import type { Verifier } from '../../log/note.ts';
import type { Policy } from '../../log/policy.ts';
import type { Objects } from '../../store/ports.ts';
import type { Authorities } from '../../tsp/authorities.ts';
import type { WitnessedCheckpoint } from '../attested/witnessed.ts';
import type { TrustedKeys } from '../evidence/trust.ts';
import type { Findings } from '../report/findings.ts';
import type { Coverage, Skipped } from '../report/report.ts';
import type { TimelineCounts } from '../report/timeline.ts';
import type { JoinedHeads } from '../shards/head-records.ts';
import type { RunShard } from '../shards/join-shards.ts';
import type { Claim, SegmentLimits } from '../shards/shard-job.ts';

/** The input of a trail's verification besides its inventory. */
export interface TrailContext {
  readonly objects: Objects;
  readonly oldest: ReadonlyMap<string, string>;
  readonly trust: TrustedKeys;
  /** `<log name>/<trail>`. */
  readonly origin: string;
  /** Public keys that the archive holds for this trail. */
  readonly archiveKeys: readonly Verifier[];
  /** Key IDs of which the archive holds both files. */
  readonly keyFiles: ReadonlySet<string>;
  /** The records asked for, `to` exclusive or, where it is absent, the end; absent: all. */
  readonly range?: { readonly from: number; readonly to?: number };
  /** Roots that checkpoints kept elsewhere, or records of `_heads`, claim of this trail. */
  readonly previous: readonly Claim[];
  /** Who must have cosigned; absent: cosignatures are not judged. */
  readonly policy?: Policy;
  /** The first record without a cosigned head, whose time is wanted. */
  readonly timeAt?: number;
  /** Who may have issued the certificates of time-stamping services; absent: time-stamps are not judged. */
  readonly authorities?: Authorities;
  readonly segmentLimits: SegmentLimits;
  /** Into how many spans to cut the trail at most. */
  readonly parts: number;
  /** Called with the number of records to check, once it is known. */
  readonly onScope: (records: number) => void;
  readonly run: RunShard;
}

/** The result for a trail. */
export interface TrailOutcome {
  readonly coverage: Coverage;
  readonly findings: Findings;
  readonly skipped: readonly Skipped[];
  readonly timeline: TimelineCounts;
  /** Checkpoints by the ID of the key that signed them. */
  readonly signed: ReadonlyMap<number, number>;
  /** Names of the kept checkpoints that the trail does not extend. */
  readonly contradicted: ReadonlySet<string>;
  /** Trails that the records say have begun. */
  readonly begun: ReadonlySet<string>;
  /** The statements of the records on heads and witnesses. */
  readonly heads: JoinedHeads;
  /** Of `_heads`: the largest checkpoint that the policy's quorum cosigned. */
  readonly witnessed?: WitnessedCheckpoint;
  /** When the records were received whose times were wanted, Unix milliseconds. */
  readonly timedAt: ReadonlyMap<number, number>;
}
