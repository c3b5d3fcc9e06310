/** How much of a trail a verification looks at: what is new since the last good one, all of it, or certain records. */
export type VerificationMode = 'incremental' | 'full' | 'range';

/** Records by sequence number that somebody wants to have verified. */
export interface VerificationRange {
  /** Inclusive. @default 0 */
  readonly from?: number | undefined;
  /** Exclusive. @default the trail's end */
  readonly to?: number | undefined;
}

/** The same, with both ends. */
export interface VerifiedRange {
  readonly from: number;
  readonly to: number;
}

/** What somebody asks of a verification. */
export type VerificationRequest = Exclude<VerificationMode, 'range'> | VerificationRange;

/** How far a verification that was asked for has come. `failed`: it did not get through, so it says nothing of the trail. */
export const VERIFICATION_STATES = ['queued', 'running', 'done', 'failed'] as const;
export type VerificationState = (typeof VERIFICATION_STATES)[number];

/** A verification that was asked for, as it stands. */
export interface VerificationReply {
  readonly id: string;
  readonly trail: string;
  readonly state: VerificationState;
  /** What was asked for. */
  readonly request: VerificationRequest;
  /** The authenticated principal that asked, in full. */
  readonly requestedBy: string;
  /** Unix milliseconds. */
  readonly requestedAt: number;
  /** Records before `at` were looked at, of `of`. */
  readonly progress?: { readonly at: number; readonly of: number };
  /** Of one that is done. */
  readonly report?: VerificationReport;
  /** Of one that failed. `field`: of the request. */
  readonly error?: { readonly code: string; readonly message: string; readonly field?: string };
}

/**
 * What the verification of a hot ledger can find. The words are those of the archive's verification wherever the thing
 * is the same; docs/ledger-verification.md explains each.
 */
export const VERIFICATION_KINDS = [
  'missing_records',
  'overlapping_records',
  'malformed_block',
  'broken_chain',
  'time_reversed',
  'future_time',
  'head_mismatch',
  'root_mismatch',
  'rolled_back',
  'malformed_checkpoint',
  'misplaced_checkpoint',
  'wrong_origin',
  'bad_signature',
  'retired_key',
  'missing_checkpoint',
  'checkpoint_mismatch',
  'missing_tile',
  'malformed_tile',
  'tile_mismatch',
  'unreadable_tree',
  'damaged_bundle',
  'wrong_expiry',
  'unknown_object',
  'watermark_damaged',
  'unreadable',
] as const;
export type VerificationKind = (typeof VERIFICATION_KINDS)[number];

/** One finding. */
export interface VerificationProblem {
  readonly kind: VerificationKind;
  /** The first record concerned, 0-based; of a checkpoint or head, its size. */
  readonly seq?: number;
  /** The archive's object concerned. */
  readonly object?: string;
  /** One English sentence, at most 300 characters. */
  readonly message: string;
}

/** What a verification looked at and what it found. */
export interface VerificationReport {
  readonly trail: string;
  readonly mode: VerificationMode;
  /** What was asked for, where that was a range; what was looked at around it is in `from` and `to`. */
  readonly range?: VerifiedRange;
  /** `ok` holds for what was looked at, and for nothing that `notLookedAt` names. */
  readonly verdict: 'ok' | 'damaged';
  /** Records `from` to `to - 1` of the ledger were checked against themselves. */
  readonly from: number;
  readonly to: number;
  /** Of the archive what covers records `archivedFrom` to `archivedTo - 1` was compared with the ledger. */
  readonly archivedFrom: number;
  readonly archivedTo: number;
  /** Records whose blocks had left the hot store, as they were to: they were verified from the archive. */
  readonly expired: number;
  /** At most {@link MAX_PROBLEMS}. */
  readonly problems: readonly VerificationProblem[];
  /** How many there were besides those listed. */
  readonly moreProblems: number;
  /** One English sentence each. */
  readonly notLookedAt: readonly string[];
  /** The newest checkpoint that was found to be right; absent where there is none. */
  readonly checkpoint?: { readonly size: number; readonly note: string };
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** How long it took, milliseconds. */
  readonly ms: number;
}
