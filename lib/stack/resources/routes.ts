import type { Action } from '../../api/core/principal.ts';
import type { Route } from '../../api/core/route.ts';
import { descriptionRoute } from '../../api/routes/openapi.ts';
import { ROUTE_GROUPS, type RouteGroup } from '../../api/routes.ts';
import { TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';

/** What a policy lets a caller do over HTTP. */
export type Permission = 'append' | 'read' | 'verify' | 'export' | 'admin' | 'hold';

interface StackRoute extends Pick<Route<never>, 'method' | 'path' | 'action' | 'recorded'> {
  /** Which function answers it. */
  readonly group: RouteGroup;
}

/** The function serves the description itself; of the route only the declaration is needed here. */
const DESCRIPTION = descriptionRoute(() => Promise.reject(new RangeError('there is no description here')));

/** Every route of the API. */
export const STACK_ROUTES: readonly StackRoute[] = [
  // The names of the groups are the keys of what is listed.
  ...(Object.keys(ROUTE_GROUPS) as RouteGroup[]).flatMap((group) =>
    ROUTE_GROUPS[group].map((route): StackRoute => ({ ...route, group })),
  ),
  { ...DESCRIPTION, group: 'read' },
];

/** What a permission lets a caller do; those of administrators are for one kind of request each. */
const PERMISSIONS: Readonly<Record<Permission, { readonly action: Action; readonly only?: string }>> = {
  append: { action: 'append' },
  read: { action: 'read' },
  verify: { action: 'verify' },
  export: { action: 'export' },
  admin: { action: 'admin', only: '/v1/trails/{trail}/seals' },
  hold: { action: 'admin', only: '/v1/trails/{trail}/legal-hold' },
};

function isFor({ path, action }: StackRoute, permission: Permission): boolean {
  const { action: allowed, only = path } = PERMISSIONS[permission];
  return path === only && (action.on === 'nothing' || action.anyOf.includes(allowed));
}

/**
 * Whether a route shows records of trails that IAM cannot see, since the query names them: it is for those who may read
 * all (docs/adr/0012-several-trails.md).
 */
const showsAnyTrail = ({ action, recorded }: StackRoute): boolean => action.on === 'query' && recorded !== false;

/** @throws RangeError for no pattern, and for one that no trail's name can match */
export function checkPatterns(what: string, trails: readonly string[]): void {
  if (trails.length === 0) throw new RangeError(`no trails to ${what}: name some, or all with '*'`);
  for (const pattern of trails) {
    if (!TRAIL_PATTERN.test(pattern)) throw new RangeError(`${JSON.stringify(pattern)} ${TRAIL_PATTERN_RULE}`);
  }
}

/**
 * The routes of a permission on trails, with `*` for every parameter but the trail. To read is every GET on a trail: one
 * line for all of them, since IAM lets a managed policy have 6,144 characters.
 *
 * @param trails names of trails, in which `*` stands for any characters
 * @throws RangeError for a pattern that no trail's name can match
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

/** The routes of an auditor, who reads, verifies and exports: every GET of a trail is in its one line to read. */
export function auditRoutes(trails: readonly string[]): ReturnType<typeof routesFor> {
  const read = routesFor('read', trails);
  const known = new Set(read.map(({ path }) => path));
  const others = [...routesFor('verify', trails), ...routesFor('export', trails)];
  return [
    ...read,
    ...others.filter(({ method, path }) => method !== 'GET' || !(known.has(path) || path.startsWith('/v1/trails/'))),
  ];
}
