import type { ApiRequest } from '../../lib/api/core/http.ts';
import type { Grant } from '../../lib/api/core/principal.ts';
import { Principal } from '../../lib/api/core/principal.ts';
import type { Route } from '../../lib/api/core/route.ts';
import type { Services } from '../../lib/api/services.ts';
import { ROUTER } from '../../lib/server/router.ts';

/** Bodies that the routes which need one take. */
const BODIES: Readonly<Record<string, string>> = {
  appendEvents: '{"type":"auth.login"}',
  requestExport: '{"format":"csv"}',
  setLegalHold: '{"held":true,"reason":"case 7"}',
};

export interface DeclaredCall {
  /** The trail that the path names. */
  readonly trail: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly grant: Omit<Grant, 'name'>;
}

/**
 * Calls a route by its declaration, through the real router, over services that all fail: a call that gets through to one of
 * them is answered with 500.
 */
export async function callDeclared(route: Route<Services>, { trail, query, grant }: DeclaredCall) {
  let isReached = false;
  const fail = () => {
    isReached = true;
    throw new Error('a service was reached');
  };
  const failing = new Proxy(fail, { get: () => fail });
  // The cast: whichever service is asked for, each of its methods fails.
  const services = new Proxy({} as Services, { get: (_, name) => (name === 'recordsReads' ? false : failing) });
  const path = route.path
    .replace('{trail}', trail)
    .replace(/\{(?:export|verification)\}/, '0'.repeat(32))
    .replace(/\{\w+\}/g, '0');
  const request: ApiRequest = {
    ...{ method: route.method, path, headers: { 'content-type': 'application/json' }, requestId: 'r-1' },
    query: new URLSearchParams(query.map(([name, value]): [string, string] => [name, value])),
    body: Buffer.from(BODIES[route.name] ?? ''),
    principal: new Principal({ name: 'caller', ...grant }),
  };
  const { status, body } = await ROUTER.handle(services, request, () => undefined);
  const { field, detail } = JSON.parse(String(body));
  return { status, isReached, field, detail };
}
