import type { Route } from './route.ts';
import { ADMIN_ROUTES } from './routes/admin.ts';
import { APPEND_ROUTES } from './routes/append.ts';
import { EXPORT_ROUTES } from './routes/export.ts';
import { READ_ROUTES } from './routes/read.ts';
import { VERIFY_ROUTES } from './routes/verify.ts';

/**
 * The routes by what they need: in AWS each group has a function, with the rights and the code for that group alone. The
 * description of the routes is apart: see `describe.ts`.
 */
export const ROUTE_GROUPS = {
  append: APPEND_ROUTES,
  read: READ_ROUTES,
  verify: VERIFY_ROUTES,
  export: EXPORT_ROUTES,
  admin: ADMIN_ROUTES,
} as const;
export type RouteGroup = keyof typeof ROUTE_GROUPS;

/** Every route there is, but for the description of the routes. Their order does not matter. */
export const ROUTES: readonly Route[] = Object.values(ROUTE_GROUPS).flat();
