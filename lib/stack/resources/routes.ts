import type { Action } from '../../api/core/principal.ts';
import type { Route } from '../../api/core/route.ts';
import { descriptionRoute, getHealth } from '../../api/routes/public.ts';
import { ROUTE_GROUPS, type RouteGroup } from '../../api/routes.ts';
import { TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';

/** A permission that policies can grant over HTTP. */
export type Permission = 'append' | 'otlp' | 'read' | 'verify' | 'export' | 'admin' | 'hold';

interface StackRoute extends Pick<Route<never>, 'method' | 'path' | 'action' | 'recorded'> {
  /** The function that serves it. */
  readonly group: RouteGroup;
}

/** The route of the API's description. Only its declaration is needed here. */
const DESCRIPTION = descriptionRoute(() => Promise.reject(new RangeError('there is no description here')));

/** Every route of the API. */
export const STACK_ROUTES: readonly StackRoute[] = [
  // The cast: the keys are the names of the groups.
  ...(Object.keys(ROUTE_GROUPS) as RouteGroup[]).flatMap((group) =>
    ROUTE_GROUPS[group].map((route): StackRoute => ({ ...route, group })),
  ),
  { ...DESCRIPTION, group: 'read' },
  { ...getHealth, group: 'read' },
];

/** Paths that OpenTelemetry exporters post to. */
const OTLP = '/v1/otlp/';

/** The actions of each permission. Those of administrators cover one path each. */
const PERMISSIONS: Readonly<Record<Permission, { readonly action: Action; readonly only?: string }>> = {
  append: { action: 'append' },
  otlp: { action: 'append' },
  read: { action: 'read' },
  verify: { action: 'verify' },
  export: { action: 'export' },
  admin: { action: 'admin', only: '/v1/trails/{trail}/seals' },
  hold: { action: 'admin', only: '/v1/trails/{trail}/legal-hold' },
};

function isFor({ path, action }: StackRoute, permission: Permission): boolean {
  const { action: allowed, only = path } = PERMISSIONS[permission];
  // Apart from appending, since IAM limits a policy: a collector posts to these paths, and an application never does.
  if (path.startsWith(OTLP) !== (permission === 'otlp')) return false;
  return path === only && action.on !== 'nothing' && action.anyOf.includes(allowed);
}

/**
 * True if a route shows records of trails that only its query names, where IAM cannot see them. Such routes require
 * permission to read all trails (docs/adr/0012-several-trails.md).
 */
const showsAnyTrail = ({ action, recorded }: StackRoute): boolean => action.on === 'query' && recorded !== false;

/** @throws RangeError for no pattern, and for one that matches no trail name */
export function checkPatterns(what: string, trails: readonly string[]): void {
  if (trails.length === 0) throw new RangeError(`no trails to ${what}: name some, or all with '*'`);
  for (const pattern of trails) {
    if (!TRAIL_PATTERN.test(pattern)) throw new RangeError(`${JSON.stringify(pattern)} ${TRAIL_PATTERN_RULE}`);
  }
}

/**
 * The routes of a permission on trails, with `*` for every parameter but the trail. Reading covers every GET on a trail, in one
 * line, since IAM limits a managed policy to 6,144 characters.
 *
 * @param trails names of trails, in which `*` matches any characters
 * @throws RangeError for a pattern that matches no trail name
 */
export function routesFor(
  permission: Permission,
  trails: readonly string[],
): readonly { readonly method: string; readonly path: string }[] {
  checkPatterns(permission, trails);
  const isAll = trails.includes('*');
  const routes = STACK_ROUTES.filter((route) => isFor(route, permission) && (isAll || !showsAnyTrail(route)));
  const ofTrails = routes.filter(({ action }) => action.on === 'path');
  const named = trails.flatMap((trail) =>
    permission === 'read'
      ? [{ method: 'GET', path: `/v1/trails/${trail}/*` }]
      : ofTrails.map(({ method, path }) => ({
          method,
          path: path.replace('{trail}', trail).replace(/\{\w+\}/g, '*'),
        })),
  );
  return [...named, ...routes.filter((route) => !ofTrails.includes(route))];
}

/** The routes of an auditor, who reads, verifies and exports. One line covers every GET of a trail. */
export function auditRoutes(trails: readonly string[]): ReturnType<typeof routesFor> {
  const read = routesFor('read', trails);
  const known = new Set(read.map(({ path }) => path));
  const others = [...routesFor('verify', trails), ...routesFor('export', trails)];
  return [
    ...read,
    ...others.filter(({ method, path }) => method !== 'GET' || !(known.has(path) || path.startsWith('/v1/trails/'))),
  ];
}
