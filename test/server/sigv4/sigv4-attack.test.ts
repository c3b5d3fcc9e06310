import { describe, expect, it } from 'vitest';
import { SignatureVerifier, type Verdict } from '../../../lib/server/sigv4/sigv4.ts';
import { authorize, KEY_ID, SECRET, stamp, type ToSign } from '../signer.ts';

/** What is promised: exactly what the holder of the secret signed passes, within five minutes, and nothing else. */

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const HOST = { host: 'localhost:8321' };
const HEADERS = { ...HOST, 'x-amz-date': stamp(NOW) };
const PATH = '/v1/trails/orders/events';

interface Sent {
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

const verifier = new SignatureVerifier((id) => (id === KEY_ID ? SECRET : undefined), { now: () => NOW });

/** Signs one request and sends another, or the same. */
function attempt(toSign: Partial<ToSign>, sent: Sent = {}, by: SignatureVerifier = verifier): Verdict {
  const signing = { path: PATH, headers: HEADERS, ...toSign };
  const { method = signing.method ?? 'GET', body = signing.body ?? '' } = sent;
  const target = sent.target ?? `${signing.path}${signing.query ? `?${signing.query}` : ''}`;
  const headers = { authorization: authorize(signing), ...(sent.headers ?? signing.headers) };
  const lists = Object.entries(headers).map(([name, value]) => [name, [value].flat()] as const);
  return by.verify({ method, target, headers: new Map(lists), body: Buffer.from(body) });
}

const accepted = { ok: true, accessKeyId: KEY_ID };
const refused = (reason: string) => ({ ok: false, reason });
const MISMATCH = refused('the signature does not match');

describe('a signed request', () => {
  it('passes, with any region and with every header signed', () => {
    expect(attempt({})).toEqual(accepted);
    expect(attempt({ region: 'eu-central-1' })).toEqual(accepted);
    const headers = { ...HEADERS, 'content-type': 'application/json', 'idempotency-key': 'k-1' };
    expect(attempt({ method: 'POST', headers, body: '{"type":"login"}' })).toEqual(accepted);
  });

  it('passes again unchanged, which idempotency keys are for, also with its key derived already', () => {
    expect(attempt({})).toEqual(accepted);
    expect(attempt({})).toEqual(accepted);
  });

  it('passes only in the region that the server was given, where it was given one', () => {
    const strict = new SignatureVerifier(() => SECRET, { now: () => NOW, region: 'eu-west-1' });
    expect(attempt({ region: 'eu-west-1' }, {}, strict)).toEqual(accepted);
    expect(attempt({ region: 'us-east-1' }, {}, strict)).toEqual(refused('signed for the region us-east-1'));
  });

  it('passes with the time in Date instead of x-amz-date, as RFC 9110 and as botocore write it', () => {
    for (const date of ['Sat, 21 Nov 2026 12:00:00 GMT', 'Sat, 21 Nov 2026 12:00:00 -0000']) {
      expect(attempt({ headers: { ...HOST, date }, timestamp: stamp(NOW) })).toEqual(accepted);
    }
  });

  it('passes up to five minutes early or late, and not a second more', () => {
    const at = (seconds: number) => attempt({ headers: { ...HOST, 'x-amz-date': stamp(NOW + seconds * 1000) } });
    expect(at(300)).toEqual(accepted);
    expect(at(-300)).toEqual(accepted);
    expect(at(-301)).toEqual(refused('the request is 301 seconds old'));
    expect(at(301)).toEqual(refused('the request is -301 seconds old'));
  });
});

describe('someone without the secret', () => {
  it('learns nothing about keys: a wrong secret and an unknown key are refused alike', () => {
    expect(attempt({ secret: 'guess' })).toEqual(MISMATCH);
    expect(attempt({ accessKeyId: 'SLTRNOBODY' })).toEqual(refused('unknown access key'));
    // The secret that stands in for none must open nothing.
    const standIn = attempt({ accessKeyId: 'SLTRNOBODY', secret: 'no such access key' });
    expect(standIn).toEqual(refused('unknown access key'));
  });

  it('cannot fill the cache of derived keys: after 2,000 attempts the honest key still passes', () => {
    const own = new SignatureVerifier((id) => (id === KEY_ID ? SECRET : undefined), { now: () => NOW });
    for (let n = 0; n < 2_000; n++) attempt({ accessKeyId: `SLTR${n}`, region: `r-${n}` }, {}, own);
    expect(attempt({}, {}, own)).toEqual(accepted);
  });

  const forgeries: readonly (readonly [what: string, toSign: Partial<ToSign>, sent: Sent, reason: string])[] = [
    ['another method', {}, { method: 'POST' }, 'the signature does not match'],
    ['another path', {}, { target: '/v1/trails/salaries/events' }, 'the signature does not match'],
    ['a query added', {}, { target: `${PATH}?limit=1` }, 'the signature does not match'],
    ['another query', { query: 'limit=1' }, { target: `${PATH}?limit=2` }, 'the signature does not match'],
    ['a value given twice', { query: 'a=1' }, { target: `${PATH}?a=1&a=1` }, 'the signature does not match'],
    ['another host', {}, { headers: { ...HEADERS, host: 'evil:8321' } }, 'the signature does not match'],
    [
      'a later time',
      {},
      { headers: { ...HEADERS, 'x-amz-date': stamp(NOW + 60_000) } },
      'the signature does not match',
    ],
    ['another body', { method: 'POST', body: '{"a":1}' }, { body: '{"a":2}' }, 'the signature does not match'],
    ['no body', { method: 'POST', body: '{"a":1}' }, { body: '' }, 'the signature does not match'],
    [
      'another body under its declared hash',
      { headers: { ...HEADERS, 'x-amz-content-sha256': 'a'.repeat(64) }, payload: 'a'.repeat(64), body: 'b' },
      {},
      'the body is not the one that was signed',
    ],
    [
      'a second value of a signed header',
      { headers: { ...HEADERS, 'idempotency-key': 'k' } },
      { headers: { ...HEADERS, 'idempotency-key': ['k', 'l'] } },
      'the signature does not match',
    ],
    [
      'a fresh idempotency key on a captured append',
      {},
      { headers: { ...HEADERS, 'idempotency-key': 'fresh' } },
      'idempotency-key is not signed',
    ],
    [
      'another idempotency key on a captured append',
      { headers: { ...HEADERS, 'idempotency-key': 'k' } },
      { headers: { ...HEADERS, 'idempotency-key': 'l' } },
      'the signature does not match',
    ],
    ['a preference added', {}, { headers: { ...HEADERS, prefer: 'respond-async' } }, 'prefer is not signed'],
    [
      'a content encoding added',
      {},
      { headers: { ...HEADERS, 'content-encoding': 'gzip' } },
      'content-encoding is not signed',
    ],
    ['an x-amz- header added', {}, { headers: { ...HEADERS, 'x-amz-meta': '1' } }, 'x-amz-meta is not signed'],
    [
      'a signed header taken away',
      { headers: { ...HEADERS, 'idempotency-key': 'k' } },
      { headers: HEADERS },
      'idempotency-key is signed and missing',
    ],
  ];
  it.each(forgeries)('cannot send a captured signature with %s', (_, toSign, sent, reason) => {
    expect(attempt(toSign, sent)).toEqual(refused(reason));
  });
});

describe('a request that is not signed as it must be', () => {
  const malformed: readonly (readonly [what: string, toSign: Partial<ToSign>, reason: string])[] = [
    ['host not signed', { signed: ['x-amz-date'] }, 'host is not signed'],
    ['x-amz-date not signed', { signed: ['host'] }, 'x-amz-date is not signed'],
    [
      'Date alone, not signed',
      { headers: { ...HOST, date: 'Sat, 21 Nov 2026 12:00:00 GMT' }, signed: ['host'], timestamp: stamp(NOW) },
      'date is not signed',
    ],
    ['no time at all', { headers: HOST, timestamp: stamp(NOW) }, 'no x-amz-date, or Date, of the expected form'],
    ['a header listed twice', { signed: ['host', 'host', 'x-amz-date'] }, 'a header is listed as signed twice'],
    ['another service', { service: 's3' }, 'signed for the service s3'],
    ['the scope of the day before', { date: '20261120' }, 'the credential scope is of another day'],
    [
      'a day that does not exist',
      { headers: { ...HOST, 'x-amz-date': '20261399T120000Z' } },
      'the time does not exist',
    ],
    [
      'a time in another form',
      { headers: { ...HOST, 'x-amz-date': '2026-11-21T12:00:00Z' }, timestamp: stamp(NOW) },
      'no x-amz-date, or Date, of the expected form',
    ],
    [
      'UNSIGNED-PAYLOAD',
      { headers: { ...HEADERS, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, payload: 'UNSIGNED-PAYLOAD' },
      'the body is not signed',
    ],
    [
      'chunked signatures',
      {
        headers: { ...HEADERS, 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD' },
        payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      },
      'the body is not signed',
    ],
    [
      'a session token',
      { headers: { ...HEADERS, 'x-amz-security-token': 't' } },
      'a session token, where there are no sessions',
    ],
  ];
  it.each(malformed)('is refused: %s', (_, toSign, reason) => {
    expect(attempt(toSign)).toEqual(refused(reason));
  });

  const good = authorize({ path: PATH, headers: HEADERS });
  const headers: readonly (readonly [what: string, value: string])[] = [
    ['nothing', ''],
    ['Basic', 'Basic dXNlcjpwYXNz'],
    ['another algorithm', good.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')],
    ['the algorithm alone', 'AWS4-HMAC-SHA256'],
    ['no credential', good.replace(/Credential=[^,]+, /, '')],
    ['no signed headers', good.replace(/SignedHeaders=[^,]+, /, '')],
    ['empty signed headers', good.replace(/SignedHeaders=[^,]+/, 'SignedHeaders=')],
    ['no signature', good.replace(/, Signature=.*/, '')],
    ['a short signature', good.slice(0, -1)],
    ['a long signature', `${good}0`],
    ['an upper-case signature', good.replace(/[0-9a-f]{64}$/, (hex) => hex.toUpperCase().replace(/^./, 'A'))],
    ['something after it', `${good}, Credential=a`],
    ['no terminator in the scope', good.replace('/aws4_request', '')],
    ['another terminator', good.replace('aws4_request', 'aws5_request')],
    ['a scope without region', good.replace('/us-east-1', '')],
    ['an empty access key', good.replace(KEY_ID, '')],
    ['a slash in the access key', good.replace(KEY_ID, 'a/b')],
    ['an upper-case header name', good.replace('host;', 'Host;')],
    ['line feeds', good.replace(', ', ',\n')],
    ['the parts in another order', good.replace(/(Signed\S+), (Sig\S+)/, '$2, $1')],
    ['10,000 commas', `AWS4-HMAC-SHA256 ${','.repeat(10_000)}`],
    ['10,000 spaces', `AWS4-HMAC-SHA256${' '.repeat(10_000)}Credential`],
  ];
  it.each(headers)('is refused whose Authorization is malformed: %s', (_, authorization) => {
    const verdict = attempt({}, { headers: { ...HEADERS, authorization } });
    expect(verdict).toEqual(refused('no Authorization header of the expected form'));
  });

  it.each(['authorization', 'host', 'x-amz-date', 'x-amz-content-sha256'])('is refused with two of %s', (name) => {
    const all: Record<string, string> = { authorization: good, ...HEADERS, 'x-amz-content-sha256': '0'.repeat(64) };
    const verdict = attempt({}, { headers: { ...all, [name]: [all[name] ?? '', all[name] ?? ''] } });
    expect(verdict).toEqual(refused(`more than one ${name} header`));
  });

  it.each(['http://localhost:8321/v1/trails', '*', ''])('is refused with a target that is no path: %j', (target) => {
    expect(attempt({}, { target })).toEqual(refused('the target is not a path'));
  });

  it('is refused with its signature in the query, where a header is what counts', () => {
    const signature = '0'.repeat(64);
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${KEY_ID}%2F20261121&X-Amz-Signature=${signature}`;
    const headers = new Map([['host', ['localhost:8321']]]);
    const verdict = verifier.verify({ method: 'GET', target: `${PATH}?${query}`, headers, body: Buffer.alloc(0) });
    expect(verdict).toEqual(refused('no Authorization header of the expected form'));
  });
});
