import type { Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { type AdminServices, sealTrail } from '../seal.ts';

/** What is for those who administer a trail. */
export const ADMIN_ROUTES: readonly Route<AdminServices>[] = [
  {
    method: 'POST',
    path: '/v1/trails/{trail}/seals',
    handler: sealTrail,
    summary: 'Archive and seal all that the trail holds now.',
    answers: { 200: schemas.sealSchema },
  },
];
