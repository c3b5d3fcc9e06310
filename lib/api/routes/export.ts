import { type ExportServices, getExport, requestExport } from '../exports.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { type WatchedServices, watched } from '../watched.ts';

/** What makes exports and hands them out. */
export const EXPORT_ROUTES: readonly Route<ExportServices & WatchedServices>[] = [
  {
    method: 'POST',
    path: '/v1/trails/{trail}/exports',
    handler: watched('access.export', requestExport),
    summary: 'Export every record that passes every filter, to a file that is handed out by link.',
    headers: ['Idempotency-Key'],
    body: schemas.exportRequestSchema,
    answers: { 200: schemas.exportSchema, 202: schemas.exportSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/exports/{export}',
    handler: watched('access.export', getExport),
    summary: 'How far an export has come; once it is done, its manifest and links to it.',
    answers: { 200: schemas.exportSchema },
  },
];
