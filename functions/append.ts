import { Router } from '../lib/api/core/router.ts';
import { APPEND_ROUTES } from '../lib/api/groups.ts';
import { wireLog } from '../lib/app/log.ts';
import { answer } from './gateway.ts';
import type { ApiEvent } from './gateway-call.ts';
import { withTelemetry } from './telemetry.ts';
import { COUNTED, environmentOf, ledgerStores } from './wiring.ts';

const environment = environmentOf(process.env);
/** Without the archive: this function may neither write nor read it. */
const log = wireLog(ledgerStores(environment), environment, COUNTED);
const router = new Router(APPEND_ROUTES);

/** Appends events. */
export const handler = withTelemetry((event: ApiEvent) =>
  answer(event, { router, services: async () => log, actions: ['append'] }),
);
