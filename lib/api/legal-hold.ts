import * as z from 'zod';
import type { LegalHoldOrders } from '../followers/legal-hold/legal-hold-requests.ts';
import { fieldPath } from '../json/field-path.ts';
import { readStrictJson } from '../json/strict.ts';
import { SealtrailError } from '../log/error.ts';
import { rejectUnknown } from '../query/parse.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';

/** What the routes about legal holds need. */
export interface LegalHoldServices {
  readonly legalHolds: Pick<LegalHoldOrders, 'set' | 'status'>;
}

type Parameters = Readonly<Record<string, string>>;

/** What may be sent to set or release a hold. */
export const legalHoldRequestSchema = z.strictObject({
  held: z.boolean().describe('`true` sets the hold, `false` releases it.'),
  reason: z.string().min(1).max(1000).describe('Recorded in `_system`: the case, and who ordered it.'),
});

/** `POST …/legal-hold`: sets or releases the hold of a trail's archive. For those who may administer it. */
export async function setLegalHold(
  { legalHolds }: LegalHoldServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('admin', trail);
  rejectUnknown(request.query, []);
  const { held, reason } = bodyOf(request.body);
  return json(200, await legalHolds.set(trail, { held, reason, by: request.principal.name }));
}

/** `GET …/legal-hold`: whether a trail's archive is held, since when, by whom and why, and how far it was carried out. */
export async function getLegalHold(
  { legalHolds }: LegalHoldServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  if (!request.principal.may('admin', trail)) request.principal.demand('read', trail);
  rejectUnknown(request.query, []);
  return json(200, await legalHolds.status(trail));
}

const LIMITS = { depth: 4, unitBytes: 10_000, units: 1, batchKey: 'legal-hold' };

function bodyOf(body: Uint8Array): z.infer<typeof legalHoldRequestSchema> {
  const parsed = legalHoldRequestSchema.safeParse(readStrictJson(body, LIMITS));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : (issue?.path ?? []);
  const field = fieldPath(path.map((step) => (typeof step === 'symbol' ? String(step) : step)));
  const message = `${field === '' ? 'the body' : field}: send {"held": true or false, "reason": "why"}`;
  throw new SealtrailError('invalid_parameter', message, { field: field === '' ? 'body' : field });
}
