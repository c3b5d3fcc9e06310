/** A request without its body, as it came over the wire, with one byte in each character (latin1). */
export interface SignedHead {
  readonly method: string;
  /** Path and query exactly as sent. */
  readonly target: string;
  /** By lower-case name, every value in the order of arrival. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
}

/** Why a request is not taken. For our own log; the caller is told nothing. */
export interface Refusal {
  readonly ok: false;
  readonly reason: string;
}

/** The claim that the head of a request makes about its sender. Its form is checked, its signature is not. */
export interface Claim {
  readonly ok: true;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly accessKeyId: string;
  /** `YYYYMMDD`, of the credential scope and of the timestamp. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
  /** Lower-case names in the order of the Authorization header. Every one of them is there. */
  readonly signedHeaders: readonly string[];
  /** 32 bytes. */
  readonly signature: Buffer;
  /** `x-amz-content-sha256`, which the body must have. */
  readonly contentSha256: string | undefined;
}

/** How far a request's time may be from ours, either way, in milliseconds. API Gateway gives five minutes. */
const WINDOW_MS = 5 * 60_000;

/**
 * AWS, "Create a signed AWS API request", step 5. Names of headers are tokens (RFC 9110 section 5.6.2). Every quantifier
 * is followed by a character outside its class, so that no input is read more than once.
 */
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 +Credential=([\w.-]{1,128})\/(\d{8})\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request *, *SignedHeaders=([a-z0-9!#$%&'*+.^_`|~;-]{1,4096}) *, *Signature=([0-9a-f]{64})$/;

/** Headers that decide what is signed, by whom and when: with two of one, readers could differ on which counts. */
const SINGLE = ['authorization', 'host', 'x-amz-date', 'date', 'x-amz-content-sha256'];

/**
 * Headers that change what a request does, besides all of `x-amz-`. Were they free, someone on the way could have a
 * captured append done once more under a fresh idempotency key. A content type need not be signed (curl does not sign
 * the one it adds): with the body fixed it can only make a request fail.
 */
const SIGNED_IF_PRESENT = ['idempotency-key', 'prefer', 'content-encoding'];

/** Reads what a request's head claims. `now` is Unix milliseconds. */
export function claimOf(head: SignedHead, now: number): Claim | Refusal {
  const { method, target, headers } = head;
  for (const name of SINGLE) {
    if ((headers.get(name)?.length ?? 0) > 1) return refuse(`more than one ${name} header`);
  }
  const match = AUTHORIZATION.exec(headers.get('authorization')?.[0] ?? '');
  if (match === null) return refuse('no Authorization header of the expected form');
  const [, accessKeyId = '', date = '', region = '', service = '', list = '', signature = ''] = match;
  const signedHeaders = list.split(';');
  const timestamp = timestampOf(headers);
  if (timestamp === undefined) return refuse('no x-amz-date, or Date, of the expected form');
  const problem =
    timeProblem(timestamp, date, now) ?? signedProblem(signedHeaders, headers) ?? contentProblem(headers, target);
  if (problem !== undefined) return refuse(problem);
  const question = target.indexOf('?');
  return {
    ok: true,
    method,
    path: question < 0 ? target : target.slice(0, question),
    query: question < 0 ? '' : target.slice(question + 1),
    headers,
    accessKeyId,
    date,
    region,
    service,
    timestamp,
    signedHeaders,
    signature: Buffer.from(signature, 'hex'),
    contentSha256: headers.get('x-amz-content-sha256')?.[0],
  };
}

export const refuse = (reason: string): Refusal => ({ ok: false, reason });

/** The time that is part of what was signed: `x-amz-date`, or else `Date`, in the form of the string to sign. */
function timestampOf(headers: SignedHead['headers']): string | undefined {
  const given = headers.get('x-amz-date')?.[0];
  if (given !== undefined) return /^\d{8}T\d{6}Z$/.test(given) ? given : undefined;
  const date = headers.get('date')?.[0] ?? '';
  // IMF-fixdate of RFC 9110 section 5.6.7; botocore writes its zone as RFC 5322 section 3.3 does.
  if (!/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d (?:GMT|[+-]0000)$/.test(date)) return undefined;
  const at = new Date(date);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function timeProblem(timestamp: string, date: string, now: number): string | undefined {
  const iso = timestamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return 'the time does not exist';
  if (Math.abs(now - at) > WINDOW_MS) return `the request is ${Math.round((now - at) / 1000)} seconds old`;
  if (!timestamp.startsWith(date)) return 'the credential scope is of another day';
  return undefined;
}

function signedProblem(signedHeaders: readonly string[], headers: SignedHead['headers']): string | undefined {
  const signed = new Set(signedHeaders);
  if (signed.size !== signedHeaders.length) return 'a header is listed as signed twice';
  for (const name of signed) {
    if (!headers.has(name)) return `${name} is signed and missing`;
  }
  if (!signed.has('host')) return 'host is not signed';
  if (!headers.has('x-amz-date') && !signed.has('date')) return 'date is not signed';
  for (const name of headers.keys()) {
    if ((name.startsWith('x-amz-') || SIGNED_IF_PRESENT.includes(name)) && !signed.has(name)) {
      return `${name} is not signed`;
    }
  }
  return undefined;
}

function contentProblem(headers: SignedHead['headers'], target: string): string | undefined {
  if (headers.has('x-amz-security-token')) return 'a session token, where there are no sessions';
  const declared = headers.get('x-amz-content-sha256')?.[0];
  if (declared !== undefined && !/^[0-9a-f]{64}$/.test(declared)) return 'the body is not signed';
  // RFC 9112 section 3.2: what is meant for proxies (absolute form) or for a server as a whole (`*`) has no path here.
  return target.startsWith('/') ? undefined : 'the target is not a path';
}
