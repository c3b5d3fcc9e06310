import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AuditedFetchOptions, auditedFetch, createAuditLogger, MemorySink } from '../../../lib/client/index.ts';

/** A server of someone else's, and a fetch to call it with. */
async function called(listener: RequestListener, options: AuditedFetchOptions = {}) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const memory = new MemorySink();
  const audit = createAuditLogger({ sinks: [memory] });
  // A server that listens on TCP has such an address.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, audit, memory, fetch: auditedFetch(audit, options) };
}

const echo: RequestListener = async (request, response) => {
  const body = await text(request);
  response
    .writeHead(200, { 'set-cookie': 'id=hidden', 'x-kind': 'echo', 'content-length': Buffer.byteLength(body) })
    .end(body);
};

describe('a call through auditedFetch', () => {
  it('is logged before and after, with sizes, and without secrets', async () => {
    const { url, fetch, memory } = await called(echo, {
      fields: { actor: { id: 'billing' }, details: { purpose: 'test' } },
    });
    const headers = { authorization: 'Bearer hidden', 'x-api-key': 'hidden', accept: 'text/plain' };
    const answer = await fetch(`${url}/v1/invoices?access_token=hidden&page=2`, {
      method: 'POST',
      headers,
      body: 'é!',
    });
    expect(await answer.text()).toBe('é!');
    const [submitted, succeeded] = memory.events;
    const call = {
      ...{
        purpose: 'test',
        method: 'POST',
        url: `${url.replace('0.1:', '0.***:')}/v1/invoices`,
        parameters: ['access_token', 'page'],
      },
      call: expect.stringMatching(/^[0-9a-f-]{36}$/),
    };
    expect(submitted).toMatchObject({
      ...{ type: 'http.submitted', actor: { id: 'billing' } },
      details: { ...call, requestBytes: 3, headers: { authorization: '[redacted]', 'x-api-key': '[redacted]' } },
    });
    expect(succeeded).toMatchObject({
      ...{ type: 'http.succeeded', outcome: 'success', actor: { id: 'billing' } },
      details: {
        ...call,
        status: 200,
        responseBytes: 3,
        durationMs: expect.any(Number),
        headers: { 'x-kind': 'echo' },
      },
    });
    const ids = memory.events.map(
      ({ details }) => typeof details === 'object' && details !== null && Reflect.get(details, 'call'),
    );
    expect(new Set(ids).size).toBe(1);
    expect(memory.events).toHaveLength(2);
    expect(JSON.stringify(memory.events)).not.toContain('hidden');
  });

  it.each([
    [302, 'http.succeeded', 'success', undefined],
    [403, 'http.failed', 'denied', 'warning'],
    [404, 'http.failed', 'failure', 'warning'],
    [429, 'http.rate_limited', 'blocked', 'warning'],
    [503, 'http.failed', 'error', 'error'],
  ])('with the answer %i is a %s', async (status, type, outcome, severity) => {
    const { url, fetch, memory } = await called((_, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end();
    });
    expect((await fetch(new URL(url), { redirect: 'manual' })).status).toBe(status);
    expect(memory.events[1]).toMatchObject({ type, outcome, details: { status, retryAfter: '7' } });
    expect(memory.events[1]?.severity).toBe(severity);
  });

  it('gives back the very answer, its body unread, and takes the very arguments', async () => {
    const answer = new Response(new ReadableStream());
    const body = new ReadableStream();
    const seen: unknown[] = [];
    const { fetch, memory } = await called(echo, {
      fetch: async (...args) => {
        seen.push(...args);
        return answer;
      },
    });
    const request = new Request('http://a.example/', { method: 'PUT', body, duplex: 'half' });
    const init = { headers: new Headers({ 'x-a': 'b' }) };
    expect(await fetch(request, init)).toBe(answer);
    expect(seen[0]).toBe(request);
    expect(seen[1]).toBe(init);
    expect([answer.bodyUsed, answer.body?.locked, request.bodyUsed, request.body?.locked]).toEqual(
      Array(4).fill(false),
    );
    expect(memory.events).toMatchObject([{ details: { method: 'PUT', headers: { 'x-a': 'b' } } }, {}]);
    expect(memory.events[0]?.details).not.toHaveProperty('requestBytes');
  });

  it('throws the very error that the call throws, and logs what it was', async () => {
    const error = new TypeError('fetch failed', {
      cause: Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }),
    });
    const { fetch, memory } = await called(echo, { fetch: () => Promise.reject(error) });
    await expect(fetch('http://a.example/')).rejects.toBe(error);
    expect(memory.events[1]).toMatchObject({
      ...{ type: 'http.failed', outcome: 'error', severity: 'error' },
      details: { error: { name: 'TypeError', message: 'fetch failed', code: 'ECONNREFUSED' } },
    });
  });

  it('says the same as fetch of what is no call at all, and logs nothing of it', async () => {
    const { fetch, memory } = await called(echo);
    await expect(fetch('hidden')).rejects.toThrow(new TypeError('Failed to parse URL from hidden'));
    await expect(fetch('http://a.example/', { headers: { 'bad name': 'x' } })).rejects.toThrow(TypeError);
    expect(memory.events.map(({ type }) => type)).toEqual(Array(2).fill(['http.submitted', 'http.failed']).flat());
    expect(memory.events[0]).toMatchObject({ details: { url: '[not a URL]' } });
  });

  it('is aborted as ever', async () => {
    const { url, fetch, memory } = await called(() => undefined);
    const controller = new AbortController();
    const reason = new RangeError('changed my mind');
    const call = fetch(url, { signal: controller.signal });
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect(memory.events[1]).toMatchObject({ type: 'http.failed', details: { error: { name: 'RangeError' } } });
  });

  it('goes on where nothing can be logged', async () => {
    const errors: Error[] = [];
    const { url, fetch, audit } = await called(echo, { onError: (error) => errors.push(error) });
    await audit.close();
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(200);
    expect(errors.map(({ message }) => message)).toEqual(['the logger is closed', 'the logger is closed']);
  });
});
