import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { getConnInfo } from '@hono/node-server/conninfo';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type AuditLogger, createAuditLogger, MemorySink } from '../../../lib/client/index.ts';
import * as forExpress from '../../../lib/client/middleware/express.ts';
import * as forFastify from '../../../lib/client/middleware/fastify.ts';
import * as forHono from '../../../lib/client/middleware/hono.ts';
import { prepareBatch } from '../../../lib/event/intake.ts';
import { DEFAULT_POLICY } from '../../../lib/privacy/policy.ts';

/** The middleware in the frameworks that it is for: the same application three times, the same promises. */

interface App {
  readonly url: string;
  readonly memory: MemorySink;
  readonly errors: Error[];
}

/** What differs from one framework to the next: how to ask who it was. */
interface Choices {
  readonly context?: (tenant: string | undefined) => object;
}

type Framework = (audit: AuditLogger, choices: Choices, onError: (error: Error) => void) => Promise<Server>;

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  express: async (audit, { context }, onError) => {
    const app = express().set('trust proxy', true);
    const skip = (request: express.Request): boolean => request.path === '/health';
    app.use(
      forExpress.auditRequests<express.Request>(audit, {
        ...{ skip, onError },
        ...(context === undefined ? {} : { context: (request) => context(request.header('x-tenant')) }),
      }),
    );
    app.use(express.json());
    app.get('/health', (_, response) => void response.send('ok'));
    app.get('/broken', () => {
      throw new Error('bug');
    });
    app.get('/never', () => undefined);
    const router = express.Router().post('/', async (request, response) => {
      await Promise.resolve();
      audit.log({ type: 'invoice.paid', details: request.body });
      response.status(201).send('paid');
    });
    app.use('/invoices', router);
    app.use(((_error, _request, response, _next) => void response.status(500).end()) as express.ErrorRequestHandler);
    return createServer(app).listen(0, '127.0.0.1');
  },
  fastify: async (audit, { context }, onError) => {
    const app = fastify({ trustProxy: true });
    app.register(
      forFastify.auditRequests(audit, {
        ...{ skip: (request) => request.url === '/health', onError },
        ...(context === undefined ? {} : { context: ({ headers }) => context(headers['x-tenant']?.toString()) }),
      }),
    );
    app.get('/health', async () => 'ok');
    app.get('/broken', async () => {
      throw new Error('bug');
    });
    app.get('/never', () => new Promise(() => undefined));
    app.post('/invoices', async (request, reply) => {
      await Promise.resolve();
      audit.custom('invoice.paid', { details: { ...Object(request.body) } });
      return reply.status(201).send('paid');
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
  hono: async (audit, { context }, onError) => {
    const app = new Hono();
    app.use(
      forHono.auditRequests(audit, {
        ...{ skip: (c) => c.req.path === '/health', onError, ip: (c) => getConnInfo(c).remote.address },
        ...(context === undefined ? {} : { context: (c) => context(c.req.header('x-tenant')) }),
      }),
    );
    app.get('/health', (c) => c.text('ok'));
    app.get('/broken', () => {
      throw new Error('bug');
    });
    app.get(
      '/never',
      (c) => new Promise<void>((resolve) => c.req.raw.signal.addEventListener('abort', () => resolve())),
    );
    app.post('/invoices', async (c) => {
      audit.custom('invoice.paid', { details: await c.req.json() });
      return c.text('paid', 201);
    });
    app.onError((_, c) => c.body(null, 500));
    return createServer(getRequestListener(app.fetch)).listen(0, '127.0.0.1');
  },
};

async function start(framework: Framework, choices: Choices = {}): Promise<App> {
  const memory = new MemorySink();
  const errors: Error[] = [];
  const audit = createAuditLogger({ sinks: [memory], onError: (error) => errors.push(error) });
  const server = await framework(audit, choices, (error) => errors.push(error));
  if (!server.listening) await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // A server that listens on TCP has such an address.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, memory, errors };
}

const pay = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/invoices?token=hidden`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'test/1', ...headers },
    body: '{"total":12}',
  });

/** The request's own event comes when the answer has left, which its receiver may know first. */
const events = (memory: MemorySink, count: number) =>
  expect
    .poll(() => memory.events, { interval: 2 })
    .toHaveLength(count)
    .then(() => memory.events);

describe.each(Object.entries(FRAMEWORKS))('%s', (_, framework) => {
  it('gives what is logged in a request its context, and logs the request', async () => {
    const context = (tenant: string | undefined): object => ({ tenant, actor: { id: 'alice' } });
    const { url, memory, errors } = await start(framework, { context });
    const answer = await pay(url, { 'x-tenant': 'acme', 'x-request-id': 'r-1', 'x-correlation-id': 'c-1' });
    expect([answer.status, await answer.text()]).toEqual([201, 'paid']);
    const [paid, request] = await events(memory, 2);
    const shared = { request: 'r-1', correlation: 'c-1', tenant: 'acme' };
    expect(paid).toMatchObject({
      type: 'invoice.paid',
      actor: { id: 'alice' },
      context: shared,
      details: { total: 12 },
    });
    expect(request).toMatchObject({
      ...{ type: 'http.request', outcome: 'success', context: shared },
      actor: { id: 'alice', ip: '127.0.0.***', userAgent: 'test/1' },
      details: { method: 'POST', path: '/invoices', status: 201, requestBytes: 12, durationMs: expect.any(Number) },
    });
    expect(JSON.stringify(memory.events)).not.toContain('hidden');
    expect(errors).toEqual([]);
  });

  it('keeps requests apart that are under way at once, and names those that bring no name', async () => {
    const { url, memory } = await start(framework, { context: (tenant) => ({ tenant }) });
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((tenant) => pay(url, { 'x-tenant': tenant, 'x-request-id': 'not a name!' })),
    );
    const all = await events(memory, 8);
    const contexts = (type: string) =>
      all.filter((event) => event.type === type).map(({ context }) => JSON.stringify(context));
    expect(contexts('invoice.paid').sort()).toEqual(contexts('http.request').sort());
    expect(new Set(contexts('http.request')).size).toBe(4);
    expect(all.find(({ type }) => type === 'http.request')).toMatchObject({
      context: { request: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      details: { ip: '127.0.0.***', userAgent: 'test/1' },
    });
  });

  it('tells failures, and skips what it is told to skip', async () => {
    const { url, memory } = await start(framework);
    for (const path of ['/health', '/broken', '/nowhere']) await (await fetch(`${url}${path}`)).bytes();
    expect(await events(memory, 2)).toMatchObject([
      { outcome: 'error', severity: 'error', details: { path: '/broken', status: 500 } },
      { outcome: 'failure', severity: 'warning', details: { path: '/nowhere', status: 404 } },
    ]);
  });

  it('tells a caller who left', async () => {
    const { url, memory } = await start(framework);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /never HTTP/1.1\r\nhost: a\r\n\r\n', () => setImmediate(() => socket.destroy()));
    expect(await events(memory, 1)).toMatchObject([{ outcome: 'failure', details: { path: '/never', aborted: true } }]);
  });

  it('serves on when the context cannot be had', async () => {
    const context = (): never => {
      throw new Error('bug');
    };
    const { url, memory, errors } = await start(framework, { context });
    expect((await pay(url)).status).toBe(201);
    await events(memory, 2);
    expect(new Set(errors.map(({ message }) => message))).toEqual(new Set(['bug']));
  });
});

describe.each(Object.entries(FRAMEWORKS))('%s, no matter who asks', (_, framework) => {
  it.each<[what: string, context: () => unknown]>([
    ['an actor that is 0', () => ({ actor: 0 })],
    ['an actor without a name', () => ({ actor: { id: '' } })],
    ['an actor whose id is a number', () => ({ actor: { id: 7 } })],
    ['an actor with a name that is too long', () => ({ actor: { id: 'x'.repeat(600) } })],
    ['an actor that is a text', () => ({ actor: 'mallory' })],
    ['an actor with members of its own', () => ({ actor: { id: 'mallory', isAdmin: true, ip: 'x' } })],
    ['a tenant that is an object', () => ({ tenant: { $gt: '' } })],
    ['a context that throws when it is read', () => new Proxy({}, { ownKeys: () => [].concat({} as never) })],
    ['an actor that throws when it is read', () => ({ actor: new Proxy({}, { get: () => [].at(Symbol() as never) }) })],
    ['what no event has', () => ({ unheardOf: 1n })],
  ])('logs its request with %s', async (_, context) => {
    const { url, memory } = await start(framework, { context: context as () => object }); // as programs in JavaScript do
    expect((await pay(url)).status).toBe(201);
    const [paid, request] = await events(memory, 2);
    expect(paid).toMatchObject({ type: 'invoice.paid', details: { total: 12 } });
    expect(request).toMatchObject({
      type: 'http.request',
      outcome: 'success',
      details: { method: 'POST', status: 201 },
    });
    for (const event of [paid, request]) {
      expect(prepareBatch(Buffer.from(JSON.stringify(event)), 'application/json', DEFAULT_POLICY)).toHaveLength(1);
    }
  });

  it('logs its request with headers that say nothing true', async () => {
    const { url, memory } = await start(framework, { context: () => ({ actor: { id: 'mallory' } }) });
    for (const address of ['203.0.113.7:51234', 'x', '::::', 'a'.repeat(5000)]) {
      const odd = { 'x-forwarded-for': address, 'x-request-id': address, 'user-agent': 'u'.repeat(5000) };
      expect((await pay(url, odd)).status).toBe(201);
    }
    const all = await events(memory, 8);
    expect(all.filter(({ type }) => type === 'http.request')).toHaveLength(4);
    for (const event of all) expect(event).toMatchObject({ actor: { id: 'mallory' } });
  });
});
