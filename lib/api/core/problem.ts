import { type ErrorCode, SealtrailError } from '../../log/error.ts';
import type { ApiResponse } from './http.ts';

/** The HTTP status of every code. Codes that only the inside can meet are 500: their words stay inside too. */
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
  bad_signature: 500,
  proof_mismatch: 500,
  usage: 500,
  internal: 500,
};

/** Whether a text from elsewhere is one of the codes. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(STATUS, text);

/** The one failure inside that is told as it is: whoever asks must know which object of the archive is not what was sealed. */
const TOLD: ErrorCode = 'archive_damaged';

/** What callers are told where the error's own words concern only the operator. */
const OUTSIDE: Partial<Record<ErrorCode, string>> = {
  store_full: 'the log cannot store anything at the moment: try again later',
  unavailable: 'the log is not available at the moment: try again',
  throttled: 'the log is busy: try again',
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

/** The statuses after which the same request may succeed, and is told when. */
const AGAIN = new Set([429, 503]);

/** RFC 9457 problem details, with our stable `code`. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  /** The input field or query parameter at fault. */
  readonly field?: string;
  /** By which the operator finds the cause in the log. */
  readonly requestId: string;
}

/** An error as an answer. Nothing internal gets out: of a 500 only the request's id is told. */
export function problemResponse(error: unknown, requestId: string, headers: Record<string, string> = {}): ApiResponse {
  const known =
    error instanceof SealtrailError ? error : new SealtrailError('internal', 'unexpected', { cause: error });
  const status = STATUS[known.code];
  const hidden = status === 500 && known.code !== TOLD;
  const detail = hidden
    ? 'something went wrong inside: the operator finds the cause under the request id'
    : (OUTSIDE[known.code] ?? known.message);
  const problem: Problem = {
    type: 'about:blank',
    title: TITLES[status] ?? 'Error',
    status,
    code: hidden ? 'internal' : known.code,
    detail,
    ...(known.field === undefined || hidden ? {} : { field: known.field }),
    requestId,
  };
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 401 ? { 'www-authenticate': 'AWS4-HMAC-SHA256' } : {}), // RFC 9110 section 15.5.2
      ...(AGAIN.has(status) ? { 'retry-after': String(Math.ceil(known.retryAfter ?? 1)) } : {}),
      ...headers,
    },
    body: `${JSON.stringify(problem)}\n`,
  };
}
