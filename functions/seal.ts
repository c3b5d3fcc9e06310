import { Router } from '../lib/api/core/router.ts';
import { ADMIN_ROUTES } from '../lib/api/groups.ts';
import { wireLog } from '../lib/app/log.ts';
import { lambdaClient } from '../lib/store/lambda/client.ts';
import { LambdaFunction } from '../lib/store/lambda/function.ts';
import { answer } from './gateway.ts';
import type { ApiEvent } from './gateway-call.ts';
import { askReceipt, InvokedArchiver } from './seal-requests.ts';
import { withTelemetry } from './telemetry.ts';
import { COUNTED, environmentOf, followerOf, ledgerTable } from './wiring.ts';
import { listedHolds } from './work-lists.ts';

/** API Gateway waits for 30 seconds and this function runs for 29: the rest is for its response. */
const TIMEOUT_MS = 25_000;

const environment = environmentOf(process.env);
const log = wireLog({ table: ledgerTable(environment), signers: [] }, { ...environment, signs: false }, COUNTED);
const follower = new LambdaFunction({
  client: lambdaClient(),
  name: followerOf(process.env),
  timeoutMs: TIMEOUT_MS,
});
const services = {
  archiver: new InvokedArchiver(follower),
  legalHolds: listedHolds(log),
  coseReceipt: (trail: string, seq: number) => askReceipt(follower, trail, seq),
};
const router = new Router(ADMIN_ROUTES);

/**
 * Serves administrators: seals a trail, and manages its legal hold; and gives COSE receipts to callers that may read a record. It
 * neither signs nor touches the archive: it invokes `follow` to seal and to sign, and the next sweep of `follow` applies a hold to the archive and signs its record.
 */
export const handler = withTelemetry((event: ApiEvent) =>
  answer(event, { router, services: async () => services, actions: ['admin', 'read', 'verify'] }),
);
