import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiResponse } from '../../lib/api/core/http.ts';
import { ANYBODY } from '../../lib/api/core/principal.ts';
import { MAX_BODY_BYTES } from '../../lib/contract/event.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import type { ServerOptions } from '../../lib/server/server.ts';
import { type Echo, startEcho } from './echo.ts';
import { converse, headOf, send, signedHeaders } from './wire.ts';

/** What the server promises besides signatures: bounds, answers at the reader's pace, and an orderly end. */

let echo: Echo;
const start = async (options?: Partial<ServerOptions>): Promise<Echo> => {
  echo = await startEcho(options);
  return echo;
};
afterEach(() => echo.server.close());

const EVENTS = '/v1/trails/orders/events';
const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  ({ method: 'POST', path: EVENTS, body, headers: { 'x-amz-date': stampNow(), ...headers } }) as const;
const stampNow = () => new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');

describe('a body', () => {
  it('of 5,000,000 bytes arrives whole, with its length told or in chunks', async () => {
    await start();
    const body = 'x'.repeat(MAX_BODY_BYTES);
    expect((await send(echo.url, post(body))).status).toBe(200);
    const chunked = await send(echo.url, { ...post(body), override: { 'transfer-encoding': 'chunked' } });
    expect(chunked.status).toBe(200);
    expect(echo.requests.map((request) => request.body.length)).toEqual([MAX_BODY_BYTES, MAX_BODY_BYTES]);
    expect(echo.entries.map(({ bytes }) => bytes)).toEqual([MAX_BODY_BYTES, MAX_BODY_BYTES]);
  });

  it('that says it is larger is refused before it is sent', async () => {
    await start();
    const signed = signedHeaders(echo.url, post(''));
    const head = headOf('POST', EVENTS, { ...signed, 'content-length': '5000001', connection: 'close' });
    const answer = await converse(echo.url, head);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('"code":"batch_too_large"');
  });

  it('for which leave is asked is refused without leave, or gets it', async () => {
    await start();
    const ask = (length: string) => ({ expect: '100-continue', 'content-length': length, connection: 'close' });
    const large = headOf('POST', EVENTS, { ...signedHeaders(echo.url, post('')), ...ask('5000001') });
    expect(await converse(echo.url, large)).toMatch(/^HTTP\/1\.1 413 /);
    const unsigned = headOf('POST', EVENTS, { host: 'a', ...ask('2') });
    expect(await converse(echo.url, unsigned)).toMatch(/^HTTP\/1\.1 401 /);
    const fine = headOf('POST', EVENTS, { ...signedHeaders(echo.url, post('{}')), ...ask('2') });
    expect(await converse(echo.url, `${fine}{}`)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  it('that grows too large in chunks is refused, and the connection lives on', async () => {
    await start();
    const over = 'x'.repeat(MAX_BODY_BYTES + 1);
    const sending = { ...post(over), override: { 'transfer-encoding': 'chunked' } };
    const { status, body } = await send(echo.url, sending);
    expect([status, JSON.parse(body).code]).toEqual([413, 'batch_too_large']);
    expect(echo.requests).toEqual([]);
    expect((await send(echo.url)).status).toBe(200);
  });

  it('that breaks off is no one’s request', async () => {
    await start();
    const signed = signedHeaders(echo.url, post('{}'));
    const { hostname, port } = new URL(echo.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    socket.end(`${headOf('POST', EVENTS, { ...signed, 'content-length': '2' })}{`);
    await once(socket.resume(), 'close');
    await settled(() => echo.entries.length > 0);
    expect(echo.requests).toEqual([]);
    expect(echo.entries[0]?.status).not.toBe(200);
  });

  it('in gzip is unpacked, its signature being over what was sent', async () => {
    await start();
    const body = gzipSync('{"type":"auth.login"}');
    expect((await send(echo.url, post(body, { 'content-encoding': 'gzip' }))).status).toBe(200);
    expect((await send(echo.url, post(body, { 'content-encoding': 'GZIP' }))).status).toBe(200);
    expect(echo.requests.map((request) => Buffer.from(request.body).toString())).toEqual([
      '{"type":"auth.login"}',
      '{"type":"auth.login"}',
    ]);
  });

  it.each<[what: string, body: Uint8Array, encoding: string, status: number, code: string]>([
    ['a bomb', gzipSync(Buffer.alloc(MAX_BODY_BYTES + 1)), 'gzip', 413, 'batch_too_large'],
    ['no gzip', Buffer.from('{}'), 'gzip', 400, 'invalid_json'],
    ['half a gzip', gzipSync('{"type":"auth.login"}').subarray(0, 20), 'gzip', 400, 'invalid_json'],
    ['brotli', Buffer.from('{}'), 'br', 415, 'unsupported_media_type'],
    ['gzip twice', gzipSync(gzipSync('{}')), 'gzip, gzip', 415, 'unsupported_media_type'],
  ])('that is %s is refused', async (_, body, encoding, status, code) => {
    await start();
    const answer = await send(echo.url, post(body, { 'content-encoding': encoding }));
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([status, code]);
    expect(echo.requests).toEqual([]);
  });
});

describe('a request', () => {
  it('reaches the API as it was meant, repeated headers joined', async () => {
    await start();
    const headers = { 'x-amz-date': stampNow(), prefer: 'respond-async,return=representation' };
    await send(echo.url, {
      ...{ method: 'POST', path: '/v1/trails/a%2520b', query: 'actor=a%20b&type=x&type=y', headers, body: '{}' },
      target: '/v1/trails/a%20b?type=x&actor=a%20b&type=y',
      override: { prefer: ['respond-async', 'return=representation'] },
    });
    const [request] = echo.requests;
    expect(request?.path).toBe('/v1/trails/a%20b');
    expect([...(request?.query ?? [])]).toEqual([
      ['type', 'x'],
      ['actor', 'a b'],
      ['type', 'y'],
    ]);
    expect(request?.headers.prefer).toBe('respond-async, return=representation');
    expect(request?.principal.name).toBe('tester');
  });

  it.each(['actor=%ff', 'actor=%e2%82', 'actor=%zz', 'a=1&%'])(
    'with a query that is no UTF-8 gets 400: %s',
    async (query) => {
      await start();
      const { status, body } = await send(echo.url, { query });
      expect([status, JSON.parse(body)]).toMatchObject([400, { code: 'invalid_parameter', field: 'query' }]);
      expect(echo.requests).toEqual([]);
    },
  );

  it('leaves one line in the log, without query, ids or content', async () => {
    await start();
    await send(echo.url, { path: '/v1/trails/orders/actors/alice/activity', query: 'days=7' });
    await send(echo.url, { path: '/v1/trails/orders/events/order-of-bob' });
    await send(echo.url, { path: `/${'x'.repeat(1000)}` });
    expect(echo.entries).toMatchObject([
      { method: 'GET', path: '/v1/trails/orders/actors/{actor}/activity', status: 200, bytes: 0, principal: 'tester' },
      { path: '/v1/trails/orders/events/{event}' },
      { path: `/${'x'.repeat(255)}` },
    ]);
  });

  it('by HEAD gets the head that GET would, and no body', async () => {
    await start();
    const get = await send(echo.url);
    const head = await send(echo.url, { method: 'HEAD' });
    expect([head.status, head.body]).toEqual([200, '']);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect(head.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('an answer', () => {
  it('with an error that no one foresaw says nothing of it, but for the id under which the log has the cause', async () => {
    const cause = new Error('disk /var/secret is full');
    await start({ handle: () => Promise.reject(new SealtrailError('internal', 'row 7 of table x', { cause })) });
    const { status, body } = await send(echo.url);
    expect(status).toBe(500);
    expect(body).not.toMatch(/row 7|disk|secret/);
    expect(echo.entries).toMatchObject([
      {
        requestId: JSON.parse(body).requestId,
        reason: 'internal: row 7 of table x <- Error: disk /var/secret is full',
      },
    ]);
  });

  it('that a caller’s mistake gets is logged by code and field, for its message may quote what was sent', async () => {
    const error = new SealtrailError('invalid_event', 'hunter2 is no colour', { field: 'events[3].colour' });
    await start({ handle: () => Promise.reject(error) });
    expect((await send(echo.url)).status).toBe(400);
    expect(echo.entries).toMatchObject([{ reason: 'invalid_event (events[3].colour)' }]);
  });

  it('streams at the pace of its reader', async () => {
    const source = chunks(200);
    await start({ handle: async () => streaming(source.stream()) });
    const response = await open(echo.url);
    response.pause();
    await settled(() => source.produced > 0);
    let seen = -1;
    while (seen !== source.produced) {
      seen = source.produced;
      for (let i = 0; i < 50; i++) await turn();
    }
    expect(source.produced).toBeLessThan(200);
    let bytes = 0;
    for await (const chunk of response) bytes += chunk.length;
    expect(bytes).toBe(200 * CHUNK);
    expect(source.produced).toBe(200);
  });

  it('stops being made when its reader leaves', async () => {
    const source = chunks(1_000_000);
    await start({ handle: async () => streaming(source.stream()) });
    const response = await open(echo.url);
    await once(response, 'data');
    response.destroy();
    await settled(() => source.ended && echo.entries.length === 1);
    expect(source.produced).toBeLessThan(1_000_000);
    expect(echo.entries).toMatchObject([{ status: 0, reason: expect.stringContaining('Premature close') }]);
  });

  it('that fails halfway is cut off, so that no one takes a part for the whole', async () => {
    async function* failing() {
      yield 'half';
      throw new Error('the archive is gone');
    }
    await start({ handle: async () => streaming(failing()) });
    await expect(send(echo.url)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await settled(() => echo.entries.length === 1);
    expect(echo.entries).toMatchObject([{ status: 0, reason: 'Error: the archive is gone' }]);
  });
});

describe('the end', () => {
  it('lets requests under way finish, and takes no others', async () => {
    const gate = Promise.withResolvers<void>();
    await start({ handle: () => gate.promise.then(() => ({ status: 200, headers: {}, body: 'done' })) });
    const { url } = echo;
    const under = send(url);
    await settled(() => echo.requests.length === 1);
    const closing = echo.server.close();
    await expect(send(url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    gate.resolve();
    expect((await under).body).toBe('done');
    expect((await under).headers.connection).toBe('close');
    await closing;
  });

  it('comes in bounded time, no matter who still waits', async () => {
    await start({ drainMs: 20, handle: () => new Promise<ApiResponse>(() => undefined) });
    const under = expect(send(echo.url)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await settled(() => echo.requests.length === 1);
    await echo.server.close();
    await under;
  });

  it('does not wait for connections that only idle', async () => {
    await start({ drainMs: 60_000 });
    const { hostname, port } = new URL(echo.url);
    const idle = connect(Number(port), hostname);
    await once(idle, 'connect');
    idle.write(headOf('GET', '/v1/trails', signedHeaders(echo.url)));
    await once(idle, 'data');
    await echo.server.close();
    await once(idle, 'close');
  });
});

describe('two servers', () => {
  it('cannot have one port', async () => {
    await start();
    const port = Number(new URL(echo.url).port);
    await expect(startEcho({ port })).rejects.toMatchObject({
      code: 'in_use',
      message: `port ${port} is in use: choose another one with --port`,
    });
  });

  it('nor can one have an address that is not of this machine', async () => {
    await start();
    const port = 8321;
    await expect(startEcho({ host: '192.0.2.1', port })).rejects.toMatchObject({
      code: 'usage',
      message: 'cannot listen on 192.0.2.1:8321',
    });
  });
});

const CHUNK = 65_536;

/** A long answer that knows how much of it was asked for. */
function chunks(count: number) {
  const source = {
    produced: 0,
    ended: false,
    async *stream() {
      try {
        while (source.produced < count) {
          source.produced += 1;
          yield 'x'.repeat(CHUNK);
        }
      } finally {
        source.ended = true;
      }
    },
  };
  return source;
}

const streaming = (body: AsyncIterable<string>): ApiResponse => ({ status: 200, headers: {}, body });

async function open(url: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(url);
  const sent = httpRequest({ hostname, port, path: '/v1/trails', headers: signedHeaders(url), agent: false }).end();
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('no response');
  return response;
}

/** Waits until something holds; the test's own time limit is what ends it otherwise. */
async function settled(holds: () => boolean): Promise<void> {
  while (!holds()) await turn();
}

describe('/healthz', () => {
  it('answers without a signature, by GET and HEAD alone, and no one behind the door hears of it', async () => {
    const own = await startEcho();
    try {
      const answer = await fetch(`${own.url}/healthz`);
      expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
      expect((await fetch(`${own.url}/healthz`, { method: 'HEAD' })).status).toBe(200);
      expect((await fetch(`${own.url}/healthz`, { method: 'POST', body: 'x' })).status).toBe(401);
      expect((await fetch(`${own.url}/healthz/../v1/trails`)).status).toBe(401);
      expect(own.requests).toEqual([]);
    } finally {
      await own.server.close();
    }
  });
});

describe('/healthz, however often', () => {
  it('answers, and fills no log', async () => {
    const own = await startEcho();
    try {
      const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(`${own.url}/healthz`)));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(own.entries.length).toBeGreaterThan(15);
      expect(own.entries.length).toBeLessThan(50);
    } finally {
      await own.server.close();
    }
  });
});

describe('/v1/openapi.json', () => {
  it('is for everybody, as a caller without any right, so many times a second and no more', async () => {
    const own = await startEcho();
    try {
      const url = `${own.url}/v1/openapi.json`;
      expect((await fetch(`${url}?a=b`, { headers: { 'x-amz-date': 'stray' } })).status).toBe(200);
      expect((await fetch(url, { method: 'HEAD' })).status).toBe(200);
      expect(own.requests[0]).toMatchObject({
        method: 'GET',
        path: '/v1/openapi.json',
        headers: {},
        principal: ANYBODY,
      });
      expect(own.requests[0]?.query.get('a')).toBe('b');
      expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(401);
      expect((await fetch(`${own.url}/v1/openapi.json/x`)).status).toBe(401);
      expect((await fetch(`${own.url}/v1/keys`)).status).toBe(401);
      const answers = await Promise.all(Array.from({ length: 60 }, () => fetch(url)));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(20);
      expect(refused[0]?.headers.get('retry-after')).toBe('1');
    } finally {
      await own.server.close();
    }
  });
});
