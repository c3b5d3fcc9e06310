import { hash } from 'node:crypto';
import { prepareBatch } from '../event/intake.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import { isSystemTrailName } from '../log/trail-name.ts';
import type { PrivacyPolicy } from '../privacy/policy.ts';
import { rejectUnknown } from '../query/parse.ts';
import { type ApiRequest, type ApiResponse, json } from './http.ts';
import { trailOf } from './parameters.ts';

/** What an append needs. */
export interface AppendServices {
  readonly ledger: Pick<Ledger, 'append'>;
  readonly policyOf: (trail: string) => PrivacyPolicy;
}

/** Visible ASCII: it goes into a key of the store and back into logs. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/**
 * `POST /v1/trails/{trail}/events`: seals one event or a batch and answers with the receipt. 201 for a new append, 200
 * for one that was made before under the same idempotency key, 202 when no checkpoint covers it yet.
 */
export async function appendEvents(
  services: AppendServices,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
): Promise<ApiResponse> {
  const trail = trailOf(parameters);
  request.principal.demand('append', trail);
  // What the system records of itself comes from the system alone, whatever pattern a grant has.
  if (isSystemTrailName(trail)) throw new SealtrailError('forbidden', `not allowed: append on trail ${trail}`);
  rejectUnknown(request.query, []);
  const key = idempotencyKeyOf(request);
  const prefer = preferencesOf(request.headers.prefer);
  const events = prepareBatch(request.body, request.headers['content-type'], services.policyOf(trail));
  const receipt = await services.ledger.append({
    trail,
    submitter: request.principal.name,
    events,
    wait: !prefer.has('respond-async'),
    ...(key === undefined ? {} : { idempotency: { key, bodyHash: hash('sha256', request.body, 'hex') } }),
  });
  const { lines: _, ...told } = receipt;
  const whole = prefer.has('return=representation');
  const applied = [...prefer].filter((one) => one === 'respond-async' || one === 'return=representation');
  return json(receipt.sealed ? (receipt.replayed ? 200 : 201) : 202, whole ? receipt : told, {
    location: `/v1/trails/${trail}/events/${receipt.first}`,
    ...(applied.length === 0 ? {} : { 'preference-applied': applied.join(', ') }), // RFC 7240 section 3
  });
}

/** The key under which a request may be repeated, if it has one. @throws `invalid_parameter` */
export function idempotencyKeyOf({ headers }: ApiRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return key;
  const message = 'an idempotency key has 1 to 255 visible ASCII characters';
  throw new SealtrailError('invalid_parameter', message, { field: 'Idempotency-Key' });
}

/** RFC 7240 section 2: preferences separated by commas; unknown ones are ignored. */
function preferencesOf(header = ''): ReadonlySet<string> {
  return new Set(
    header.split(',').map((one) =>
      one
        .trim()
        .toLowerCase()
        .replace(/\s*=\s*"?([^"]*)"?$/, '=$1'),
    ),
  );
}
