/**
 * Every code a {@link SealtrailError} can carry. Codes are stable: programs branch on them, people read the message.
 * The HTTP status of each code is decided in `lib/api/core/problem.ts`, in one table.
 */
export type ErrorCode =
  // Bytes that do not parse, or proofs that do not prove (lib/log, lib/verify).
  | 'malformed_record'
  | 'malformed_note'
  | 'malformed_checkpoint'
  | 'malformed_proof'
  | 'malformed_tile'
  | 'malformed_bundle'
  | 'malformed_key'
  | 'malformed_policy'
  | 'bad_signature'
  | 'bad_timestamp'
  | 'proof_mismatch'
  | 'not_witnessed'
  // What a caller sent (lib/event, lib/api).
  | 'invalid_json'
  | 'invalid_event'
  | 'invalid_parameter'
  | 'invalid_trail'
  | 'invalid_cursor'
  | 'empty_batch'
  | 'record_too_large'
  | 'batch_too_large'
  | 'unsupported_media_type'
  | 'method_not_allowed'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'idempotency_conflict'
  | 'rate_limited'
  // Stores and what runs on them (lib/store, lib/ledger, lib/followers).
  | 'archive_damaged'
  | 'clock_behind'
  | 'history_conflict'
  | 'in_use'
  | 'object_differs'
  | 'outcome_unknown'
  | 'records_archived'
  | 'store_corrupt'
  | 'store_full'
  | 'throttled'
  | 'unavailable'
  | 'signer_unavailable'
  // The command line.
  | 'usage'
  | 'internal';

/** Optional details of an error, besides its code and message. */
export interface ErrorDetail {
  /** The underlying error. Kept for logs, never shown to a remote caller. */
  readonly cause?: unknown;
  /** The input field at fault, as a JSON path such as `events[3].actor.id`, or a query parameter's name. */
  readonly field?: string;
  /** Seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfter?: number;
}

/**
 * The one error class of the project. The message says what happened and, if there is a remedy, what to do. It holds
 * no secrets, since it may reach a remote caller (except for the code `internal`).
 *
 * @example
 * throw new SealtrailError('malformed_tile', 'a full tile holds 8192 bytes, this one 8191');
 */
export class SealtrailError extends Error {
  override readonly name = 'SealtrailError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.field = detail.field;
    this.retryAfter = detail.retryAfter;
  }
}
