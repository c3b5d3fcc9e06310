import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../lib/api/routes.ts';
import type { Services } from '../../lib/api/services.ts';
import { moveWatermark, readWatermark } from '../../lib/ledger/items/watermark.ts';
import { type ErrorCode, SealtrailError } from '../../lib/log/error.ts';
import { ROUTER } from '../../lib/server/router.ts';
import { HttpServer } from '../../lib/server/server.ts';
import type { Table } from '../../lib/store/ports.ts';
import { type Answered, type Sending, send } from '../server/wire.ts';
import { type Served, serve } from './served.ts';

/**
 * What the description of the API says is what the API answers: every route's real answers, good and bad, against the
 * schemas that it serves. A route that no one asks here fails.
 */

let served: Served;
/** The same log, whose every part fails with this code. */
let failing: HttpServer;
let failure: ErrorCode = 'internal';
let description: Description;
/** An export and a verification that were asked for before anything else. */
let exportId = '';
let verificationId = '';
const seen = new Set<string>();

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { schema: object }>> }>>;
}

beforeAll(async () => {
  served = await serve();
  failing = await HttpServer.listen({
    handle: (request) => ROUTER.handle(failingServices(), request, () => undefined),
    openLink: () => Promise.reject(new SealtrailError('not_found', 'there are no links here')),
    directory: served.log.directory,
    log: () => undefined,
  });
  description = JSON.parse((await ask(served.url, { path: '/v1/openapi.json' })).body);
  for (const trail of ['orders', 'payments']) {
    await ask(served.url, { method: 'POST', path: `/v1/trails/${trail}/events`, ...json(EVENT) });
  }
  const path = '/v1/trails/orders/exports';
  exportId = JSON.parse((await ask(served.url, { method: 'POST', path, ...json({ format: 'csv' }) })).body).id;
  const verification = { path: '/v1/trails/orders/verifications', ...json({}, { prefer: 'respond-async' }) };
  verificationId = JSON.parse((await ask(served.url, { method: 'POST', ...verification })).body).id;
  // As if witnesses had cosigned a checkpoint.
  // The cast: what is spread into it is not declared.
  const { table } = served.log as unknown as { readonly table: Table };
  const note = (await served.log.ledger.seal('orders'))?.note ?? '';
  const state = { note, witnessedAt: 0, witnesses: '{}' };
  await moveWatermark(table, await readWatermark(table, '_heads', 'witnesses'), { size: 1, state });
});
afterAll(async () => {
  await failing.close();
  await served.close();
});

function failingServices(): Services {
  const fail = (): never => {
    throw new SealtrailError(failure, 'something that no one outside should read');
  };
  const failing = new Proxy(fail, { get: () => fail });
  // The cast: whichever service is asked for, each of its methods fails. Reads are not recorded, so that it is the read itself.
  return new Proxy({} as Services, { get: (_, name) => (name === 'recordsReads' ? false : failing) });
}

/** Signs as a profile, sends, and keeps the answer as it is. */
function ask(url: string, sending: Sending, profile = 'admin'): Promise<Answered> {
  const found =
    served.log.folder.profiles.find((one) => one.profile === profile) ?? expect.fail(`no profile ${profile}`);
  return send(url, { accessKeyId: found.accessKeyId, secret: found.secretAccessKey, ...sending });
}

const EVENT = { type: 'auth.login', actor: { id: 'alice', ip: '192.0.2.1' }, details: { attempt: 1 } };
const json = (body: unknown, headers: Record<string, string> = {}): Sending => ({
  body: JSON.stringify(body),
  headers: { 'content-type': 'application/json', ...headers },
});

/** An answer that a route gives when all is well. */
interface Example extends Sending {
  /** The path and query, its parameters filled in. */
  readonly to: string;
  readonly status: number;
}

