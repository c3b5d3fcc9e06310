import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Echo, startEcho } from './echo.ts';
import { authorize, KEY_ID, SECRET, stamp } from './signer.ts';
import { converse, headOf, type Sending, send, signedHeaders } from './wire.ts';

/**
 * What an attacker meets on the wire: 401 in the same words whatever was wrong, and no one behind the door hears of it.
 * Which reason it was is for the log alone. What the verifier thinks of each forgery is in sigv4-attack.test.ts.
 */

let echo: Echo;
beforeAll(async () => {
  echo = await startEcho();
});
afterAll(() => echo.server.close());
beforeEach(() => {
  echo.entries.length = 0;
  echo.requests.length = 0;
});

const minutes = (n: number, seconds = 0) => stamp(Date.now() + (n * 60 + seconds) * 1000);
const EVENTS = '/v1/trails/orders/events';

const attacks: readonly (readonly [what: string, sending: Sending, reason: RegExp])[] = [
  ['no signature', { override: { authorization: '' } }, /no Authorization header/],
  ['a wrong secret', { secret: 'guess' }, /does not match/],
  ['an unknown key', { accessKeyId: 'SLTRNOBODY' }, /unknown access key/],
  ['the time of 5:01 ago', { headers: { 'x-amz-date': minutes(-5, -1) } }, /seconds old/],
  ['the time in 5:05', { headers: { 'x-amz-date': minutes(5, 5) } }, /seconds old/],
  ['another body', { method: 'POST', path: EVENTS, body: '{"a":1}', sentBody: '{"a":2}' }, /does not match/],
  ['another path', { path: EVENTS, target: '/v1/trails/salaries/events' }, /does not match/],
  ['a path that normalises to another', { path: EVENTS, target: `${EVENTS}/../../salaries/events` }, /does not match/],
  ['another query', { path: EVENTS, query: 'limit=1', target: `${EVENTS}?limit=1000` }, /does not match/],
  ['a made-up hash of the body', { path: EVENTS, payload: '0'.repeat(64) }, /does not match/],
  ['another host', { override: { host: 'audit.example.com' } }, /does not match/],
  ['host not signed', { signed: ['x-amz-date'] }, /host is not signed/],
  ['x-amz-date not signed', { signed: ['host'] }, /x-amz-date is not signed/],
  ['an unsigned x-amz- header', { override: { 'x-amz-extra': '1' } }, /x-amz-extra is not signed/],
  ['an unsigned idempotency key', { override: { 'idempotency-key': 'fresh' } }, /idempotency-key is not signed/],
  ['two x-amz-date', { override: { 'x-amz-date': [minutes(0), minutes(1)] } }, /more than one x-amz-date/],
  [
    'UNSIGNED-PAYLOAD',
    { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, payload: 'UNSIGNED-PAYLOAD' },
    /not signed/,
  ],
  ['another service', { service: 's3' }, /signed for the service s3/],
  ['a session token', { headers: { 'x-amz-security-token': 'x' } }, /session token/],
  ['Basic', { override: { authorization: 'Basic YTpi' } }, /no Authorization header/],
  [
    'a signature in the query',
    {
      override: { authorization: '' },
      target: `/v1/trails?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${KEY_ID}&X-Amz-Signature=00`,
    },
    /no Authorization header/,
  ],
];

