import type { ForwardFormat } from './settings.ts';

/** A record as a destination gets it. */
export interface ForwardedRecord {
  readonly seq: number;
  /** When it happened, by the producer's clock, or else when it was received. Unix milliseconds. */
  readonly time: number;
  /** In the destination's format: JSON, or a line of CEF. */
  readonly text: string;
}

/** That the records of a batch are in the log: what `sealtrail verify-stream` checks. */
export interface BatchProof {
  /** A signed checkpoint that covers them. */
  readonly checkpoint: string;
  /** Hashes in base64 that lead from the records to its root: see `lib/log/multiproof.ts`. */
  readonly hashes: readonly string[];
}

/** Consecutive records of a trail, as far as the destination's filter lets them pass. */
export interface Batch {
  /** The same whenever the same batch is sent again. */
  readonly id: string;
  readonly log: string;
  readonly trail: string;
  /** First record number that it covers. The batch before ended here, also where a filter left records out. */
  readonly from: number;
  /** The record number that the next batch begins with. */
  readonly to: number;
  readonly format: ForwardFormat;
  /** Of the destination; absent: every record is sent. */
  readonly filter?: Readonly<Record<string, string | readonly string[]>>;
  /** At least one, ascending. */
  readonly records: readonly ForwardedRecord[];
  readonly proof?: BatchProof;
}

/** A record that a destination will never take. */
export interface Refusal {
  readonly seq: number;
  /** Why, in one line. */
  readonly reason: string;
}

/** The outcome of sending a batch. */
export type Delivery =
  /** The destination has every record but the refused ones. */
  | { readonly is: 'taken'; readonly refused?: readonly Refusal[] }
  /** It will never take the batch as it is: at least one of its records is at fault, unless the destination is. */
  | { readonly is: 'refused'; readonly reason: string }
  /** Not now: the same batch is sent again. */
  | { readonly is: 'failed'; readonly reason: string; readonly retryAfterMs?: number | undefined };

/** Limits of a destination for one batch. */
export interface BatchLimits {
  readonly records: number;
  /** UTF-8 bytes of the records' texts together. */
  readonly bytes: number;
  /** Of one record's text. @default bytes */
  readonly recordBytes?: number;
}

/** Somewhere records are forwarded to. */
export interface Destination {
  readonly limits: BatchLimits;
  readonly format: ForwardFormat;
  /** True if batches come with proofs unless the settings say otherwise. */
  readonly proves: boolean;
  /**
   * Sends a batch. Sending one again must be harmless: it may have arrived.
   *
   * @param signal when aborted, the destination has had its time
   * @throws whatever keeps it from being sent, which counts as failed
   */
  send(batch: Batch, signal: AbortSignal): Promise<Delivery>;
}
