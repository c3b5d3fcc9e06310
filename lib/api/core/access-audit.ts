import { hash } from 'node:crypto';
import { MAX_TRAILS } from '../../contract/query.ts';
import { ACCESS_TRAIL } from '../../contract/system-trails.ts';
import { prepareBatch } from '../../event/intake.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { SealtrailError } from '../../log/error.ts';
import { isSystemTrailName, isTrailName } from '../../log/trail-name.ts';
import type { PrivacyPolicy } from '../../privacy/policy.ts';
import type { ApiRequest, ApiResponse } from './http.ts';

/** The type of event that an access is recorded as. */
export type AccessType =
  | 'access.query'
  | 'access.record'
  | 'access.proof'
  | 'access.summary'
  | 'access.activity'
  | 'access.export'
  | 'access.verification';

/** What recording accesses takes. */
export interface AuditServices {
  readonly ledger: Pick<Ledger, 'append' | 'leave'>;
  readonly policyOf: (trail: string) => PrivacyPolicy | Promise<PrivacyPolicy>;
  /** Whether accesses are recorded. */
  readonly recordsReads: boolean;
}

type PathParameters = Readonly<Record<string, string>>;

/**
 * Answers a request and records the access in the trail `_access`: the caller, the question, the outcome, and how many
 * records of each trail the answer shows (`shown` of the response). The record is durable before the answer goes out, and
 * has its number within a minute; where it cannot be made, there is no answer (docs/adr/0013-who-watched.md).
 *
 * Two things are not recorded, so that reading makes nothing more to read: a further look that showed nothing (the next
 * page of a query, an export that is not done), and reads of `_access` itself beyond one an hour and caller.
 *
 * @throws what `answer` throws; `unavailable` when the record could not be made
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
    const message = 'who asked could not be recorded, so there is no answer: try again';
    throw new SealtrailError('unavailable', message, { cause, retryAfter: 1 });
  }
}

/** The trails that a request names, without those that no trail can be named. */
function trailsOf({ request, segments }: AccessCall): readonly string[] {
  const named = segments.trail === undefined ? request.query.getAll('trail') : [segments.trail];
  return [...new Set(named)].filter((name) => isTrailName(name) || isSystemTrailName(name)).slice(0, MAX_TRAILS);
}

/**
 * The same for an hour of UTC and a caller, whose append under it is made once. Callers are told apart by their sessions too:
 * under a role that people share, the session says who looked.
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
  // Durable in either case. Reads at the same time need not wait for one another's numbers.
  if (key === undefined) await services.ledger.leave(record);
  else await services.ledger.append({ ...record, idempotency: { key, bodyHash: hash('sha256', key, 'hex') } });
}

/** Longest actor's id that an event may have. */
const MAX_ACTOR = 512;

function eventOf({ access, request, segments, outcome: { outcome, code, shown } }: AccessCall, trail: string): object {
  return {
    type: access,
    // The record may be sealed a little later.
    time: new Date().toISOString(),
    outcome,
    actor: { id: request.principal.name.slice(0, MAX_ACTOR).toWellFormed() },
    resource: { type: 'trail', id: trail },
    context: { request: request.requestId },
    details: { ...questionOf(request, segments), ...(code === undefined ? {} : { code }), shown: shown?.[trail] },
  };
}

/** Characters of a question that are recorded as they are; a longer one is recorded as its hash. */
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
