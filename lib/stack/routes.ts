import { ROUTES } from '../api/routes.ts';
import { trailPattern } from '../event/trail-pattern.ts';

/** Which function answers a route. */
export type Duty = 'append' | 'read' | 'seal';

/** What a policy lets somebody do over HTTP. */
export type Permission = 'append' | 'read' | 'verify' | 'admin';

interface StackRoute {
  readonly method: string;
  readonly path: string;
}

/** Every route of the API. The description of the routes is not in their own list. */
export const STACK_ROUTES: readonly StackRoute[] = [
  ...ROUTES.map(({ method, path }) => ({ method, path })),
  { method: 'GET', path: '/v1/openapi.json' },
];

/** What changes something is listed: a route that is new has to be thought about. */
const WRITES: Readonly<Record<string, Duty>> = {
  '/v1/trails/{trail}/events': 'append',
  '/v1/trails/{trail}/exports': 'read',
  '/v1/trails/{trail}/seals': 'seal',
  // Nobody is granted it yet: a full one takes longer than a request may.
  '/v1/trails/{trail}/verifications': 'seal',
};

/** @throws RangeError for a route that changes something and has no function yet */
export function dutyOf(method: string, path: string): Duty {
  const duty = method === 'GET' ? 'read' : WRITES[path];
  if (duty === undefined) throw new RangeError(`${method} ${path} has no function: name one in lib/stack/routes.ts`);
  return duty;
}

/** Checkpoints and proofs prove what somebody holds, and tell nothing of what is in other records. */
const PROVES = /\/(checkpoint|consistency|proof)$/;
/** What is not about one trail. */
const OF_ALL_TRAILS = ['/v1/keys', '/v1/openapi.json'];
/** It names trails where IAM cannot see them: for those who may read all (docs/adr/0011-several-trails.md). */
const OF_ANY_TRAILS = '/v1/events';

function isFor({ method, path }: StackRoute, permission: Permission): boolean {
  if (permission === 'read') return dutyOf(method, path) === 'read';
  if (permission === 'append') return dutyOf(method, path) === 'append' || OF_ALL_TRAILS.includes(path);
  if (permission === 'verify') return method === 'GET' && (PROVES.test(path) || OF_ALL_TRAILS.includes(path));
  return path.endsWith('/seals');
}

/** @throws RangeError for no pattern, and for one that no trail's name can match */
export function checkPatterns(what: string, trails: readonly string[]): void {
  if (trails.length === 0) throw new RangeError(`no trails to ${what}: name some, or all with '*'`);
  for (const pattern of trails) {
    const parsed = trailPattern.safeParse(pattern);
    if (!parsed.success) throw new RangeError(`${JSON.stringify(pattern)} ${parsed.error.issues[0]?.message}`);
  }
}

/**
 * The routes of a permission on trails, with `*` for every parameter but the trail. To read is every GET on a trail: one
 * line for all of them, since IAM lets a managed policy have 6,144 characters.
 *
 * @param trails names of trails, in which `*` stands for any characters
 * @throws RangeError for a pattern that no trail's name can match
 */
export function routesFor(permission: Permission, trails: readonly string[]): readonly StackRoute[] {
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
