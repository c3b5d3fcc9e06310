import type { Context, EventBridgeEvent, APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent } from 'aws-lambda';
import { Router } from '../lib/api/router.ts';
import { EXPORT_ROUTES } from '../lib/api/routes/export.ts';
import { s3Client } from '../lib/store/aws-clients.ts';
import { S3Downloads } from '../lib/store/s3/downloads.ts';
import { archiveStore } from './archive-store.ts';
import { environmentOf } from './environment.ts';
import { openExports, type RequestedExport, requestedExport } from './exports.ts';
import { answer } from './gateway.ts';
import { handler as handlerOf } from './handler.ts';
import { ledgerStores } from './ledger-stores.ts';
import { openLog } from './log.ts';
import { once } from './once.ts';

/** What is left of the invocation's time to come to an orderly end. */
const MARGIN_MS = 30_000;

const environment = environmentOf(process.env);
const stores = { ...ledgerStores(environment), objects: archiveStore(environment) };
const log = openLog(stores, { ...environment, signs: false });
const downloads = new S3Downloads({ client: s3Client(), bucket: environment.exports });
const services = once(async () => ({ ...log, exports: await openExports(log, downloads) }));
const router = new Router(EXPORT_ROUTES);

/** Makes exports: takes them over HTTP, and writes them when the request for one appears in their bucket. */
export const handler = handlerOf(
  async (event: GatewayEvent | EventBridgeEvent<'Object Created', RequestedExport>, context: Context) => {
    if ('requestContext' in event) return answer(event, { router, services, actions: ['export'] });
    const { trail, id } = requestedExport(event.detail);
    const { exports } = await services();
    await exports.run(trail, id, { until: Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS });
    return undefined;
  },
);
