/** The scope of a verification: records since the last good one, the whole trail, or a range. */
export type VerificationMode = 'incremental' | 'full' | 'range';

/** A requested range of sequence numbers. */
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

/** A request for a verification. */
export type VerificationRequest = Exclude<VerificationMode, 'range'> | VerificationRange;

/** States of a requested verification. `failed`: it did not finish, which says nothing about the trail. */
export const VERIFICATION_STATES = ['queued', 'running', 'done', 'failed'] as const;
export type VerificationState = (typeof VERIFICATION_STATES)[number];

/** A requested verification and its state. */
export interface VerificationReply {
  readonly id: string;
  readonly trail: string;
  readonly state: VerificationState;
  /** The requested mode or range. */
  readonly request: VerificationRequest;
  /** The authenticated principal that requested it, in full. */
  readonly requestedBy: string;
  /** Unix milliseconds. */
  readonly requestedAt: number;
  /** Records before `at`, out of `of`, have been checked. */
  readonly progress?: { readonly at: number; readonly of: number };
  /** Present once it is done. */
  readonly report?: VerificationReport;
  /** Present if it failed. `field` is a field of the request. */
  readonly error?: { readonly code: string; readonly message: string; readonly field?: string };
}

/**
 * Kinds of findings in a hot ledger. They share their names with the archive's verification where they mean the same;
 * docs/ledger-verification.md explains each.
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
  /** The first record concerned, 0-based; for a checkpoint or head, its size. */
  readonly seq?: number;
  /** The archive's object concerned. */
  readonly object?: string;
  /** One English sentence, at most 300 characters. */
  readonly message: string;
}

/** The report of a verification. */
export interface VerificationReport {
  readonly trail: string;
  readonly mode: VerificationMode;
  /** The requested range, if any; `from` and `to` include the records checked around it. */
  readonly range?: VerifiedRange;
  /** The verdict on everything that was checked, which excludes all that `notLookedAt` lists. */
  readonly verdict: 'ok' | 'damaged';
  /** Records `from` to `to - 1` of the ledger were checked against themselves. */
  readonly from: number;
  readonly to: number;
  /** The archive of records `archivedFrom` to `archivedTo - 1` was compared with the ledger. */
  readonly archivedFrom: number;
  readonly archivedTo: number;
  /** Records whose blocks had left the hot store on schedule, and which were verified from the archive. */
  readonly expired: number;
  /** At most {@link MAX_PROBLEMS}. */
  readonly problems: readonly VerificationProblem[];
  /** The number of problems besides those listed. */
  readonly moreProblems: number;
  /** One English sentence each. */
  readonly notLookedAt: readonly string[];
  /** The newest checkpoint found valid, if any. */
  readonly checkpoint?: { readonly size: number; readonly note: string };
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Duration in milliseconds. */
  readonly ms: number;
}

/** Figures about the scheduled and full verifications of a trail, for alarms. Ranges do not count. */
export interface VerificationFigures {
  readonly runs: number;
  /** Runs that found damage. */
  readonly failures: number;
  /** When the last one began, Unix milliseconds; 0: never. */
  readonly lastRunAt: number;
  /** When the last one began that found nothing wrong, while no earlier damage was left; 0: never. */
  readonly lastOkAt: number;
}

/** The newest reports on a trail, and figures for alarms. */
export interface VerificationStatus extends VerificationFigures {
  readonly trail: string;
  /** Seconds since `lastOkAt`; absent if it is 0. */
  readonly secondsSinceOk?: number;
  /** When damage was found, unless a later full verification found it gone; Unix milliseconds. */
  readonly damagedAt?: number;
  /** The newest incremental or full report. */
  readonly report?: VerificationReport;
  /** The newest report on a range. */
  readonly rangeReport?: VerificationReport;
}
