import type { Route } from './core/route.ts';
import { ADMIN_ROUTES, APPEND_ROUTES, EXPORT_ROUTES, READ_ROUTES, VERIFY_ROUTES } from './groups.ts';
import type { Services } from './services.ts';

export const ROUTE_GROUPS = {
  append: APPEND_ROUTES,
  read: READ_ROUTES,
  verify: VERIFY_ROUTES,
  export: EXPORT_ROUTES,
  admin: ADMIN_ROUTES,
} as const;
export type RouteGroup = keyof typeof ROUTE_GROUPS;

/** Every route but that of the API's description, in any order. */
export const ROUTES: readonly Route<Services>[] = Object.values(ROUTE_GROUPS).flat();
