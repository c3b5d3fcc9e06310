import { describe, expect, it } from 'vitest';
import type { ApiRequest } from '../../lib/api/core/http.ts';
import { ACTIONS, type Action, Principal } from '../../lib/api/core/principal.ts';
import type { Route } from '../../lib/api/core/route.ts';
import { SHADOWED_IDS } from '../../lib/api/routes/events.ts';
import { descriptionRoute, getHealth } from '../../lib/api/routes/public.ts';
import { ROUTES } from '../../lib/api/routes.ts';
import type { Services } from '../../lib/api/services.ts';
import { ROUTER } from '../../lib/server/router.ts';
import { callDeclared } from './declared-call.ts';

/**
 * The promise: what a route declares is what its callers need, on every trail, and a caller without it learns nothing. The
 * calls are made from the declarations, so a route that is added is judged here without a line of its own.
 */

const ALL = [...ROUTES, descriptionRoute(async () => '{}'), getHealth] as readonly Route<Services>[];
const byName = new Map(ALL.map((route) => [route.name, route]));
const APPLICATION_TRAILS = ['orders', 'payments'];
const SYSTEM_TRAILS = ['_system', '_access'];
const TRAILS = [...APPLICATION_TRAILS, ...SYSTEM_TRAILS];

/** Which trails the patterns of a grant cover. */
const COVERED: Readonly<Record<string, readonly string[]>> = {
  '*': APPLICATION_TRAILS,
  '_*': SYSTEM_TRAILS,
  orders: ['orders'],
  _access: ['_access'],
  'x-*': [],
};
const PATTERNS = Object.keys(COVERED);

/** Whether a right is enough: only the system appends to its own trails. */
const isGranted = (action: Action, pattern: string, trail: string): boolean =>
  (COVERED[pattern]?.includes(trail) ?? false) && !(action === 'append' && trail.startsWith('_'));

const needs = ({ action }: Route<Services>): readonly Action[] => (action.on === 'nothing' ? [] : action.anyOf);

/** Parameters without which a route answers no one. */
const REQUIRED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  getConsistency: [
    ['from', '1'],
    ['to', '2'],
  ],
  getActivity: [['actor', 'alice']],
};

/** Calls a route as a principal with one right. */
const call = (route: Route<Services>, action: Action, pattern: string, trails: readonly string[]) =>
  callDeclared(route, {
    trail: trails[0] ?? '',
    query: route.action.on === 'query' ? trails.map((trail) => ['trail', trail]) : (REQUIRED[route.name] ?? []),
    grant: { actions: [action], trails: [pattern] },
  });

describe('what a caller needs', () => {
  it('is on record here, since it is a promise: a change is a decision', () => {
    expect(Object.fromEntries(ALL.map((route) => [route.name, [route.action.on, ...needs(route)].join(' ')]))).toEqual({
      appendEvents: 'path append',
      appendOtlpLogs: 'path append',
      appendOtlpTraces: 'path append',
      queryEvents: 'path read',
      queryTrails: 'query read',
      getRecord: 'path read',
      getProof: 'path read verify',
      getCheckpoint: 'path read verify',
      getConsistency: 'path read append verify',
      getWitnessed: 'path read append verify',
      getCoseReceipt: 'path read verify',
      getSummary: 'path read',
      getActivity: 'path read',
      getActorActivity: 'path read',
      listTrails: 'answer read',
      listKeys: `query ${ACTIONS.join(' ')}`,
      verifyTrail: 'path verify',
      getVerification: 'path verify',
      getVerifications: 'path verify',
      requestExport: 'path export',
      getExport: 'path export',
      sealTrail: 'path admin',
      setLegalHold: 'path admin',
      getLegalHold: 'path read admin',
      getDescription: 'nothing',
      getHealth: 'nothing',
    });
  });

  it('is recorded in _access by every route that shows records, and by no other', () => {
    const recorded = ALL.filter(({ recorded }) => recorded !== false).map(({ name, recorded }) => [name, recorded]);
    expect(Object.fromEntries(recorded)).toEqual({
      queryEvents: 'access.query',
      queryTrails: 'access.query',
      getRecord: 'access.record',
      getProof: 'access.proof',
      getSummary: 'access.summary',
      getActivity: 'access.activity',
      getActorActivity: 'access.activity',
      verifyTrail: 'access.verification',
      requestExport: 'access.export',
      getExport: 'access.export',
    });
  });
});

