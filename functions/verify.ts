import type { Context, APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent, ScheduledEvent } from 'aws-lambda';
import { Router } from '../lib/api/router.ts';
import { VERIFY_ROUTES } from '../lib/api/routes/verify.ts';
import { retiredKeys } from '../lib/keys/retired-keys.ts';
import { archiveStore } from './archive-store.ts';
import { environmentOf } from './environment.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { openLog } from './log.ts';
import { once } from './once.ts';
import { TrailVerification } from './verify-trails.ts';

/** What is left of the invocation's time to come to an orderly end. */
const MARGIN_MS = 30_000;

const environment = environmentOf(process.env);
const objects = archiveStore(environment);
const stores = ledgerStores(environment);
const log = openLog({ ...stores, objects }, { ...environment, signs: false });
const verification = once(async () => {
  const retired = await retiredKeys(log.table, log.ledger, stores.retired);
  return new TrailVerification({ ...log, objects, retired });
});
const router = new Router(VERIFY_ROUTES);

/** Verifies: every trail on a schedule, and one on request. */
export const handler = handlerOf(async (event: GatewayEvent | ScheduledEvent, context: Context) => {
  if ('requestContext' in event) {
    const services = async () => ({ ...log, verifier: await verification() });
    return answer(event, { router, services, actions: ['verify'] });
  }
  const signal = AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS));
  return (await verification()).run(signal);
});