const LOGS = {
  resourceLogs: [
    { scopeLogs: [{ logRecords: [{ timeUnixNano: '1767225600000000000', body: { stringValue: 'x' } }] }] },
  ],
};
/** A span without an id, which is rejected. */
const NO_SPANS = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'x' }] }] }] };

const many = { events: [EVENT, { type: 'data.update', outcome: 'denied', changes: { before: 1, after: [2] } }] };

/** Every success that the description promises, by method and path of the route. */
const examples = (): Readonly<Record<string, readonly Example[]>> => ({
  'POST /v1/trails/{trail}/events': [
    { to: '/v1/trails/orders/events', status: 201, ...json(many, { prefer: 'return=representation' }) },
    { to: '/v1/trails/orders/events', status: 201, ...json(EVENT, { 'idempotency-key': 'once' }) },
    { to: '/v1/trails/orders/events', status: 200, ...json(EVENT, { 'idempotency-key': 'once' }) },
    { to: '/v1/trails/orders/events', status: 202, ...json(EVENT, { prefer: 'respond-async' }) },
  ],
  'POST /v1/otlp/{trail}/v1/logs': [
    { to: '/v1/otlp/telemetry/v1/logs', status: 200, ...json(LOGS) },
    { to: '/v1/otlp/telemetry/v1/logs', status: 200, ...json({}) },
  ],
  'POST /v1/otlp/{trail}/v1/traces': [{ to: '/v1/otlp/telemetry/v1/traces', status: 200, ...json(NO_SPANS) }],
  'GET /v1/trails/{trail}/events': [
    { to: '/v1/trails/orders/events?actor=alice&limit=2', status: 200 },
    { to: '/v1/trails/orders/events?actor=nobody', status: 200 },
    { to: '/v1/trails/orders/events?format=ndjson', status: 200 },
    { to: '/v1/trails/orders/events?format=csv', status: 200 },
  ],
  'GET /v1/events': [
    { to: '/v1/events?limit=1&trail=orders&trail=payments', status: 200 },
    { to: '/v1/events?format=ndjson&trail=orders', status: 200 },
    { to: '/v1/events?format=csv&trail=orders', status: 200 },
  ],
  'GET /v1/trails/{trail}/events/{event}': [{ to: '/v1/trails/orders/events/0', status: 200 }],
  'GET /v1/trails/{trail}/events/{seq}/proof': [{ to: '/v1/trails/orders/events/0/proof', status: 200 }],
  'GET /v1/trails/{trail}/events/{seq}/receipt': [{ to: '/v1/trails/orders/events/0/receipt', status: 200 }],
  'GET /v1/trails/{trail}/checkpoint': [{ to: '/v1/trails/orders/checkpoint?size=1', status: 200 }],
  'GET /v1/trails/{trail}/consistency': [{ to: '/v1/trails/orders/consistency?from=1', status: 200 }],
  'GET /v1/trails/{trail}/witnessed': [{ to: '/v1/trails/_heads/witnessed', status: 200 }],
  'GET /v1/trails/{trail}/summary': [
    { to: '/v1/trails/orders/summary', status: 200 },
    { to: '/v1/trails/orders/summary?bucket=day&from=2020-01-01T00%3A00%3A00Z&top=1', status: 200 },
  ],
  'GET /v1/trails/{trail}/activity': [
    { to: '/v1/trails/orders/activity?actor=alice', status: 200 },
    { to: '/v1/trails/orders/activity?actor=a%2Fb%3Fc&days=2', status: 200 },
  ],
  'GET /v1/trails/{trail}/actors/{actor}/activity': [
    { to: '/v1/trails/orders/actors/alice/activity', status: 200 },
    { to: '/v1/trails/orders/actors/nobody/activity?days=2', status: 200 },
  ],
  'POST /v1/trails/{trail}/seals': [
    { to: '/v1/trails/orders/seals', status: 200 },
    { to: '/v1/trails/nothing/seals', status: 404 },
  ],
  'POST /v1/trails/{trail}/legal-hold': [
    { to: '/v1/trails/orders/legal-hold', status: 200, ...json({ held: true, reason: 'case 7' }) },
    { to: '/v1/trails/orders/legal-hold', status: 200, ...json({ held: false, reason: 'case 7 is closed' }) },
  ],
  'GET /v1/trails/{trail}/legal-hold': [
    { to: '/v1/trails/orders/legal-hold', status: 200 },
    { to: '/v1/trails/payments/legal-hold', status: 200 },
  ],
  'GET /v1/trails/{trail}/verifications': [{ to: '/v1/trails/payments/verifications', status: 200 }],
  'POST /v1/trails/{trail}/verifications': [
    { to: '/v1/trails/orders/verifications', status: 200 },
    { to: '/v1/trails/orders/verifications', status: 200, ...json({ mode: 'full' }) },
    { to: '/v1/trails/orders/verifications', status: 202, ...json({ from: 0 }, { prefer: 'respond-async' }) },
  ],
  'POST /v1/trails/{trail}/exports': [
    { to: '/v1/trails/orders/exports', status: 202, ...json({ format: 'csv' }, { 'idempotency-key': 'exported' }) },
  ],
  'GET /v1/trails/{trail}/verifications/{verification}': [
    { to: `/v1/trails/orders/verifications/${verificationId}`, status: 200 },
  ],
  'GET /v1/trails/{trail}/exports/{export}': [{ to: `/v1/trails/orders/exports/${exportId}`, status: 200 }],
  'GET /v1/trails': [{ to: '/v1/trails', status: 200 }],
  'GET /v1/keys': [
    { to: '/v1/keys', status: 200 },
    { to: '/v1/keys?trail=orders', status: 200 },
  ],
});

