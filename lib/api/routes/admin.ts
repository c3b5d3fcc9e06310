import { getLegalHold, type LegalHoldServices, legalHoldRequestSchema, setLegalHold } from '../legal-hold.ts';
import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { type AdminServices, sealTrail } from '../seal.ts';

/** What is for those who administer a trail. */
export const ADMIN_ROUTES: readonly Route<AdminServices & LegalHoldServices>[] = [
  {
    method: 'POST',
    path: '/v1/trails/{trail}/seals',
    handler: sealTrail,
    summary: 'Archive and seal all that the trail holds now.',
    answers: { 200: schemas.sealSchema },
  },
  {
    method: 'POST',
    path: '/v1/trails/{trail}/legal-hold',
    handler: setLegalHold,
    summary: "Keep a trail's archive under legal hold, or release it: nothing of it can be removed meanwhile.",
    body: legalHoldRequestSchema,
    answers: { 200: schemas.legalHoldSchema },
  },
  {
    method: 'GET',
    path: '/v1/trails/{trail}/legal-hold',
    handler: getLegalHold,
    summary: "Whether a trail's archive is under legal hold, and since when, by whom and why.",
    answers: { 200: schemas.legalHoldSchema },
  },
];
