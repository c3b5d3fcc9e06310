import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import type { ApiResponse } from './http.ts';

/** The HTTP status of every code. Internal codes map to 500, and their messages are never exposed. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid_json: 400,
  invalid_event: 400,
  invalid_parameter: 400,
  invalid_trail: 400,
  invalid_cursor: 400,
  empty_batch: 400,
  record_too_large: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  not_witnessed: 404,
  method_not_allowed: 405,
  idempotency_conflict: 409,
  records_archived: 409,
  batch_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  throttled: 503,
  unavailable: 503,
  store_full: 503,
  outcome_unknown: 503,
  signer_unavailable: 503,
  history_conflict: 503,
  archive_damaged: 500,
  clock_behind: 500,
  in_use: 500,
  object_differs: 500,
  store_corrupt: 500,
  malformed_record: 500,
  malformed_note: 500,
  malformed_checkpoint: 500,
  malformed_proof: 500,
  malformed_tile: 500,
  malformed_bundle: 500,
  malformed_key: 500,
  malformed_policy: 500,
  bad_signature: 500,
  bad_timestamp: 500,
  proof_mismatch: 500,
  usage: 500,
  internal: 500,
};

/** The HTTP status of a code. */
export const statusOf = (code: ErrorCode): number => STATUS[code];

/** True if a text is one of the codes. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(STATUS, text);

/** The one internal error whose message is exposed: the caller must learn which object of the archive is damaged. */
const EXPOSED: ErrorCode = 'archive_damaged';

/** Messages for callers, for errors whose own message concerns only the operator. */
const PUBLIC_MESSAGES: Partial<Record<ErrorCode, string>> = {
  store_full: 'the log cannot store anything at the moment: try again later',
  unavailable: 'the log is not available at the moment: try again',
  throttled: 'the log is busy: try again',
  // Callers must be able to tell it from an answer without records, and from a mistake in the program.
  store_corrupt: 'a part of the log cannot be read, so there is no answer: the operator finds which by the request id',
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The statuses after which a retry may succeed; they carry `Retry-After`. */
const RETRYABLE = new Set([429, 503]);

/** RFC 9457 problem details, with a stable `code`. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  /** The input field or query parameter at fault. */
  readonly field?: string;
  /** Lets the operator find the cause in the log. */
  readonly requestId: string;
}

/** Converts an error to a response. Exposes nothing internal: a 500 names the request's id, and that a part of the log is unreadable. */
export function problemResponse(error: unknown, requestId: string, headers: Record<string, string> = {}): ApiResponse {
  const known =
    error instanceof SealtrailError ? error : new SealtrailError('internal', 'unexpected', { cause: error });
  const status = STATUS[known.code];
  const hidden = status === 500 && known.code !== EXPOSED && PUBLIC_MESSAGES[known.code] === undefined;
  const detail = hidden
    ? 'internal error: the operator can find the cause by the request id'
    : (PUBLIC_MESSAGES[known.code] ?? known.message);
  const problem: Problem = {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    code: hidden ? 'internal' : known.code,
    detail,
    ...(known.field === undefined || status === 500 ? {} : { field: known.field }),
    requestId,
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': 'AWS4-HMAC-SHA256' } : {}), // RFC 9110 section 15.5.2
      ...(RETRYABLE.has(status) ? { 'retry-after': String(Math.ceil(known.retryAfter ?? 1)) } : {}),
      ...headers,
    },
    body: `${JSON.stringify(problem)}\n`,
  };
}
