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
  readonly body: string | Uint8Array | AsyncIterable<string>;
}

/** An answer in JSON. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): ApiResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: `${JSON.stringify(value)}\n` };
}

/** An answer in plain text, such as a signed note. */
export function text(body: string, headers: Record<string, string> = {}): ApiResponse {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}
