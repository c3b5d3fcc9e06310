import { hash } from 'node:crypto';
import { prepareBatch } from '../event/intake.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { SealtrailError } from '../log/error.ts';
import { isSystemTrailName, isTrailName } from '../log/trail-name.ts';
import type { PrivacyPolicy } from '../privacy/policy.ts';
import { MAX_TRAILS } from '../query/merged.ts';
import type { ApiRequest, ApiResponse } from './http.ts';

/** Where the log keeps who read what. */
export const ACCESS_TRAIL = '_access';

/** What somebody may do that is recorded. */
export type Access =
  | 'access.query'
  | 'access.record'
  | 'access.proof'
  | 'access.summary'
  | 'access.activity'
  | 'access.export'
  | 'access.verification';

/** What it takes to record who read what. */
export interface WatchedServices {
  readonly ledger: Pick<Ledger, 'append'>;
  readonly policyOf: (trail: string) => PrivacyPolicy;
  /** Whether reads are recorded. */
  readonly recordsReads: boolean;
}

type Parameters = Readonly<Record<string, string>>;
type Handler<Needs> = (services: Needs, request: ApiRequest, parameters: Parameters) => Promise<ApiResponse>;

/**
 * A handler whose calls are recorded in the trail `_access`: who, what they asked for, what came of it, and how many records of
 * each trail they were shown. The record is durable before the answer goes out; where it cannot be made, there is no answer
 * (docs/adr/0013-who-watched.md).
 *
 * Two things are not recorded, so that nothing that is read makes more to read: a further look that showed nothing (the next
 * page of a query, an export that is not done), and reads of `_access` itself beyond one an hour and caller.
 *
 * The result of the handler may say in `shown` how many records it shows.
 *
 * @throws what the handler throws; `unavailable` when the record could not be made
 */
export function watched<Needs>(access: Access, handler: Handler<Needs>): Handler<Needs & WatchedServices> {
  const watching: Handler<Needs & WatchedServices> = async (services, request, parameters) => {
    if (!services.recordsReads) return handler(services, request, parameters);
    const record = (outcome: Outcome) => recordAccess(services, { access, request, parameters, outcome });
    let response: ApiResponse;
    try {
      response = await handler(services, request, parameters);
    } catch (error) {
      const isDenied = error instanceof SealtrailError && error.code === 'forbidden';
      const code = error instanceof SealtrailError ? error.code : 'internal';
      await record({ outcome: isDenied ? 'denied' : 'failure', code });
      throw error;
    }
    await record({ outcome: 'success', ...(response.shown === undefined ? {} : { shown: response.shown }) });
    return response;
  };
  // The description of the API names operations by their handlers.
  return Object.defineProperty(watching, 'name', { value: handler.name });
}

interface Outcome {
  readonly outcome: 'success' | 'denied' | 'failure';
  /** Of the error. */
  readonly code?: string;
  readonly shown?: Readonly<Record<string, number>>;
}

interface Call {
  readonly access: Access;
  readonly request: ApiRequest;
  readonly parameters: Parameters;
  readonly outcome: Outcome;
}

async function recordAccess(services: WatchedServices, call: Call): Promise<void> {
  const { request, parameters, outcome } = call;
  const trails = trailsOf(call);
  const isShown = outcome.outcome === 'success';
  const others = trails.filter((trail) => !isShown || trail !== ACCESS_TRAIL);
  const isFurther = request.query.has('cursor') || parameters.export !== undefined;
  const isIdle = isShown && isFurther && others.every((trail) => outcome.shown?.[trail] === 0);
  try {
    if (others.length > 0 && !isIdle) await append(services, call, others);
    if (others.length < trails.length) await append(services, call, [ACCESS_TRAIL], hourKey());
  } catch (cause) {
    const message = 'who asked could not be recorded, so there is no answer: try again';
    throw new SealtrailError('unavailable', message, { cause, retryAfter: 1 });
  }
}

/** The trails that a request names, as far as there can be such trails. */
function trailsOf({ request, parameters }: Call): readonly string[] {
  const named = parameters.trail === undefined ? request.query.getAll('trail') : [parameters.trail];
  return [...new Set(named)].filter((name) => isTrailName(name) || isSystemTrailName(name)).slice(0, MAX_TRAILS);
}

/** The same for an hour of UTC: an append under it is made once by whoever makes it. */
const hourKey = (): string => `access-${new Date().toISOString().slice(0, 13)}`;

async function append(services: WatchedServices, call: Call, trails: readonly string[], key?: string): Promise<void> {
  const { name } = call.request.principal;
  const body = Buffer.from(JSON.stringify({ events: trails.map((trail) => eventOf(call, trail)) }));
  await services.ledger.append({
    trail: ACCESS_TRAIL,
    // Whoever asked: it is their doing, and unlike the actor a submitter is never masked.
    submitter: name,
    events: prepareBatch(body, 'application/json', services.policyOf(ACCESS_TRAIL)),
    seal: 'later',
    ...(key === undefined ? {} : { idempotency: { key, bodyHash: hash('sha256', key, 'hex') } }),
  });
}

/** Longest actor's id that an event may have. */
const MAX_ACTOR = 512;

function eventOf({ access, request, parameters, outcome: { outcome, code, shown } }: Call, trail: string): object {
  return {
    type: access,
    outcome,
    actor: { id: request.principal.name.slice(0, MAX_ACTOR).toWellFormed() },
    resource: { type: 'trail', id: trail },
    context: { request: request.requestId },
    details: { ...askedOf(request, parameters), ...(code === undefined ? {} : { code }), shown: shown?.[trail] },
  };
}

/** Characters of a question that are recorded as they are: of more there is a hash. */
const MAX_QUESTION = 8_000;

function askedOf({ query, body }: ApiRequest, { trail: _, ...parameters }: Parameters): object {
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
