import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { ACTIONS } from '../../lib/api/core/principal.ts';
import { type Route, route } from '../../lib/api/core/route.ts';
import { ROUTES } from '../../lib/api/routes.ts';
import type { Services } from '../../lib/api/services.ts';
import { filterOf } from '../../lib/contract/query.ts';
import { callDeclared } from './declared-call.ts';

/** A route is its whole contract: what is not declared does not compile, or is refused. */

const declared = {
  name: 'getHead',
  method: 'GET',
  path: '/v1/trails/{trail}/head',
  action: { on: 'path', anyOf: ['read'] },
  recorded: false,
  summary: 'The head of a trail.',
  replies: { 200: 'text/plain' },
  handler: async () => ({ status: 200, headers: {}, body: '' }),
} as const;

describe('a declaration', () => {
  it('compiles with all of its contract', () => {
    expect(route(declared)).toMatchObject({ name: 'getHead', action: { on: 'path', anyOf: ['read'] } });
  });

  it('does not compile without an action, nor with one that does not fit its path', () => {
    const { action: _, ...unguarded } = declared;
    // @ts-expect-error no one would have been authorised
    route(unguarded);
    // @ts-expect-error the path names a trail, so the action is on it
    route({ ...declared, action: { on: 'answer', anyOf: ['read'] } });
    // @ts-expect-error the path names no trail
    route({ ...declared, path: '/v1/heads' });
    // @ts-expect-error one action is needed at least
    route({ ...declared, action: { on: 'path', anyOf: [] } });
  });

  it('does not compile where it leaves open whether accesses are recorded', () => {
    const { recorded: _, ...unrecorded } = declared;
    // @ts-expect-error a read must not go unrecorded by oversight
    route(unrecorded);
  });

  it('does not compile without a schema for each parameter of its path', () => {
    // @ts-expect-error {seq} has no schema
    route({ ...declared, path: '/v1/trails/{trail}/heads/{seq}' });
    // @ts-expect-error {seq} has no schema
    route({ ...declared, path: '/v1/trails/{trail}/heads/{seq}', params: z.strictObject({ size: z.string() }) });
  });

  it('is the only way to be served', () => {
    // @ts-expect-error an object that only looks like a route
    const unguarded: Route<unknown> = {
      ...declared,
      params: z.object(),
      query: z.object(),
      headers: z.object(),
      formats: [],
    };
    expect(unguarded.name).toBe('getHead');
  });

  it('gives its handler parsed values', () => {
    const size = z.string().transform(Number);
    route({
      ...declared,
      query: z.strictObject({ size, at: size.optional() }),
      handler: async (_: unknown, { params: { trail }, query: { size, at } }) => {
        const typed: [string, number, number | undefined] = [trail, size, at];
        // @ts-expect-error it is a number
        const wrong: string = size;
        return { status: 200, headers: {}, body: `${typed} ${wrong}` };
      },
    });
  });
});

/** A value that each parameter takes. A parameter that is added needs one here. */
const SAMPLES: Readonly<Record<string, string>> = {
  ...{
    trail: 'orders',
    format: 'csv',
    proof: '1',
    order: 'oldest',
    limit: '5',
    cursor: 'abc',
    size: '3',
    days: '7',
    bucket: 'day',
  },
  ...{
    top: '5',
    from: '1',
    to: '2',
    timeFrom: '1',
    timeTo: '2',
    type: 'auth.login',
    actor: 'alice',
    actorType: 'user',
  },
  ...{ resource: 'a', resourceType: 'a', tenant: 'a', project: 'a', session: 'a', request: 'a', correlation: 'a' },
  ...{
    agent: 'a',
    action: 'a',
    approval: 'a',
    outcome: 'success',
    severity: 'error',
    decision: 'allow',
    submitter: 'a',
  },
  ...{
    id: 'a',
    ip: '192.0.2.1',
    userAgent: 'curl/8',
    where: 'details.n > 1',
    text: 'a',
    tz: 'Europe/Berlin',
    seq: '1..5',
    by: 'hour,tenant',
    clock: 'happened',
  },
};
const sampleOf = (name: string): string =>
  SAMPLES[filterOf(name) ?? name] ?? expect.fail(`no sample of the parameter ${name}`);

/** Calls a route with parameters, as a caller with every right. */
async function call(route: Route<Services>, query: Readonly<Record<string, string>>) {
  const grant = { actions: [...ACTIONS], trails: ['*'] };
  const { status, field } = await callDeclared(route, { trail: 'orders', query: Object.entries(query), grant });
  return { status, field };
}

describe.each(ROUTES.map((one) => [one.name, one] as const))('the query of %s', (_, route) => {
  const names = Object.keys(route.query.shape);
  const required = names.filter((name) => !route.query.shape[name]?.safeParse(undefined).success);
  const least = Object.fromEntries(required.map((name) => [name, sampleOf(name)]));

  it('takes every parameter that it declares', async () => {
    for (const name of names) {
      expect({ name, ...(await call(route, { ...least, [name]: sampleOf(name) })) }).toEqual({ name, status: 500 });
    }
  });

  it('refuses every other, with its name', async () => {
    for (const name of [...Object.keys(SAMPLES), 'nonsense', '__proto__'].filter((one) => !names.includes(one))) {
      const query = Object.fromEntries([...Object.entries(least), [name, '1']]);
      expect(await call(route, query)).toEqual({ status: 400, field: name });
    }
  });

  it('cannot do without those that it requires', async () => {
    for (const name of required) {
      const { [name]: _, ...rest } = least;
      expect(await call(route, rest)).toEqual({ status: 400, field: name });
    }
  });
});
