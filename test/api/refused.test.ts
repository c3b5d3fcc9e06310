import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SignedHttp } from '../../lib/client/http/http.ts';
import { type Served, serve } from './served.ts';

/** Bad input over the wire: each is refused with its status, a stable code and the field, and nothing is stored. */

let served: Served;
let writer: SignedHttp;
beforeAll(async () => {
  served = await serve();
  writer = served.client('writer');
});
afterAll(() => served.close());

const good = '{"type":"auth.login"}';
const nested = (levels: number) => `{"type":"a.b","details":{"x":${'['.repeat(levels)}${']'.repeat(levels)}}}`;

interface Refusal {
  readonly name: string;
  readonly body: string | Uint8Array;
  readonly status: number;
  readonly code: string;
  readonly field?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

const refusals: readonly Refusal[] = [
  { name: 'no JSON', body: '{', status: 400, code: 'invalid_json' },
  { name: 'no UTF-8', body: Buffer.from([0x7b, 0xff, 0x7d]), status: 400, code: 'invalid_json' },
  { name: 'a key twice', body: '{"type":"a.b","type":"a.c"}', status: 400, code: 'invalid_json', field: 'type' },
  {
    name: 'a key twice, deep inside',
    body: '{"events":[{"type":"a.b"},{"type":"a.b","details":{"a":{"b":1,"b":2}}}]}',
    status: 400,
    code: 'invalid_json',
    field: 'events[1].details.a.b',
  },
  {
    name: 'an unknown field',
    body: '{"type":"a.b","colour":"red"}',
    status: 400,
    code: 'invalid_event',
    field: 'colour',
  },
  {
    name: 'a lone surrogate',
    body: '{"type":"a.b","details":{"s":"\\ud800"}}',
    status: 400,
    code: 'invalid_json',
    field: 'details.s',
  },
  { name: 'nesting over 32', body: nested(40), status: 400, code: 'invalid_json' },
  {
    name: 'an event over 32 KB',
    body: `{"type":"a.b","details":{"s":"${'x'.repeat(33_000)}"}}`,
    status: 400,
    code: 'record_too_large',
  },
  {
    name: 'over 1,000 events',
    body: `{"events":[${Array.from({ length: 1001 }, () => good).join()}]}`,
    status: 413,
    code: 'batch_too_large',
    field: 'events',
  },
  { name: 'over 5 MB', body: `{"events":[${good}]}`.padEnd(5_000_001), status: 413, code: 'batch_too_large' },
  { name: 'an empty batch', body: '{"events":[]}', status: 400, code: 'empty_batch', field: 'events' },
  {
    name: 'a bad trail name',
    body: good,
    path: '/v1/trails/Orders/events',
    status: 400,
    code: 'invalid_trail',
    field: 'trail',
  },
  {
    name: 'a time that is none',
    body: '{"type":"a.b","time":"yesterday"}',
    status: 400,
    code: 'invalid_event',
    field: 'time',
  },
  {
    name: 'one bad event among good ones',
    body: `{"events":[${good},${good},{"type":"NOT OK"}]}`,
    status: 400,
    code: 'invalid_event',
    field: 'events[2].type',
  },
  {
    name: 'another content type',
    body: good,
    headers: { 'content-type': 'text/plain' },
    status: 415,
    code: 'unsupported_media_type',
    field: 'Content-Type',
  },
  {
    name: 'an encoding that is not known',
    body: good,
    headers: { 'content-encoding': 'br' },
    status: 415,
    code: 'unsupported_media_type',
    field: 'Content-Encoding',
  },
  {
    name: 'a gzip bomb',
    body: gzipSync(Buffer.alloc(50_000_000)),
    headers: { 'content-encoding': 'gzip' },
    status: 413,
    code: 'batch_too_large',
  },
  {
    name: 'an idempotency key with spaces',
    body: good,
    headers: { 'idempotency-key': 'a b' },
    status: 400,
    code: 'invalid_parameter',
    field: 'Idempotency-Key',
  },
  { name: 'a system trail', body: good, path: '/v1/trails/_system/events', status: 403, code: 'forbidden' },
];

describe('a request body', () => {
  it.each(refusals)('$name: $status $code', async ({ body, status, code, field, path, headers = {} }) => {
    const sent = writer.send({ method: 'POST', path: path ?? '/v1/trails/orders/events', body, headers });
    const error: unknown = await sent.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, ...(field === undefined ? {} : { field }) });
    expect(served.entries.at(-1)?.status).toBe(status);
    expect(await Array.fromAsync(served.log.ledger.trails())).toEqual([]);
  });

  it('may be compressed', async () => {
    const body = gzipSync(good);
    const headers = { 'content-encoding': 'gzip' };
    const answer = await writer.send({ method: 'POST', path: '/v1/trails/gzipped/events', body, headers });
    expect(answer.status).toBe(201);
  });
});

describe('an answer to a refused request', () => {
  it('is problem details with a code, and shows nothing of the inside', async () => {
    const response = await fetch(`${served.url}/v1/trails`);
    expect(response.status).toBe(401);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      code: 'unauthenticated',
      detail: expect.stringMatching(/^sign the request with AWS Signature Version 4 for the service execute-api/),
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it('says 413 at once when the announced body is too large, without reading it', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const { hostname, port } = new URL(served.url);
      const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
      const { accessKeyId } = served.log.folder.profiles[0] ?? expect.fail('the log has no profile');
      const scope = `${accessKeyId}/${time.slice(0, 8)}/us-east-1/execute-api/aws4_request`;
      const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`;
      const headers = { 'content-length': 10_000_000, authorization, 'x-amz-date': time };
      const sent = request({ hostname, port, method: 'POST', path: '/v1/trails/orders/events', headers });
      sent.on('response', (response) => {
        resolve(response.statusCode ?? 0);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(status).toBe(413);
  });
});

describe('what a principal may do', () => {
  it.each([
    ['writer', '/v1/trails/orders/events'],
    ['writer', '/v1/trails/never-made/events'],
    ['writer', '/v1/trails/orders/events/0'],
    ['writer', '/v1/trails/orders/events/0/proof'],
    ['writer', '/v1/trails/orders/checkpoint'],
    ['writer', '/v1/trails/orders/summary'],
    ['writer', '/v1/trails/orders/actors/a/activity'],
  ])('%s may not read %s: 403, whether or not it exists', async (profile, path) => {
    await expect(served.client(profile).send({ path })).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('an auditor may not append, nor seal', async () => {
    const auditor = served.client('auditor');
    const append = auditor.send({ method: 'POST', path: '/v1/trails/orders/events', body: good });
    await expect(append).rejects.toMatchObject({ code: 'forbidden', message: 'not allowed: append on trail orders' });
    const seal = auditor.send({ method: 'POST', path: '/v1/trails/orders/seals' });
    await expect(seal).rejects.toMatchObject({ code: 'forbidden', message: 'not allowed: admin on trail orders' });
  });
});
