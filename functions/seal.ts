import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { Router } from '../lib/api/router.ts';
import { ADMIN_ROUTES } from '../lib/api/routes/admin.ts';
import { LegalHolds } from '../lib/followers/legal-holds.ts';
import { archiveStore } from './archive-store.ts';
import { openArchiver } from './archiver.ts';
import { environmentOf } from './environment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { openLog } from './log.ts';

const environment = environmentOf(process.env);
const objects = archiveStore(environment);
const stores = ledgerStores(environment);
const log = openLog({ ...stores, objects }, environment);
const { table, ledger } = log;
const services = {
  archiver: openArchiver(log, objects, environment, stores.retired),
  legalHolds: new LegalHolds({ table, objects, ledger }),
};
const router = new Router(ADMIN_ROUTES);

/** Seals a trail on request, and sets its legal hold. Beside `follow` it is the one function that writes the archive. */
export const handler = handlerOf((event: GatewayEvent) =>
  answer(event, { router, services: async () => services, actions: ['admin'] }),
);
