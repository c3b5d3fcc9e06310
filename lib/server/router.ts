import { openApi } from '../api/core/openapi.ts';
import { Router } from '../api/core/router.ts';
import { descriptionRoute } from '../api/routes/public.ts';
import { ROUTES } from '../api/routes.ts';

/** All that the embedded server answers. */
export const ROUTER = new Router([...ROUTES, descriptionRoute(async () => `${JSON.stringify(openApi(ROUTES))}\n`)]);
