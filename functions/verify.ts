import type { Context, ScheduledEvent } from 'aws-lambda';
import { Router } from '../lib/api/core/router.ts';
import { VERIFY_ROUTES } from '../lib/api/groups.ts';
import { wireLog } from '../lib/app/log.ts';
import type { SweepShare } from '../lib/followers/runtime/sweep.ts';
import { lambdaClient } from '../lib/store/lambda/client.ts';
import { LambdaFunction } from '../lib/store/lambda/function.ts';
import { answer } from './gateway.ts';
import type { ApiEvent } from './gateway-call.ts';
import { withTelemetry } from './telemetry.ts';
import { requestedVerification, sharedRun, TrailVerification, verificationsIn } from './trail-verification.ts';
import { archivedStores, COUNTED, environmentOf, ownName } from './wiring.ts';

/** Time reserved for ending the invocation in order. */
const MARGIN_MS = 30_000;
/** Invoking a function takes milliseconds, and an API response may take 30 seconds. */
const TIMEOUT_MS = 5_000;

const environment = environmentOf(process.env);
const log = wireLog(archivedStores(environment), { ...environment, signs: false }, COUNTED);
const verifier = new TrailVerification(log);
const self = new LambdaFunction({ client: lambdaClient(), name: ownName(process.env), timeoutMs: TIMEOUT_MS });
const verifications = verificationsIn(log, verifier, self);
const services = { ...log, verifier, verifications };
const router = new Router(VERIFY_ROUTES);

/** Verifies every trail on a schedule, and single trails on request. It invokes itself for requests through the API. */
export const handler = withTelemetry(async (event: ApiEvent | ScheduledEvent | object, context: Context) => {
  if ('requestContext' in event) {
    return answer(event, { router, services: async () => services, actions: ['verify'] });
  }
  const remainingMs = context.getRemainingTimeInMillis();
  const signal = AbortSignal.timeout(Math.max(1, remainingMs - MARGIN_MS));
  const requested = requestedVerification(event);
  if (requested === undefined) {
    const another = (share: SweepShare): Promise<void> => self.tell({ share });
    return verifier.run(signal, remainingMs, { verifications, another, share: sharedRun(event) });
  }
  return verifications.run(requested.trail, requested.id, { signal, whenEnded: 'goes_on' });
});
