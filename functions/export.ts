import type { Context, EventBridgeEvent } from 'aws-lambda';
import { Router } from '../lib/api/core/router.ts';
import { EXPORT_ROUTES } from '../lib/api/groups.ts';
import { lazy } from '../lib/app/lazy.ts';
import { wireLog } from '../lib/app/log.ts';
import { s3Client } from '../lib/store/aws-clients.ts';
import { S3Downloads } from '../lib/store/s3/downloads.ts';
import { answer } from './gateway.ts';
import type { ApiEvent } from './gateway-call.ts';
import { withTelemetry } from './telemetry.ts';
import {
  archiveObjects,
  COUNTED,
  environmentOf,
  exportsIn,
  indexFiles,
  ledgerTable,
  type RequestedExport,
  requestedExport,
} from './wiring.ts';

/** Time reserved for ending the invocation in order. */
const MARGIN_MS = 30_000;

const environment = environmentOf(process.env);
/** Without keys: an export's proofs use checkpoints that other functions signed. */
const stores = {
  table: ledgerTable(environment),
  objects: archiveObjects(environment),
  files: indexFiles(environment),
  signers: [],
};
const log = wireLog(stores, { ...environment, signs: false }, COUNTED);
const downloads = new S3Downloads({ client: s3Client(), bucket: environment.exports });
const services = lazy(async () => ({ ...log, exports: await exportsIn(log, downloads) }));
const router = new Router(EXPORT_ROUTES);

/** Makes exports: takes requests over HTTP, and writes an export when its request appears in the bucket. */
export const handler = withTelemetry(
  async (event: ApiEvent | EventBridgeEvent<'Object Created', RequestedExport>, context: Context) => {
    if ('requestContext' in event) return answer(event, { router, services, actions: ['export'] });
    const { trail, id } = requestedExport(event.detail);
    const { exports } = await services();
    await exports.run(trail, id, { until: Date.now() + context.getRemainingTimeInMillis() - MARGIN_MS });
    return undefined;
  },
);
