import { SealtrailError } from '../../log/error.ts';
import type { Principal } from './principal.ts';

/** A request whose sender is known; the same from the embedded server and from a Lambda event. */
export interface ApiRequest {
  readonly method: string;
  /** Percent-encoded path, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By lower-case name, the first value. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array;
  readonly principal: Principal;
  /** Names the request in logs and in problem answers. */
  readonly requestId: string;
}

/** An answer. A stream's chunks are written as they come, with the reader's pace. */
export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
  /** By trail, how many records the answer shows: for the log's own record of who read what. Not sent. */
  readonly shown?: Readonly<Record<string, number>>;
}

/** An answer in JSON. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): ApiResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: `${JSON.stringify(value)}\n` };
}

/** An answer in plain text, such as a signed note. */
export function text(body: string, headers: Record<string, string> = {}): ApiResponse {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

/**
 * A query as it stands in a URL. URLSearchParams alone would replace what is no UTF-8, and the question would be another
 * one.
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