describe('a request that is not rightly signed', () => {
  it.each(attacks)('gets 401 and nothing else: %s', async (_, sending, reason) => {
    const { status, headers, body } = await send(echo.url, sending);
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('AWS4-HMAC-SHA256');
    const { requestId, ...problem } = JSON.parse(body);
    expect(problem).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'unauthenticated',
      detail: expect.stringMatching(/^sign the request with AWS Signature Version 4 for the service execute-api/),
    });
    expect(echo.requests).toEqual([]);
    expect(echo.entries).toMatchObject([{ requestId, status: 401, reason: expect.stringMatching(reason) }]);
  });

  it('gets the very same words in every case', async () => {
    const bodies = await Promise.all(
      attacks.map(async ([, sending]) => JSON.parse((await send(echo.url, sending)).body)),
    );
    expect(new Set(bodies.map(({ detail }) => detail)).size).toBe(1);
  });

  it('leaves no secret and no signature in the log', async () => {
    await send(echo.url, { method: 'POST', path: EVENTS, body: '{"password":"hunter2"}' });
    await send(echo.url, { method: 'POST', path: EVENTS, body: '{"password":"hunter2"}', secret: 'guess' });
    const log = JSON.stringify(echo.entries);
    expect(log).toContain('does not match');
    expect(log).not.toMatch(new RegExp(`${SECRET}|hunter2|[0-9a-f]{64}`));
  });

  it('gets its 401 before its body is read', async () => {
    const head = headOf('POST', EVENTS, { host: 'a', 'content-length': '4000000', connection: 'close' });
    expect(await converse(echo.url, head)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it('cannot smuggle a second request in a body that is not read', async () => {
    const inner = headOf('GET', '/v1/trails/inner', { host: 'a', connection: 'close' });
    const outer = headOf('POST', EVENTS, { host: 'a', 'content-length': String(inner.length) });
    const next = headOf('GET', '/v1/trails/next', { host: 'a', connection: 'close' });
    const answers = await converse(echo.url, outer + inner + next);
    expect(answers.match(/HTTP\/1\.1 401 /g)).toHaveLength(2);
    expect(echo.entries.map(({ path }) => path)).toEqual([EVENTS, '/v1/trails/next']);
  });
});

describe('a request that was signed and captured', () => {
  it('can be sent again within five minutes: that an append happens once is what idempotency keys are for', async () => {
    const headers = signedHeaders(echo.url, { headers: { 'x-amz-date': minutes(-4) } });
    const again = async () => (await send(echo.url, { override: headers })).status;
    expect([await again(), await again()]).toEqual([200, 200]);
  });

  it('cannot be sent with another body, nor later', async () => {
    const now = Date.now();
    let time = now;
    const late = await startEcho({ now: () => time });
    const toSign = { method: 'POST', path: EVENTS, body: '{"a":1}' };
    const headers = signedHeaders(late.url, { ...toSign, headers: { 'x-amz-date': stamp(now) } });
    const replay = async (sentBody: string) =>
      (await send(late.url, { ...toSign, sentBody, override: headers })).status;
    expect(await replay('{"a":1}')).toBe(200);
    expect(await replay('{"a":2}')).toBe(401);
    time = now + 301_000;
    expect(await replay('{"a":1}')).toBe(401);
    await late.server.close();
  });
});

describe('what is hardly HTTP', () => {
  const host = 'host: a\r\n';
  it.each<[what: string, bytes: string, status: number]>([
    ['not HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\r\n\r\n', 400],
    ['no host', 'GET /v1/trails HTTP/1.1\r\n\r\n', 400],
    ['a space in a header name', `GET /v1/trails HTTP/1.1\r\n${host}x : 1\r\n\r\n`, 400],
    ['a folded header', `GET /v1/trails HTTP/1.1\r\n${host}x: 1\r\n 2\r\nconnection: close\r\n\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${host}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, 400],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\n${host}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['raw bytes in the path', `GET /v1/tr\xc3\xa4ils HTTP/1.1\r\n${host}\r\n`, 400],
    ['20,000 bytes of headers', `GET / HTTP/1.1\r\n${host}x: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ])('is cut off: %s', async (_, bytes, status) => {
    const answer = await converse(echo.url, Buffer.from(bytes, 'latin1'));
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(echo.requests).toEqual([]);
  });

  it.each(['http://elsewhere/v1/trails', '*'])('is refused: the target %s', async (target) => {
    const headers = { host: new URL(echo.url).host, 'x-amz-date': stamp(Date.now()) };
    const authorization = authorize({ path: target, headers });
    const bytes = headOf('GET', target, { ...headers, authorization, connection: 'close' });
    expect(await converse(echo.url, bytes)).toMatch(/^HTTP\/1\.1 401 /);
    expect(echo.requests).toEqual([]);
  });
});
