import { type AppendServices, appendEvents } from '../append.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';

/** What takes events in. */
export const APPEND_ROUTES: readonly Route<AppendServices>[] = [
  {
    method: 'POST',
    path: '/v1/trails/{trail}/events',
    handler: appendEvents,
    summary: 'Append one event, or up to 1,000 as {"events": [...]}. All are sealed, or none.',
    headers: ['Idempotency-Key', 'Prefer'],
    answers: { 200: schemas.receiptSchema, 201: schemas.receiptSchema, 202: schemas.receiptSchema },
  },
];