/** Holds an answer against the description of its operation. */
function check(route: string, { status, headers, body }: Answered): void {
  const [method = '', path = ''] = route.split(' ');
  const operation = description.paths[path]?.[method.toLowerCase()] ?? expect.fail(`${route} is not described`);
  const response =
    operation.responses[status] ?? expect.fail(`${route} answered ${status}, which is not described: ${body}`);
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  const { schema } = response.content[type] ?? expect.fail(`${route} answered ${status} as ${type}: ${body}`);
  const isJson = type === 'application/json' || type === 'application/problem+json';
  const valid = validatorOf(schema);
  valid(isJson ? JSON.parse(body) : body);
  expect({ route, status, errors: valid.errors, body }).toMatchObject({ errors: null });
  seen.add(`${route} ${status} ${type}`);
}

const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true }));
ajv.addVocabulary(['components']);
const validators = new Map<object, ValidateFunction>();
function validatorOf(schema: object): ValidateFunction {
  const known = validators.get(schema) ?? ajv.compile({ ...schema, components: description.components });
  validators.set(schema, known);
  return known;
}

/** What is sent for an example; the query in the order that it is signed in. */
function sendingOf({ to, status: _, ...sending }: Example, more = ''): Sending {
  const [path = '', query = ''] = to.split('?');
  const parts = [...query.split('&'), more].filter((part) => part !== '');
  return { path, query: parts.sort().join('&'), ...sending };
}

const NAMES = ROUTES.map(({ method, path }) => `${method} ${path}`);

