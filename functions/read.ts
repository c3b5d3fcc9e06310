import { readFile } from 'node:fs/promises';
import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { descriptionRoute } from '../lib/api/describe.ts';
import { Router } from '../lib/api/router.ts';
import { READ_ROUTES } from '../lib/api/routes/read.ts';
import { retiredKeys } from '../lib/keys/retired-keys.ts';
import { archiveStore } from './archive-store.ts';
import { environmentOf } from './environment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { openLog } from './log.ts';
import { once } from './once.ts';
import { openQueries } from './queries.ts';

const environment = environmentOf(process.env);
const stores = ledgerStores(environment);
const log = openLog({ ...stores, objects: archiveStore(environment) }, { ...environment, signs: false });
const services = once(async () => {
  const retired = await retiredKeys(log.table, log.ledger, stores.retired);
  return { ...log, retired, queries: await openQueries(log) };
});
/** Written beside the bundle: to make it takes the code of every route. */
const describe = () => readFile(new URL('openapi.json', import.meta.url), 'utf8');
const router = new Router([...READ_ROUTES, descriptionRoute(describe)]);

/** Answers queries and proofs. It writes who asked, and signs nothing. */
export const handler = handlerOf((event: GatewayEvent) =>
  answer(event, { router, services, actions: ['read', 'verify'] }),
);
