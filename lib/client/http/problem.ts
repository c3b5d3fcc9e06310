import { type ErrorCode, SealtrailError } from '../../log/error.ts';

/** The error code of an answer without a problem document of ours (a gateway's, say). */
const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'idempotency_conflict',
  413: 'batch_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/**
 * Turns a problem document (RFC 9457 section 3.1), or whatever came in its place, into an error with the document's
 * `code`, `detail` and `field` and the seconds of `Retry-After`.
 */
export function problemOf(response: Response, body: Uint8Array): SealtrailError {
  const { status, statusText, headers } = response;
  const { code, detail, title, field } = membersOf(body);
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return new SealtrailError(
    // A newer server may know codes that this union does not: they are passed on as they are, for programs to branch on.
    code !== undefined && /^[a-z_]{1,64}$/.test(code)
      ? (code as ErrorCode)
      : (CODE_BY_STATUS[status] ?? (status < 500 ? 'invalid_parameter' : 'internal')),
    detail ?? title ?? `the server answered ${status} ${statusText}`.trimEnd(),
    {
      ...(field === undefined ? {} : { field }),
      ...(seconds >= 0 && seconds < Infinity ? { retryAfter: seconds } : {}),
    },
  );
}

/** The members of a problem document that are text. */
function membersOf(body: Uint8Array): Readonly<Record<string, string | undefined>> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    return Object.fromEntries(Object.entries(parsed ?? {}).filter(([, value]) => typeof value === 'string'));
  } catch {
    return {}; // A gateway's page of HTML: the status alone has to do.
  }
}
