import { randomUUID } from 'node:crypto';
import { asError } from '../event/sink.ts';
import { readableHeaders } from '../http/headers.ts';
import type { AuditCalls, Fields } from '../logger/calls.ts';

/** How calls are audited. */
export interface AuditedFetchOptions {
  /** The function that makes the calls. @default the global `fetch`, as it is at each call */
  readonly fetch?: typeof fetch;
  /** For every event of a call, such as its `actor`. */
  readonly fields?: Fields;
  /** Called when an event cannot be logged, which never disturbs the call. @default a warning of the process */
  readonly onError?: (error: Error) => void;
}

/**
 * A `fetch` that logs each call and changes nothing about it: the same answer, the same errors, bodies untouched.
 *
 * | event | when |
 * |---|---|
 * | `http.submitted` | before the call |
 * | `http.succeeded` | any status below 400 |
 * | `http.rate_limited` | 429, with `details.retryAfter` as the server wrote it |
 * | `http.failed` | any other status, or no answer, with `details.error` |
 *
 * Events of one call share `details.call`. They hold method, URL without query values, headers without secrets, and
 * the sizes of bodies in bytes where they are known without reading them; `details.durationMs` ends with the answer's headers.
 *
 * @example
 * const fetch = auditedFetch(audit, { fields: { actor: { id: 'billing', type: 'service' } } });
 * const answer = await fetch('https://api.example.com/v1/invoices', { method: 'POST', body: '{}' });
 */
export function auditedFetch(audit: Pick<AuditCalls, 'log'>, options: AuditedFetchOptions = {}): typeof fetch {
  const { fields = {}, onError = (error) => process.emitWarning(error) } = options;
  return async (input, init) => {
    const note = (type: string, event: Fields, details: object): void => {
      try {
        audit.log({ ...fields, ...event, type, details: { ...fields.details, ...call, ...details } });
      } catch (error) {
        onError(asError(error));
      }
    };
    const call = { call: randomUUID(), ...described(input, init) };
    note('http.submitted', {}, requested(input, init));
    const start = performance.now();
    const durationMs = (): number => Math.round((performance.now() - start) * 1000) / 1000;
    try {
      const answer = await (options.fetch ?? globalThis.fetch)(input, init);
      const { type, event } = judged(answer.status);
      note(type, event, { durationMs: durationMs(), ...answered(answer) });
      return answer;
    } catch (error) {
      note('http.failed', { severity: 'error', outcome: 'error' }, { durationMs: durationMs(), error: named(error) });
      throw error;
    }
  };
}

function judged(status: number): { readonly type: string; readonly event: Fields } {
  if (status < 400) return { type: 'http.succeeded', event: { outcome: 'success' } };
  if (status === 429) return { type: 'http.rate_limited', event: { outcome: 'blocked', severity: 'warning' } };
  if (status >= 500) return { type: 'http.failed', event: { outcome: 'error', severity: 'error' } };
  const outcome = status === 401 || status === 403 ? 'denied' : 'failure';
  return { type: 'http.failed', event: { outcome, severity: 'warning' } };
}

function described(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): object {
  const method = init?.method ?? (input instanceof Request ? input.method : 'GET');
  const text = input instanceof Request ? input.url : input instanceof URL ? input.href : input;
  // It might be anything, a secret too: fetch itself is about to say so.
  if (typeof text !== 'string' || !URL.canParse(text)) return { method, url: '[not a URL]' };
  const { origin, pathname, searchParams } = new URL(text);
  const parameters = [...new Set(searchParams.keys())];
  return { method, url: `${origin}${pathname}`, ...(parameters.length === 0 ? {} : { parameters }) };
}

function requested(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): object {
  try {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
    return { headers: readableHeaders(headers), requestBytes: sizeOf(init?.body) ?? length(headers) };
  } catch {
    return {}; // Headers that no request can have.
  }
}

function answered({ status, headers }: Response): object {
  return {
    status,
    headers: readableHeaders(headers),
    responseBytes: length(headers),
    retryAfter: headers.get('retry-after') ?? undefined,
  };
}

/** Bytes of a body, if known without reading it. */
function sizeOf(body: RequestInit['body'] | undefined): number | undefined {
  if (typeof body === 'string') return Buffer.byteLength(body);
  if (body instanceof URLSearchParams) return Buffer.byteLength(String(body));
  if (body instanceof Blob) return body.size;
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return body.byteLength;
  return undefined;
}

function length(headers: Headers): number | undefined {
  const text = headers.get('content-length');
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Not the error itself: what belongs to it may hold the request, with its secrets. */
function named(thrown: unknown): object {
  const { name, message, cause } = asError(thrown);
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return { name, message, code };
}
