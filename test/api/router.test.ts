import { describe, expect, it } from 'vitest';

import type { ApiRequest, ApiResponse } from '../../lib/api/core/http.ts';
import { Principal } from '../../lib/api/core/principal.ts';
import type { Services } from '../../lib/api/services.ts';
import { ROUTER } from '../../lib/server/router.ts';

/** Finding the route, before any of the services is asked: here there are none, so that asking one would fail. */
// The cast: whatever is missing, the proxy answers for.
const NONE = new Proxy({} as Services, {
  get: (_, name) =>
    name !== 'recordsReads' &&
    new Proxy(Object, {
      get: () => {
        throw new Error(`${String(name)} was asked`);
      },
    }),
});
const nobody = new Principal({ name: 'nobody', actions: [], trails: [] });

async function ask(method: string, path: string, principal = nobody) {
  const errors: unknown[] = [];
  const request: ApiRequest = {
    ...{ method, path, query: new URLSearchParams(), headers: {}, body: new Uint8Array() },
    ...{ principal, requestId: 'r-1' },
  };
  const response: ApiResponse = await ROUTER.handle(NONE, request, (error) => errors.push(error));
  const { status, headers, body } = response;
  return { status, headers, errors, problem: body === '' ? undefined : JSON.parse(String(body)) };
}

describe('a path', () => {
  it.each([
    '/',
    '/v1',
    '/v2/trails',
    '/v1/trails/orders',
    '/v1/trails/orders/events/',
    '/v1/trails/',
    '//v1/trails',
    '/v1/trails/orders/events/..',
    '/v1/trails/orders/./events',
    '/v1/trails/../trails/orders/events',
    '/V1/trails',
  ])('that nothing is at gets 404: %s', async (path) => {
    const { status, problem } = await ask('GET', path);
    expect([status, problem.code, problem.detail]).toEqual([
      404,
      'not_found',
      'there is nothing at this path: see /v1/openapi.json',
    ]);
  });

  it.each(['/v1/trails/a%2/events', '/v1/trails/%ff/events'])('that is no UTF-8 gets 400: %s', async (path) => {
    expect((await ask('GET', path)).problem).toMatchObject({ code: 'invalid_parameter', field: 'path' });
  });

  it.each(['Orders', 'a b', '-a', 'a'.repeat(64), '__', '%E2%82%AC', 'a%2Fb', '..%2Fb'])(
    'with a trail that none can be named gets 400 before anybody is asked who is calling: %s',
    async (trail) => {
      const { status, problem } = await ask('GET', `/v1/trails/${encodeURI(trail).replaceAll('%25', '%')}/summary`);
      expect([status, problem.code, problem.field]).toEqual([400, 'invalid_trail', 'trail']);
    },
  );
});

describe('a method', () => {
  it.each<[path: string, allow: string]>([
    ['/v1/trails', 'GET, HEAD, OPTIONS'],
    ['/v1/trails/orders/events', 'GET, HEAD, OPTIONS, POST'],
    ['/v1/trails/orders/seals', 'OPTIONS, POST'],
  ])('that %s does not have gets 405 and what it has, and OPTIONS the same in peace', async (path, allow) => {
    for (const method of ['DELETE', 'PUT', 'PATCH', 'TRACE', 'get']) {
      const { status, headers, problem } = await ask(method, path);
      expect([status, headers.allow, problem.code]).toEqual([405, allow, 'method_not_allowed']);
    }
    const { status, headers } = await ask('OPTIONS', path);
    expect([status, headers.allow]).toEqual([204, allow]);
  });
});

describe('an error that is no one’s mistake', () => {
  it('is told to the operator, with the caller’s answer saying nothing of it', async () => {
    const reader = new Principal({ name: 'a', actions: ['read'], trails: ['*'] });
    const { status, problem, errors } = await ask('GET', '/v1/trails/orders/checkpoint', reader);
    expect([status, problem.code]).toEqual([500, 'internal']);
    expect(errors).toEqual([new Error('ledger was asked')]);
  });
});

describe('a path in the log', () => {
  it.each<[path: string, logged: string]>([
    ['/v1/trails/orders/events', '/v1/trails/orders/events'],
    ['/v1/trails/orders/actors/alice%40example.com/activity', '/v1/trails/orders/actors/{actor}/activity'],
    ['/v1/trails/orders/events/order-of-bob', '/v1/trails/orders/events/{event}'],
    ['/v1/trails/orders/events/17/proof', '/v1/trails/orders/events/17/proof'],
    ['/nothing/here', '/nothing/here'],
    [`/${'x'.repeat(999)}`, `/${'x'.repeat(255)}`],
    ['', '/'],
  ])('names no person and stays short: %s', (path, logged) => {
    expect(ROUTER.loggedPath(path)).toBe(logged);
  });
});
