import { type ErrorCode, SealtrailError } from '../log/error.ts';

/** What to call an answer that carries no problem document of ours (a gateway's, say). */
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
  const problem = problemDocument(body);
  const fallback = CODE_BY_STATUS[response.status] ?? (response.status < 500 ? 'invalid_parameter' : 'internal');
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new SealtrailError(
    problem.code ?? fallback,
    problem.detail ?? problem.title ?? `the server answered ${response.status} ${response.statusText}`.trimEnd(),
    {
      ...(problem.field === undefined ? {} : { field: problem.field }),
      ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfter: seconds } : {}),
    },
  );
}

function problemDocument(body: Uint8Array): { code?: ErrorCode; detail?: string; title?: string; field?: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return {}; // A gateway's page of HTML: the status alone has to do.
  }
  if (typeof parsed !== 'object' || parsed === null) return {};
  const text = (name: string): string | undefined => {
    const value: unknown = Reflect.get(parsed, name);
    return typeof value === 'string' ? value : undefined;
  };
  const found: { code?: ErrorCode; detail?: string; title?: string; field?: string } = {};
  const [code, detail, title, field] = [text('code'), text('detail'), text('title'), text('field')];
  // A newer server may know codes that this union does not: they are passed on as they are, for programs to branch on.
  if (code !== undefined && /^[a-z_]{1,64}$/.test(code)) found.code = code as ErrorCode;
  if (detail !== undefined) found.detail = detail;
  if (title !== undefined) found.title = title;
  if (field !== undefined) found.field = field;
  return found;
}
