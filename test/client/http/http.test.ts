import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { type HttpOptions, SignedHttp } from '../../../lib/client/http/http.ts';
import { percentEncode } from '../../../lib/client/http/percent-encode.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Reply = (response: ServerResponse) => void;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server that answers with these replies in turn, the last one for ever, and remembers what it was asked. */
async function serverWith(...replies: Reply[]): Promise<{ url: string; seen: Seen[]; sockets: Set<unknown> }> {
  const seen: Seen[] = [];
  const sockets = new Set<unknown>();
  const server = createServer(async (request, response) => {
    sockets.add(request.socket);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    seen.push({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: bodyOf(request, Buffer.concat(parts)),
    });
    (replies.length > 1 ? replies.shift() : replies[0])?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  // A server that listens on TCP has such an address.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, sockets };
}

const bodyOf = ({ headers }: IncomingMessage, sent: Buffer): string =>
  (headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString();

const ok: Reply = (response) => response.end('{"fine":true}');
const cut: Reply = (response) => response.socket?.destroy();
const problem =
  (status: number, document: object, headers: Record<string, string> = {}): Reply =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
    response.end(JSON.stringify(document));
  };

function client(url: string, options: Partial<HttpOptions> = {}): { http: SignedHttp; waits: number[] } {
  const waits: number[] = [];
  const http = new SignedHttp({
    endpoint: url,
    credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }),
    random: () => 0.5,
    wait: async (milliseconds) => waits.push(milliseconds),
    ...options,
  });
  return { http, waits };
}

describe('a signed request', () => {
  it('carries a signature for execute-api over host, date and body, and what was asked', async () => {
    const { url, seen } = await serverWith(ok);
    const { http } = client(`${url}/stage/`);
    const answer = await http.send({
      method: 'POST',
      path: '/v1/trails/a/events',
      query: { x: 'a b*', n: 1, none: undefined },
      body: '{}',
    });
    expect(answer.json()).toEqual({ fine: true });
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/stage/v1/trails/a/events?x=a%20b%2A&n=1', body: '{}' });
    expect(seen[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-amz-content-sha256': '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a',
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/execute-api\/aws4_request, SignedHeaders=[a-z0-9;-]*host;idempotency-key;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
      ),
    });
  });

  it('repeats a query name for each value, and takes the region from an API Gateway endpoint', async () => {
    const { url, seen } = await serverWith(ok);
    await client(url, { region: 'eu-central-1' }).http.send({ path: '/', query: { type: ['a', 'b'] } });
    expect(seen[0]?.url).toBe('/?type=a&type=b');
    expect(seen[0]?.headers.authorization).toContain('/eu-central-1/execute-api/');
  });

  it('reuses connections', async () => {
    const { url, sockets } = await serverWith(ok);
    const { http } = client(url);
    for (let i = 0; i < 20; i++) await http.send({ path: '/' });
    // fetch may open a second one before it sees that the first is free again.
    expect(sockets.size).toBeLessThanOrEqual(2);
  });

  it('sends bytes as they are', async () => {
    const { url, seen } = await serverWith(ok);
    await client(url).http.send({
      method: 'POST',
      path: '/',
      body: new TextEncoder().encode('{"x":"é"}').subarray(0),
      contentType: 'text/x',
    });
    expect(seen[0]).toMatchObject({ body: '{"x":"é"}', headers: { 'content-type': 'text/x' } });
  });

  it('percent-encodes exactly what RFC 3986 does not leave unreserved', () => {
    expect(percentEncode("a/b c!'()*~é")).toBe('a%2Fb%20c%21%27%28%29%2A~%C3%A9');
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(percentEncode(text)).toMatch(/^([A-Za-z0-9_.~-]|%[0-9A-F]{2})*$/);
        expect(decodeURIComponent(percentEncode(text))).toBe(text);
      }),
    );
  });
});