describe('the description of the API', () => {
  it('is OpenAPI 3.1 that a linter has nothing to say about', async () => {
    expect(description.openapi).toBe('3.1.0');
    const config = await createConfig({ extends: ['recommended-strict'] });
    const problems = await lintFromString({ source: JSON.stringify(description), config });
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual([]);
  });

  it('has every route, and no other, each with a name of its own', () => {
    const described = Object.entries(description.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual(NAMES.toSorted());
    const ids = Object.values(description.paths).flatMap((one) =>
      Object.values(one).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe.each(NAMES)('%s', (route) => {
  const { method, path } = ROUTES.find((one) => route === `${one.method} ${one.path}`) ?? expect.fail(route);

  const examplesHere = (): readonly Example[] => examples()[route] ?? expect.fail(`${route} has no example here`);

  it('answers as described when all is well', async () => {
    for (const example of examplesHere()) {
      const answer = await ask(served.url, { method, ...sendingOf(example) });
      expect({ to: example.to, ...answer }).toMatchObject({ status: example.status });
      check(route, answer);
    }
  });

  it('answers as described to what is not right or not signed', async () => {
    const example = examplesHere()[0] ?? expect.fail(route);
    const wrong = await ask(served.url, { method, ...sendingOf(example, 'nonsense=1') });
    expect(wrong.status).toBe(400);
    expect(JSON.parse(wrong.body)).toMatchObject({ field: 'nonsense' });
    const unsigned = await ask(served.url, { method, ...sendingOf(example), override: { authorization: [] } });
    expect(unsigned.status).toBe(401);
    for (const answer of [wrong, unsigned]) check(route, answer);
  });

  /** What each problem comes of, inside or out. */
  const CODES: Readonly<Record<number, ErrorCode>> = {
    400: 'invalid_parameter',
    403: 'forbidden',
    404: 'not_found',
    409: 'records_archived',
    413: 'batch_too_large',
    415: 'unsupported_media_type',
    429: 'rate_limited',
    500: 'store_corrupt',
    503: 'unavailable',
  };

  it('answers as described to whatever goes wrong inside', async () => {
    const example = examplesHere()[0] ?? expect.fail(route);
    const described = Object.keys(description.paths[path]?.[method.toLowerCase()]?.responses ?? {}).map(Number);
    for (const status of described.filter((one) => one >= 402 || one === 400)) {
      failure = CODES[status] ?? expect.fail(`nothing is known to come of ${status}`);
      const answer = await ask(failing.url, { method, ...sendingOf(example) });
      expect({ status: answer.status, body: answer.body }).toMatchObject({ status });
      check(route, answer);
      if (status >= 500) expect(answer.body).not.toContain('nobody outside');
    }
  });
});

describe('problems from the outside', () => {
  const append = 'POST /v1/trails/{trail}/events';
  const path = '/v1/trails/orders/events';
  it.each<[string, number, string, Sending, string?]>([
    ['not allowed to this caller', 403, 'GET /v1/trails/{trail}/events', { path }, 'writer'],
    ['a record that is not there', 404, 'GET /v1/trails/{trail}/events/{event}', { path: `${path}/999` }],
    [
      'an export that is not there',
      404,
      'GET /v1/trails/{trail}/exports/{export}',
      { path: '/v1/trails/orders/exports/x' },
    ],
    ['another body under the same key', 409, append, { path, ...json({ type: 'a.b' }, { 'idempotency-key': 'once' }) }],
    ['too many events', 413, append, { path, ...json({ events: Array.from({ length: 1001 }, () => EVENT) }) }],
    ['a type that is not taken', 415, append, { path, body: 'x', headers: { 'content-type': 'text/plain' } }],
  ])('are described: %s', async (_, status, route, sending, profile) => {
    const answer = await ask(served.url, { method: route.split(' ')[0] ?? '', ...sending }, profile);
    expect(answer.status).toBe(status);
    check(route, answer);
  });

  it('an export that is done is the answer to anyone who asks for it again', async () => {
    const key = { 'idempotency-key': 'exported' };
    const again = () =>
      ask(served.url, { method: 'POST', path: '/v1/trails/orders/exports', ...json({ format: 'csv' }, key) });
    await expect.poll(async () => (await again()).status).toBe(200);
    check('POST /v1/trails/{trail}/exports', await again());
  });
});

it('nothing is described that was not seen here', () => {
  const described = Object.entries(description.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.entries(responses).flatMap(([status, { content }]) =>
        Object.keys(content).map((type) => `${method.toUpperCase()} ${path} ${status} ${type}`),
      ),
    ),
  );
  expect(described.filter((one) => !seen.has(one))).toEqual([]);
});
