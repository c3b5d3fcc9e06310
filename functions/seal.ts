import type { APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { Router } from '../lib/api/router.ts';
import { ADMIN_ROUTES } from '../lib/api/routes/admin.ts';
import { LegalHoldOrders } from '../lib/followers/legal-hold/legal-hold-requests.ts';
import { lambdaClient } from '../lib/store/lambda/client.ts';
import { LambdaFunction } from '../lib/store/lambda/function.ts';
import { environmentOf, followerOf } from './environment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { InvokedArchiver } from './invoked-archiver.ts';
import { ledgerTable } from './ledger-table.ts';
import { openLog } from './log.ts';

/** API Gateway waits for 30 seconds, and this function runs for 29: what is left is for its answer. */
const PATIENCE_MS = 25_000;

const environment = environmentOf(process.env);
const { table, ledger } = openLog({ table: ledgerTable(environment), signers: [] }, { ...environment, signs: false });
const follower = new LambdaFunction({
  client: lambdaClient(),
  name: followerOf(process.env),
  patienceMs: PATIENCE_MS,
});
const services = {
  archiver: new InvokedArchiver(follower),
  legalHolds: new LegalHoldOrders({ table, ledger }),
};
const router = new Router(ADMIN_ROUTES);

/**
 * Takes orders of administrators: to seal a trail, and about its legal hold. It neither signs nor touches the archive; `follow`
 * does, which is asked to seal at once, carries a hold to the archive with its next sweep, and signs what is recorded of it.
 */
export const handler = handlerOf((event: GatewayEvent) =>
  answer(event, { router, services: async () => services, actions: ['admin'] }),
);