describe('trying again', () => {
  it.each([
    ['429', problem(429, { code: 'rate_limited' })],
    ['502', problem(502, {})],
    ['503', problem(503, { code: 'unavailable' })],
    ['504', problem(504, {})],
    ['a connection that breaks', cut],
  ])('happens after %s, with the same idempotency key and a new signature', async (_, bad) => {
    const { url, seen } = await serverWith(bad, bad, ok);
    const { http, waits } = client(url);
    expect((await http.send({ method: 'POST', path: '/', body: '{}' })).status).toBe(200);
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map((one) => one.headers['idempotency-key'])).size).toBe(1);
    expect(waits).toEqual([50, 100]);
  });

  it('keeps to the idempotency key that the caller chose', async () => {
    const { url, seen } = await serverWith(cut, ok);
    await client(url).http.send({ method: 'POST', path: '/', body: '{}', headers: { 'idempotency-key': 'mine' } });
    expect(seen.map((one) => one.headers['idempotency-key'])).toEqual(['mine', 'mine']);
  });

  it('waits at least as long as the server asks, but not for hours', async () => {
    const { url } = await serverWith(
      problem(503, {}, { 'retry-after': '2' }),
      problem(503, {}, { 'retry-after': '86400' }),
      problem(503, {}, { 'retry-after': 'soon' }),
      ok,
    );
    const { http, waits } = client(url);
    await http.send({ path: '/' });
    expect(waits).toEqual([2050, 60_100, 200]);
  });

  it('spreads over the whole pause, which doubles up to ten seconds', async () => {
    const { url } = await serverWith(problem(503, {}));
    const { http, waits } = client(url, { attempts: 10, random: () => 0.9999 });
    await expect(http.send({ path: '/' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(waits).toEqual([99, 199, 399, 799, 1599, 3199, 6399, 9999, 9999]);
  });

  it('does not happen after what stays until someone mends it', async () => {
    const { url, seen } = await serverWith(problem(503, { code: 'history_conflict' }, { 'retry-after': '60' }));
    const { http, waits } = client(url);
    const conflict = { code: 'history_conflict', retryAfter: 60 };
    await expect(http.send({ method: 'POST', path: '/', body: '{}' })).rejects.toMatchObject(conflict);
    expect({ asked: seen.length, waits }).toEqual({ asked: 1, waits: [] });
  });

  it.each([400, 401, 403, 404, 409, 413, 415, 500])('does not happen after %i', async (status) => {
    const { url, seen } = await serverWith(problem(status, {}));
    await expect(client(url).http.send({ path: '/' })).rejects.toMatchObject({ name: 'SealtrailError' });
    expect(seen).toHaveLength(1);
  });

  it('ends after the last attempt with what went wrong', async () => {
    const { url, seen } = await serverWith(cut);
    const { http } = client(url, { attempts: 3 });
    await expect(http.send({ path: '/' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/^cannot reach http:\/\/127\.0\.0\.1:\d+: /),
    });
    expect(seen).toHaveLength(3);
  });

  it('ends when the caller gives up', async () => {
    const { url, seen } = await serverWith(cut);
    const controller = new AbortController();
    const { http } = client(url, { wait: async () => controller.abort(new Error('enough')) });
    await expect(http.send({ path: '/', signal: controller.signal })).rejects.toThrow('enough');
    expect(seen).toHaveLength(1);
  });
});

describe('an answer that is no success', () => {
  it('becomes an error with the code, message and field of the problem document', async () => {
    const document = {
      code: 'invalid_event',
      title: 'Bad',
      detail: 'events[3].actor.id is missing',
      field: 'events[3].actor.id',
    };
    const { url } = await serverWith(problem(400, document));
    await expect(client(url).http.send({ path: '/' })).rejects.toMatchObject({
      code: 'invalid_event',
      message: 'events[3].actor.id is missing',
      field: 'events[3].actor.id',
    });
  });

  it.each([
    ['a page of HTML', 403, '<html>no</html>', 'forbidden', /^the server answered 403 Forbidden$/],
    ['JSON of another kind', 404, '[1]', 'not_found', /^the server answered 404 Not Found$/],
    ['fields of the wrong type', 400, '{"code":7,"detail":{}}', 'invalid_parameter', /^the server answered 400/],
    ['a code that is no code', 500, '{"code":"<script>"}', 'internal', /^the server answered 500/],
    ['a code of a newer server', 400, '{"code":"brand_new","title":"New"}', 'brand_new', /^New$/],
    [
      'a redirect, which is not followed with credentials',
      302,
      '',
      'invalid_parameter',
      /^the server answered 302 Found$/,
    ],
  ])('even as %s', async (_, status, body, code, message) => {
    const { url } = await serverWith((response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' });
      response.end(body);
    });
    await expect(client(url).http.send({ path: '/' })).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('that never comes is given up after the timeout', async () => {
    const { url } = await serverWith(() => {});
    const { http } = client(url, { timeout: 20, attempts: 2 });
    await expect(http.send({ path: '/' })).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/no answer within 20 ms$/),
    });
  });

  it('that is not JSON where JSON is due is said to be that', async () => {
    const { url } = await serverWith((response) => response.end('hello'));
    const answer = await client(url).http.send({ path: '/' });
    expect(answer.text()).toBe('hello');
    expect(() => answer.json()).toThrow(
      expect.objectContaining({ code: 'unavailable', message: expect.stringMatching(/not JSON/) }),
    );
  });
});

