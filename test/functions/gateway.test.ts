import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { answer } from '../../functions/gateway.ts';
import { logger } from '../../functions/telemetry.ts';
import { Router } from '../../lib/api/core/router.ts';
import { descriptionRoute } from '../../lib/api/routes/public.ts';
import { ROUTE_GROUPS } from '../../lib/api/routes.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { APPEND, append, bodyOf, type Deployed, deploy, QUERY, router } from './deployed.ts';
import { gatewayEvent, restEvent, SESSION, USER } from './events.ts';

let deployed: Deployed;
let info: MockInstance;
let error: MockInstance;
beforeEach(async () => {
  info = vi.spyOn(logger, 'info').mockImplementation(() => undefined);
  error = vi.spyOn(logger, 'error').mockImplementation(() => undefined);
  deployed = await deploy();
});
afterEach(() => vi.restoreAllMocks());

describe('a request through API Gateway', () => {
  it('appends, and what was appended is found by a query, sealed under the ARN of its caller', async () => {
    const receipt = await deployed.call(append('orders'));
    expect(receipt).toMatchObject({ statusCode: 201, isBase64Encoded: false });
    expect(bodyOf(receipt)).toMatchObject({ trail: 'orders', first: 0, count: 1, sealed: true });
    const page = await deployed.call({ route: QUERY, parameters: { trail: 'orders' }, query: 'actor=ann' });
    expect(bodyOf(page)).toMatchObject({ records: [{ submitter: USER, event: { actor: { id: 'ann' } } }], asOf: 1 });
  });

  it('knows the session of an assumed role by its ARN too', async () => {
    await deployed.call({ ...append('orders'), userArn: SESSION });
    const record = await deployed.call({
      route: 'GET /v1/trails/{trail}/events/{event}',
      parameters: { trail: 'orders', event: '0' },
    });
    expect(bodyOf(record)).toMatchObject({ submitter: SESSION });
  });

  it('may have a body in base64, compressed', async () => {
    const body = gzipSync(JSON.stringify({ type: 'data.update' }));
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const result = await deployed.call({ route: APPEND, parameters: { trail: 'orders' }, headers, body });
    expect(result.statusCode).toBe(201);
  });

  it('takes OTLP in protobuf, and answers in it: which is no text', async () => {
    const headers = { 'content-type': 'application/x-protobuf' };
    // ResourceSpans > ScopeSpans > 200 spans without ids, which are rejected: their number takes two bytes.
    const spans = Buffer.alloc(400).fill(Buffer.from([0x12, 0x00]));
    const body = Buffer.concat([Buffer.from([0x0a, 0x93, 0x03, 0x12, 0x90, 0x03]), spans]);
    const route = 'POST /v1/otlp/{trail}/v1/traces';
    const result = await deployed.call({ route, parameters: { trail: 'telemetry' }, headers, body });
    expect(result).toMatchObject({ statusCode: 200, isBase64Encoded: true, headers });
    const bytes = Buffer.from(result.body ?? '', 'base64');
    expect([...bytes.subarray(2, 5)]).toEqual([0x08, 0xc8, 0x01]); // field 1: 200
  });

  it.each(['100%', 'a/b', 'a?b=c#d', 'ä ö', '%2F', 'user:ann@example.com'])(
    'means the actor %j, though API Gateway decodes the path',
    async (actor) => {
      await deployed.call(append('orders', { type: 'data.update', actor: { id: actor } }));
      const result = await deployed.call({
        route: 'GET /v1/trails/{trail}/actors/{actor}/activity',
        parameters: { trail: 'orders', actor },
      });
      expect(result.statusCode).toBe(200);
      expect(bodyOf(result).total).toBe(1);
    },
  );

  it.each(['100%', 'a/b', 'a?b=c#d', 'ä ö', '%2F', 'arn:aws:sts::111122223333:assumed-role/Shop/i-0'])(
    'means the actor %j in the query, which API Gateway passes on as it was sent',
    async (actor) => {
      await deployed.call(append('orders', { type: 'data.update', actor: { id: actor } }));
      const route = 'GET /v1/trails/{trail}/activity';
      const query = `actor=${encodeURIComponent(actor)}&days=7`;
      const result = await deployed.call({ route, parameters: { trail: 'orders' }, query });
      expect(result.statusCode).toBe(200);
      expect(bodyOf(result)).toMatchObject({ actor, total: 1 });
    },
  );

  it('repeated under its idempotency key is the same append', async () => {
    const call = append('orders');
    const repeated = { ...call, headers: { ...call.headers, 'idempotency-key': 'order-1' } };
    const first = await deployed.call(repeated);
    const second = await deployed.call(repeated);
    expect([first.statusCode, second.statusCode]).toEqual([201, 200]);
    expect(bodyOf(second)).toMatchObject({ first: 0, replayed: true });
  });
});

