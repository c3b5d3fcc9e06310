import { hash } from 'node:crypto';
import { MAX_TRAILS } from '../../contract/query.ts';
import { ACCESS_TRAIL } from '../../contract/system-trails.ts';
import { prepareBatch } from '../../event/intake.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { PrivacyPolicy } from '../../privacy/policy.ts';
import type { ApiRequest, ApiResponse } from './http.ts';

/** The type of event that records an access. */
export type AccessType =
  | 'access.query'
  | 'access.record'
  | 'access.proof'
  | 'access.summary'
  | 'access.activity'
  | 'access.export'
  | 'access.verification';

/** Services needed to record accesses. */
export interface AuditServices {
  readonly ledger: Pick<Ledger, 'append' | 'leave'>;
  readonly policyOf: (trail: string) => PrivacyPolicy | Promise<PrivacyPolicy>;
  /** True if accesses are recorded. */
  readonly recordsReads: boolean;
}

type PathParameters = Readonly<Record<string, string>>;

/**
 * Answers a request and records the access in the trail `_access`: the caller, the query, the outcome, and the number of
 * records of each trail in the response (its `shown`). The record is durable before the response is sent, and has its
 * number within a minute; if it cannot be written, the request fails (docs/adr/0013-who-watched.md).
 *
 * Two things are not recorded, so that reading does not feed itself: repeated requests that show nothing (the next page of
 * a query, an unfinished export), and reads of `_access` itself beyond one per caller and hour.
 *
 * @throws the errors of `answer`; `unavailable` if the access could not be recorded
 */
export async function audited(
  services: AuditServices,
  { access, request, segments }: Omit<AccessCall, 'outcome'>,
  answer: () => Promise<ApiResponse>,
): Promise<ApiResponse> {
  if (!services.recordsReads) return answer();
  const record = (outcome: Outcome) => recordAccess(services, { access, request, segments, outcome });
  let response: ApiResponse;
  try {
    response = await answer();
  } catch (error) {
    const isDenied = error instanceof SealtrailError && error.code === 'forbidden';
    const code = error instanceof SealtrailError ? error.code : 'internal';
    await record({ outcome: isDenied ? 'denied' : 'failure', code });
    throw error;
  }
  await record({ outcome: 'success', ...(response.shown === undefined ? {} : { shown: response.shown }) });
  return response;
}

interface Outcome {
  readonly outcome: 'success' | 'denied' | 'failure';
  /** Of the error. */
  readonly code?: string;
  readonly shown?: Readonly<Record<string, number>>;
}

interface AccessCall {
  readonly access: AccessType;
  readonly request: ApiRequest;
  /** Parameters of the path. */
  readonly segments: PathParameters;
  readonly outcome: Outcome;
}

async function recordAccess(services: AuditServices, call: AccessCall): Promise<void> {
  const { request, segments, outcome } = call;
  const trails = trailsOf(call);
  const isShown = outcome.outcome === 'success';
  const others = trails.filter((trail) => !isShown || trail !== ACCESS_TRAIL);
  const isFurther = request.query.has('cursor') || segments.export !== undefined;
  const isIdle = isShown && isFurther && others.every((trail) => outcome.shown?.[trail] === 0);
  try {
    if (others.length > 0 && !isIdle) await append(services, call, others);
    if (others.length < trails.length) await append(services, call, [ACCESS_TRAIL], hourKey(request.principal.name));
  } catch (cause) {
    const message = 'the access could not be recorded, so the request was not answered: try again';
    throw new SealtrailError('unavailable', message, { cause, retryAfter: 1 });
  }
}

/** The trails that a request names, without invalid names. */
function trailsOf({ request, segments }: AccessCall): readonly string[] {
  const named = segments.trail === undefined ? request.query.getAll('trail') : [segments.trail];
  return [...new Set(named)].filter((name) => isTrailName(name) || isSystemTrailName(name)).slice(0, MAX_TRAILS);
}

/**
 * The idempotency key of a caller's access in an hour of UTC. It includes the session: under a role that people share, the
 * session says who looked.
 */
const hourKey = (name: string): string =>
  `access-${new Date().toISOString().slice(0, 13)}-${hash('sha256', name, 'hex').slice(0, 32)}`;

async function append(
  services: AuditServices,
  call: AccessCall,
  trails: readonly string[],
  key?: string,
): Promise<void> {
  const { name } = call.request.principal;
  const body = Buffer.from(JSON.stringify({ events: trails.map((trail) => eventOf(call, trail)) }));
  const record = {
    trail: ACCESS_TRAIL,
    // The caller: unlike the actor, a submitter is never masked.
    submitter: name,
    events: prepareBatch(body, 'application/json', await services.policyOf(ACCESS_TRAIL)),
    seal: 'later' as const,
  };
  // Durable in either case. Concurrent reads need not wait for one another's numbers.
  if (key === undefined) await services.ledger.leave(record);
  else await services.ledger.append({ ...record, idempotency: { key, bodyHash: hash('sha256', key, 'hex') } });
}

/** Maximum characters of an actor's id in an event. */
const MAX_ACTOR = 512;

function eventOf({ access, request, segments, outcome: { outcome, code, shown } }: AccessCall, trail: string): object {
  return {
    type: access,
    // The time of the access: the record may be written a little later.
    time: new Date().toISOString(),
    outcome,
    actor: { id: request.principal.name.slice(0, MAX_ACTOR).toWellFormed() },
    resource: { type: 'trail', id: trail },
    context: { request: request.requestId },
    details: { ...questionOf(request, segments), ...(code === undefined ? {} : { code }), shown: shown?.[trail] },
  };
}

/** Maximum characters of a recorded query; a longer one is recorded as its hash. */
const MAX_QUESTION = 8_000;

function questionOf({ query, body }: ApiRequest, { trail: _, ...parameters }: PathParameters): object {
  const names = [...new Set(query.keys())].filter((name) => name !== 'trail' && name !== 'cursor');
  const values = names.map((name) => {
    const all = query.getAll(name);
    return [name, all.length === 1 ? all[0] : all];
  });
  const text = Buffer.from(body).toString();
  const asked = {
    ...parameters,
    ...Object.fromEntries(values),
    ...(text === '' ? {} : { body: text }),
    ...(query.has('cursor') ? { continued: true } : {}),
  };
  const question = JSON.stringify(asked);
  return question.length > MAX_QUESTION ? { askedHash: hash('sha256', question, 'hex') } : { asked };
}
