import { descriptionRoute } from '../api/describe.ts';
import { openApi } from '../api/openapi.ts';
import { Router } from '../api/router.ts';
import { ROUTES } from '../api/routes.ts';

/** All that the embedded server answers. */
export const ROUTER = new Router([...ROUTES, descriptionRoute(async () => `${JSON.stringify(openApi(ROUTES))}\n`)]);
