import type { Context, APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent, ScheduledEvent } from 'aws-lambda';
import { Router } from '../lib/api/core/router.ts';
import { VERIFY_ROUTES } from '../lib/api/groups.ts';
import { wireLog } from '../lib/app/log.ts';
import { answer } from './gateway.ts';
import { withTelemetry } from './telemetry.ts';
import { TrailVerification } from './trail-verification.ts';
import { archivedStores, COUNTED, environmentOf } from './wiring.ts';

/** What is left of the invocation's time to come to an orderly end. */
const MARGIN_MS = 30_000;

const environment = environmentOf(process.env);
const log = wireLog(archivedStores(environment), { ...environment, signs: false }, COUNTED);
const verifier = new TrailVerification(log);
const services = { ...log, verifier };
const router = new Router(VERIFY_ROUTES);

/** Verifies: every trail on a schedule, and one on request. */
export const handler = withTelemetry(async (event: GatewayEvent | ScheduledEvent, context: Context) => {
  if ('requestContext' in event) {
    return answer(event, { router, services: async () => services, actions: ['verify'] });
  }
  return verifier.run(AbortSignal.timeout(Math.max(1, context.getRemainingTimeInMillis() - MARGIN_MS)));
});
