import { readFile } from 'node:fs/promises';
import { Router } from '../lib/api/core/router.ts';
import { READ_ROUTES } from '../lib/api/groups.ts';
import { descriptionRoute, getHealth } from '../lib/api/routes/public.ts';
import { lazy } from '../lib/app/lazy.ts';
import { wireLog } from '../lib/app/log.ts';
import { openQueries } from '../lib/app/queries.ts';
import { answer } from './gateway.ts';
import type { ApiEvent } from './gateway-call.ts';
import { withTelemetry } from './telemetry.ts';
import { archivedStores, COUNTED, environmentOf } from './wiring.ts';

const environment = environmentOf(process.env);
const log = wireLog(archivedStores(environment), { ...environment, signs: false }, COUNTED);
const services = lazy(async () => ({ ...log, queries: await openQueries(log) }));
/** Reads the description written beside the bundle, since generating it requires the code of every route. */
const describe = () => readFile(new URL('openapi.json', import.meta.url), 'utf8');
const router = new Router([...READ_ROUTES, descriptionRoute(describe), getHealth]);

/** Serves queries and proofs. It records accesses, and signs nothing. */
export const handler = withTelemetry((event: ApiEvent) =>
  answer(event, { router, services, actions: ['read', 'verify'] }),
);
