import type * as z from 'zod';
import type { Verifier } from '../followers/verification/verifier.ts';
import { fieldPath } from '../json/field-path.ts';
import { readStrictJson } from '../json/strict.ts';
import { SealtrailError } from '../log/error.ts';
import { rejectUnknown } from '../query/parse.ts';
import type { VerificationRequest } from '../verify/ledger/ledger-report.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';
import { verificationRequestSchema } from './schemas.ts';

/** What the routes that verify need. */
export interface VerifyServices {
  readonly verifier: Pick<Verifier, 'verify' | 'status'>;
}

type Parameters = Readonly<Record<string, string>>;

/**
 * `POST /v1/trails/{trail}/verifications`: verifies the hot ledger against itself and the archive, from the last verified
 * checkpoint on, all of it, or a range. 200 with the report, whatever the verdict is.
 */
export async function verifyTrail(
  { verifier }: VerifyServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('verify', trail);
  rejectUnknown(request.query, []);
  return json(200, await verifier.verify(trail, askedOf(request.body)));
}

/** `GET /v1/trails/{trail}/verifications`: the newest reports, and figures for alarms. */
export async function getVerifications(
  { verifier }: VerifyServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('verify', trail);
  rejectUnknown(request.query, []);
  return json(200, await verifier.status(trail));
}

const LIMITS = { depth: 4, unitBytes: 1000, units: 1, batchKey: 'verifications' };

function askedOf(body: Uint8Array): VerificationRequest {
  if (body.length === 0) return 'incremental';
  const parsed = verificationRequestSchema.safeParse(readStrictJson(body, LIMITS));
  if (!parsed.success) throw refusalOf(parsed.error);
  const { mode, from, to } = parsed.data;
  if (from === undefined && to === undefined) return mode ?? 'incremental';
  if (mode === undefined) return { from, to };
  const message = 'mode: goes without `from` and `to`, which ask for certain records: leave out one or the other';
  throw new SealtrailError('invalid_parameter', message, { field: 'mode' });
}

function refusalOf({ issues: [issue] }: z.ZodError): SealtrailError {
  const path = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : (issue?.path ?? []);
  const field = fieldPath(path.map((step) => (typeof step === 'symbol' ? String(step) : step)));
  if (field === '') {
    const message = 'the body: must be an object, with `mode` or with `from` and `to`';
    return new SealtrailError('invalid_parameter', message, { field: 'body' });
  }
  const wanted = {
    mode: 'must be incremental or full',
    from: 'must be a whole number, from 0 on',
    to: 'must be a whole number, from 0 on',
  }[field];
  const message = `${field}: ${wanted ?? 'is not known; there are mode, from, to'}`;
  return new SealtrailError('invalid_parameter', message, { field });
}