const onTrails = ALL.filter(({ action }) => action.on === 'path' || action.on === 'query');

describe.each(onTrails.map(({ name }) => name))('%s', (name) => {
  const route = byName.get(name) ?? expect.fail(name);

  it.each(ACTIONS)(
    'with the right to %s is answered where that is declared, and else reaches nothing',
    async (action) => {
      for (const pattern of PATTERNS) {
        for (const trail of TRAILS) {
          const isAllowed = needs(route).includes(action) && isGranted(action, pattern, trail);
          const { status, isReached, detail } = await call(route, action, pattern, [trail]);
          expect({ pattern, trail, status, isReached }).toEqual(
            isAllowed
              ? { pattern, trail, status: route.internalStatus ?? 500, isReached: true }
              : { pattern, trail, status: 403, isReached: false },
          );
          if (!isAllowed) expect(detail).toMatch(/^not allowed: [a-z, ]+ on (trail \w+|these trails)$/);
        }
      }
    },
  );

  it('is refused for several trails as soon as one is not covered', async () => {
    if (route.action.on !== 'query') return;
    const [action] = needs(route);
    expect((await call(route, action ?? 'read', 'orders', ['orders', 'payments'])).status).toBe(403);
    expect((await call(route, 'read', '*', ['orders', 'payments'])).isReached).toBe(true);
  });
});

describe('a list', () => {
  const head = { size: 1, receivedAt: 1 };
  const ledger = {
    trails: async function* () {
      yield* TRAILS;
    },
    head: async () => head,
    verifiers: async () => [{ name: 'log', keyId: 1, algorithm: 'ed25519', vkey: '', spki: new Uint8Array(44) }],
  };
  // The cast: what the two lists ask for.
  const services = { ledger, logName: 'log', recordsReads: false } as unknown as Services;

  it.each(
    ['listTrails', 'listKeys'].flatMap((name) =>
      ACTIONS.flatMap((action) => PATTERNS.map((pattern) => [name, action, pattern] as const)),
    ),
  )('%s shows with the right to %s on %s those trails alone', async (name, action, pattern) => {
    const route = byName.get(name) ?? expect.fail(name);
    const principal = new Principal({ name: 'caller', actions: [action], trails: [pattern] });
    const request: ApiRequest = {
      ...{ method: 'GET', path: route.path, query: new URLSearchParams(), headers: {}, body: new Uint8Array() },
      ...{ principal, requestId: 'r-1' },
    };
    const reply = JSON.parse(String((await ROUTER.handle(services, request, () => undefined)).body));
    const shown = (name === 'listTrails' ? reply.trails : reply.keys).map(({ trail }: { trail: string }) => trail);
    const isShown = (trail: string) => needs(route).includes(action) && isGranted(action, pattern, trail);
    expect(shown).toEqual(TRAILS.filter(isShown));
  });
});

describe('a grant on AWS, where `*` matches `/` too', () => {
  it('of another path never gives a record: none is returned by an id that is the end of such a path', () => {
    const ends = ROUTES.filter(
      ({ method, action }) => method === 'GET' && action.on === 'path' && grantsMoreThanRead(action),
    )
      .map(({ path }) => path.split('/').at(-1) ?? '')
      .filter((end) => !end.startsWith('{'));
    expect(ends.length).toBeGreaterThan(3);
    expect([...SHADOWED_IDS].sort()).toEqual([...new Set(ends)].sort());
  });
});

const grantsMoreThanRead = ({ anyOf }: { readonly anyOf: readonly Action[] }): boolean =>
  anyOf.some((action) => action !== 'read');
