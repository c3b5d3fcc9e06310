import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { getVerifications, type VerifyServices, verifyTrail } from '../verifications.ts';
import { type WatchedServices, watched } from '../watched.ts';

/** What verifies the ledger and tells what came of it. */
export const VERIFY_ROUTES: readonly Route<VerifyServices & WatchedServices>[] = [
  {
    method: 'POST',
    path: '/v1/trails/{trail}/verifications',
    handler: watched('access.verification', verifyTrail),
    summary: 'Verify the ledger against itself and the archive: what is new, or all with {"mode": "full"}.',
    body: schemas.verificationRequestSchema,
    answers: { 200: schemas.verificationSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/verifications',
    handler: getVerifications,
    summary: 'The newest verification, and figures for alarms.',
    answers: { 200: schemas.verificationStatusSchema },
  },
];