describe('an answer', () => {
  it('is compressed when it is long and the caller takes that', async () => {
    for (let n = 0; n < 3; n++) {
      await deployed.call(append('orders', { type: 'data.update', description: 'x'.repeat(8_000) }));
    }
    const call = { route: QUERY, parameters: { trail: 'orders' } };
    const packed = await deployed.call({ ...call, headers: { 'accept-encoding': 'br, gzip;q=0.8' } });
    expect(packed).toMatchObject({ isBase64Encoded: true, headers: { 'content-encoding': 'gzip' } });
    const plain = await deployed.call({ ...call, headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(plain.isBase64Encoded).toBe(false);
    expect(gunzipSync(Buffer.from(packed.body ?? '', 'base64')).toString()).toBe(plain.body);
  });

  it('that Lambda could not pass on says what to do instead', async () => {
    const events = Array.from({ length: 70 }, () => ({ type: 'data.update', description: '"'.repeat(8_000) }));
    for (let n = 0; n < 4; n++) await deployed.call(append('orders', { events }));
    const result = await deployed.call({ route: QUERY, parameters: { trail: 'orders' }, query: 'limit=1000' });
    expect(result.statusCode).toBe(400);
    expect(bodyOf(result)).toMatchObject({
      code: 'invalid_parameter',
      field: 'limit',
      detail: 'limit: the response would exceed 6 MB: request fewer records, or accept gzip',
    });
  });
});

describe('who is let in', () => {
  it('is no one without a name: a route that lost its authorizer is no open door', async () => {
    const event = gatewayEvent(append('orders'));
    const { authorizer: _, ...requestContext } = event.requestContext;
    const bare = { ...event, requestContext } as typeof event; // what such a route sends, against its type
    const result = await answer(bare, { router, services: async () => deployed.log, actions: ['append'] });
    expect(result.statusCode).toBe(401);
    expect(bodyOf(result)).toMatchObject({ code: 'unauthenticated' });
    expect(await deployed.log.ledger.head('orders')).toBeUndefined();
  });

  it('is everybody on a route that is declared for everybody, and on no other of its function', async () => {
    const routes = [...ROUTE_GROUPS.read, descriptionRoute(async () => '{"openapi":"3.1.0"}')];
    const reading = { router: new Router(routes), services: async () => deployed.log, actions: ['read'] as const };
    const statuses = [];
    for (const route of ['GET /v1/openapi.json', 'GET /v1/keys', 'GET /v1/trails']) {
      const event = gatewayEvent({ route });
      const { authorizer: _, ...requestContext } = event.requestContext;
      statuses.push((await answer({ ...event, requestContext } as typeof event, reading)).statusCode); // against its type
    }
    expect(statuses).toEqual([200, 401, 401]);
  });

  it('cannot append through the function that reads, whatever its route', async () => {
    const result = await deployed.call(append('orders'), ['read', 'verify', 'export']);
    expect(result.statusCode).toBe(403);
    expect(bodyOf(result)).toMatchObject({ code: 'forbidden', detail: 'not allowed: append on trail orders' });
  });

  it('cannot read through the function that appends', async () => {
    const result = await deployed.call({ route: QUERY, parameters: { trail: 'orders' } }, ['append']);
    expect(bodyOf(result)).toMatchObject({ code: 'forbidden', detail: 'not allowed: read on trail orders' });
  });

  it("appends nothing to the system's own trails", async () => {
    const result = await deployed.call(append('_system'));
    expect(bodyOf(result)).toMatchObject({ code: 'forbidden', detail: 'not allowed: append on trail _system' });
  });
});

describe('what is logged', () => {
  it('is who called what with which outcome, and nothing that the event or the query says', async () => {
    await deployed.call(append('orders', { type: 'data.update', actor: { id: 'needle' }, description: 'needle' }));
    await deployed.call({ route: QUERY, parameters: { trail: 'orders' }, query: 'actor=needle' });
    await deployed.call({
      route: 'GET /v1/trails/{trail}/actors/{actor}/activity',
      parameters: { trail: 'orders', actor: 'needle' },
    });
    await deployed.call({ ...append('orders'), body: '{"needle"' });
    const lines = JSON.stringify(info.mock.calls);
    expect(info.mock.calls.map(([, line]) => [line.method, line.path, line.status, line.principal])).toEqual([
      ['POST', '/v1/trails/orders/events', 201, USER],
      ['GET', '/v1/trails/orders/events', 200, USER],
      ['GET', '/v1/trails/orders/actors/{actor}/activity', 200, USER],
      ['POST', '/v1/trails/orders/events', 400, USER],
    ]);
    expect(lines).not.toContain('needle');
    expect(error).not.toHaveBeenCalled();
  });

  it('is the cause of a failure, of which the caller learns nothing but the id of the request', async () => {
    const inside = async () => {
      throw new SealtrailError('malformed_record', 'the head of trail orders is not readable');
    };
    const result = await answer(gatewayEvent(append('orders')), { router, services: inside, actions: ['append'] });
    expect(result.statusCode).toBe(500);
    expect(result.body).not.toContain('head');
    expect(bodyOf(result)).toMatchObject({ code: 'internal', requestId: 'Vh1f2iZ4liAEPRQ=' });
    expect(error).toHaveBeenCalledWith('a request failed', {
      requestId: 'Vh1f2iZ4liAEPRQ=',
      reason: 'malformed_record: the head of trail orders is not readable',
    });
  });
});

describe('a request through a REST API', () => {
  const call = (asked: Parameters<typeof restEvent>[0]) =>
    answer(restEvent(asked), { router, services: async () => deployed.log, actions: ['append', 'read'] });

  it.each(['100%', 'ä ö', '%2F', 'a/b', 'user:ann'])(
    'appends, and finds what the actor %j did by query and by path, which is as it was sent',
    async (actor) => {
      const receipt = await call({
        ...append('orders', { type: 'data.update', actor: { id: actor } }),
        userArn: SESSION,
      });
      expect(receipt.statusCode).toBe(201);
      const page = await call({
        route: QUERY,
        parameters: { trail: 'orders' },
        query: new URLSearchParams({ actor }).toString(),
      });
      expect(bodyOf(page)).toMatchObject({ records: [{ submitter: SESSION, event: { actor: { id: actor } } }] });
      const route = 'GET /v1/trails/{trail}/actors/{actor}/activity';
      const activity = await call({
        route,
        parameters: { trail: 'orders', actor },
        query: 'days=7',
      });
      expect(activity.statusCode).toBe(200);
      expect(bodyOf(activity)).toMatchObject({ actor, total: 1 });
    },
  );

  it('may have a compressed body, and headers in any case', async () => {
    const body = gzipSync(JSON.stringify({ type: 'data.update' }));
    const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' };
    expect((await call({ route: APPEND, parameters: { trail: 'orders' }, headers, body })).statusCode).toBe(201);
  });

  it('is no one without a name', async () => {
    const event = restEvent(append('orders'));
    const requestContext = { ...event.requestContext, identity: { ...event.requestContext.identity, userArn: null } };
    const options = { router, services: async () => deployed.log, actions: ['append' as const] };
    expect((await answer({ ...event, requestContext }, options)).statusCode).toBe(401);
  });
});
