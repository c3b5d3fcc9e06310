/**
 * A fault of a copy:
 *
 * - `missing`: a number is not there, or no batch covers it
 * - `altered`: a record is not the one that was sealed
 * - `doubled`: a record is there more than once
 * - `unproven`: a record or a batch came without a proof
 * - `signature`: a checkpoint is not signed by a trusted key, or is of another log
 */
export type StreamFindingKind = 'missing' | 'altered' | 'doubled' | 'unproven' | 'signature';

/** One thing that is wrong with a copy. */
export interface StreamFinding {
  readonly kind: StreamFindingKind;
  /** The first record that it is about. */
  readonly seq: number;
  /** The last one, if it is about several. */
  readonly lastSeq?: number;
  readonly message: string;
}

/** The report on a receiver's copy of one trail. Plain JSON. */
export interface TrailStream {
  readonly trail: string;
  /** The log's name; absent where no batch is there. */
  readonly log?: string;
  /** First record number that the copy covers; `to` ends before. */
  readonly from: number;
  readonly to: number;
  readonly records: number;
  /** Records that are there more than once. */
  readonly repeated: number;
  readonly batches: number;
  /** True if a filter was at work: then no one can tell from the copy that nothing else should have passed. */
  readonly isFiltered: boolean;
  /** The newest checkpoint, with its keys' SHA-256 fingerprints. */
  readonly newest?: { readonly size: number; readonly root: string; readonly keys: readonly string[] };
  readonly findings: readonly StreamFinding[];
}

/** Findings that are listed of a trail. */
export const MAX_FINDINGS = 100;
