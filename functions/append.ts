import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { Router } from '../lib/api/router.ts';
import { APPEND_ROUTES } from '../lib/api/routes/append.ts';
import { environmentOf } from './environment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { openLog } from './log.ts';

const environment = environmentOf(process.env);
/** What takes events in has no way to the archive, to write or to read. */
const log = openLog(ledgerStores(environment), environment);
const router = new Router(APPEND_ROUTES);

/** Takes events in. */
export const handler = handlerOf((event: GatewayEvent) =>
  answer(event, { router, services: async () => log, actions: ['append'] }),
);
