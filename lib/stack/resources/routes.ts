import { ROUTE_GROUPS, type RouteGroup } from '../../api/routes.ts';
import { TRAIL_PATTERN, TRAIL_PATTERN_RULE } from '../../contract/trail-pattern.ts';

/** What a policy lets somebody do over HTTP. */
export type Permission = 'append' | 'read' | 'verify' | 'export' | 'admin' | 'hold';

interface StackRoute {
  readonly method: string;
  readonly path: string;
  /** Which function answers it. */
  readonly group: RouteGroup;
}

const DESCRIPTION: StackRoute = { method: 'GET', path: '/v1/openapi.json', group: 'read' };

/** Every route of the API. The description of the routes is not in their own list. */
export const STACK_ROUTES: readonly StackRoute[] = [
  // The names of the groups are the keys of what is listed.
  ...(Object.keys(ROUTE_GROUPS) as RouteGroup[]).flatMap((group) =>
    ROUTE_GROUPS[group].map(({ method, path }) => ({ method, path, group })),
  ),
  DESCRIPTION,
];

/** Checkpoints and proofs prove what somebody holds, and tell nothing of what is in other records. */
const PROVES = /\/(checkpoint|consistency|proof)$/;
/** What is not about one trail. */
const OF_ALL_TRAILS = ['/v1/keys', '/v1/openapi.json'];
/** It names trails where IAM cannot see them: for those who may read all (docs/adr/0012-several-trails.md). */
const OF_ANY_TRAILS = '/v1/events';

function isFor({ method, path, group }: StackRoute, permission: Permission): boolean {
  if (permission === 'read') return method === 'GET';
  if (permission === 'append') return group === 'append' || OF_ALL_TRAILS.includes(path);
  if (permission === 'verify') return group === 'verify' || PROVES.test(path) || OF_ALL_TRAILS.includes(path);
  if (permission === 'export') return group === 'export';
  return path.endsWith(permission === 'hold' ? '/legal-hold' : '/seals');
}

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
): readonly Pick<StackRoute, 'method' | 'path'>[] {
  checkPatterns(permission, trails);
  const isAll = trails.includes('*');
  const routes = STACK_ROUTES.filter((route) => isFor(route, permission) && (isAll || route.path !== OF_ANY_TRAILS));
  const ofTrails = routes.filter(({ path }) => path.includes('{trail}'));
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