describe('before anything is sent', () => {
  it.each(['127.0.0.1:8321', 'ftp://x', 'http://user:pass@x', 'http://:pass@x', ''])(
    'the endpoint %j is refused',
    (endpoint) => {
      expect(() => client(endpoint)).toThrow(
        expect.objectContaining({
          code: 'usage',
          message: expect.stringMatching(/^the endpoint must be a URL (such|without) (?!.*pass@)/),
        }),
      );
    },
  );

  it('missing credentials are named', async () => {
    const { url, seen } = await serverWith(ok);
    const { http } = client(url, { credentials: async () => Promise.reject(new Error('no profile "x"')) });
    await expect(http.send({ path: '/' })).rejects.toMatchObject({
      code: 'unauthenticated',
      message: 'no AWS credentials to sign with: no profile "x"',
    });
    expect(seen).toHaveLength(0);
  });
});

describe('a large body', () => {
  const body = JSON.stringify({ events: Array.from({ length: 50 }, (_, n) => ({ type: 'a.b', details: { n } })) });
  const send = (http: SignedHttp, sent = body) =>
    http.send({ method: 'POST', path: '/v1/trails/t/events', body: sent });

  it('goes as gzip, signed as it goes; a small one as it is', async () => {
    const { url, seen } = await serverWith(ok);
    const { http } = client(url, { compress: true });
    await send(http);
    await send(http, '{}');
    expect(seen.map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', undefined]);
    expect(seen.map((one) => one.body)).toEqual([body, '{}']);
    expect(Number(seen[0]?.headers['content-length'])).toBeLessThan(body.length / 4);
    expect(seen[0]?.headers.authorization).toContain('content-encoding');
  });

  it('goes as it is to a server on this machine', async () => {
    const { url, seen } = await serverWith(ok);
    await send(client(url).http);
    expect(seen[0]?.headers).not.toHaveProperty('content-encoding');
  });

  it.each(['invalid_json', 'unsupported_media_type'])(
    'goes again as it is where gzip is answered %s, and stays so',
    async (code) => {
      const { url, seen } = await serverWith(problem(400, { code }), ok);
      const { http, waits } = client(url, { compress: true });
      await send(http);
      await send(http);
      expect(seen.map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', undefined, undefined]);
      expect(seen.map((one) => one.body)).toEqual([body, body, body]);
      expect(seen[1]?.headers['idempotency-key']).toBe(seen[0]?.headers['idempotency-key']);
      expect(waits).toEqual([]);
    },
  );

  it('that is refused as it is too is refused', async () => {
    const { url } = await serverWith(problem(400, { code: 'invalid_json', detail: 'no' }));
    await expect(send(client(url, { compress: true }).http)).rejects.toMatchObject({
      code: 'invalid_json',
      message: 'no',
    });
  });
});
