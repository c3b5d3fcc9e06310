import { fieldPath } from '../event/field.ts';
import { readStrictJson } from '../event/strict-json.ts';
import type { VerificationMode } from '../followers/verification.ts';
import type { Verifier } from '../followers/verifier.ts';
import { SealtrailError } from '../log/error.ts';
import { rejectUnknown } from '../query/parse.ts';
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
 * checkpoint on or all of it. 200 with the report, whatever the verdict is.
 */
export async function verifyTrail(
  { verifier }: VerifyServices,
  request: ApiRequest,
  parameters: Parameters,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('verify', trail);
  rejectUnknown(request.query, []);
  return json(200, await verifier.verify(trail, modeOf(request.body)));
}

/** `GET /v1/trails/{trail}/verifications`: the newest report, and figures for alarms. */
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

function modeOf(body: Uint8Array): VerificationMode {
  if (body.length === 0) return 'incremental';
  const parsed = verificationRequestSchema.safeParse(readStrictJson(body, LIMITS));
  if (parsed.success) return parsed.data.mode ?? 'incremental';
  const [issue] = parsed.error.issues;
  const path = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : (issue?.path ?? []);
  const field = fieldPath(path.map((step) => (typeof step === 'symbol' ? String(step) : step)));
  const message = `${field === '' ? 'the body' : field}: may hold mode alone, incremental or full`;
  throw new SealtrailError('invalid_parameter', message, { field: field === '' ? 'body' : field });
}
