import { SealtrailError } from '../../log/error.ts';
import type { Principal } from './principal.ts';

/** An authenticated request, whether from the embedded server or from a Lambda event. */
export interface ApiRequest {
  readonly method: string;
  /** Percent-encoded path, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The first value of each header, by lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly principal: Principal;
  /** Identifies the request in logs and in problem responses. */
  readonly requestId: string;
}

/** A response. The chunks of a stream are written as they come, at the reader's pace. */
export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
  /** The number of records in the response by trail, for the log's own record of who read what. Not sent. */
  readonly shown?: Readonly<Record<string, number>>;
}

/** A JSON response. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): ApiResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: `${JSON.stringify(value)}\n` };
}

/** A plain text response, such as a signed note. */
export function text(body: string, headers: Record<string, string> = {}): ApiResponse {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

/**
 * Parses the query of a URL. URLSearchParams alone would replace invalid UTF-8 and thereby change the query.
 *
 * @throws `invalid_parameter`
 */
export function queryOf(query: string): URLSearchParams {
  try {
    if (query.includes('%')) decodeURIComponent(query);
  } catch (cause) {
    throw new SealtrailError('invalid_parameter', 'the query is not percent-encoded UTF-8', { field: 'query', cause });
  }
  return new URLSearchParams(query);
}
