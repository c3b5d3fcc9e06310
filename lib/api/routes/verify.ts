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
    summary:
      'Verify the ledger against itself and the archive: what is new, all with {"mode": "full"}, or records with {"from": 0, "to": 100}.',
    body: schemas.verificationRequestSchema,
    answers: { 200: schemas.verificationSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/verifications',
    handler: getVerifications,
    summary: 'The newest verifications, and figures for alarms.',
    answers: { 200: schemas.verificationStatusSchema },
  },
];
