import * as z from 'zod';
import type { LegalHoldReply } from '../../contract/replies.ts';
import type { LegalHoldOrders } from '../../followers/legal-hold/legal-hold-requests.ts';
import type { Shape } from '../../json/shape.ts';
import { json } from '../core/http.ts';
import { route } from '../core/route.ts';
import { count, millis } from './reply-fields.ts';

export const legalHoldSchema = z.strictObject({
  trail: z.string(),
  held: z.boolean(),
  since: millis.describe('When it was set or released; absent: never.').optional(),
  by: z.string().optional(),
  reason: z.string().optional(),
  objects: count.describe('Versions of objects held or released so far.'),
  complete: z.boolean().describe('Whether all of them were.'),
} satisfies Shape<LegalHoldReply>);

const EXPECTED = 'send {"held": true or false, "reason": "why"}';

const legalHoldRequestSchema = z.strictObject(
  {
    held: z.boolean(EXPECTED).describe('`true` sets the hold, `false` releases it.'),
    reason: z
      .string(EXPECTED)
      .min(1, EXPECTED)
      .max(1000, 'has at most 1,000 characters')
      .describe('Recorded in `_system`: the case, and who ordered it.'),
  },
  EXPECTED,
);

/** Services for legal holds. */
export interface LegalHoldServices {
  readonly legalHolds: Pick<LegalHoldOrders, 'set' | 'status'>;
}

const path = '/v1/trails/{trail}/legal-hold';

export const setLegalHold = route({
  name: 'setLegalHold',
  method: 'POST',
  path,
  action: { on: 'path', anyOf: ['admin'] },
  recorded: false,
  summary: "Keep a trail's archive under legal hold, or release it: nothing of it can be removed meanwhile.",
  body: { schema: legalHoldRequestSchema, maxBytes: 10_000 },
  replies: { 200: legalHoldSchema },
  handler: async ({ legalHolds }: LegalHoldServices, { params: { trail }, body: { held, reason }, caller }) =>
    json(200, await legalHolds.set(trail, { held, reason, by: caller })),
});

export const getLegalHold = route({
  name: 'getLegalHold',
  method: 'GET',
  path,
  action: { on: 'path', anyOf: ['read', 'admin'] },
  recorded: false,
  summary: "Whether a trail's archive is under legal hold, and since when, by whom and why.",
  replies: { 200: legalHoldSchema },
  handler: async ({ legalHolds }: LegalHoldServices, { params: { trail } }) =>
    json(200, await legalHolds.status(trail)),
});
