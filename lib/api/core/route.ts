import * as z from 'zod';
import { type AccessType, type AuditServices, audited } from './access-audit.ts';
import { type Access, authorise, mayAccess, type OtherAccess, type PathAccess } from './authorise.ts';
import { type JsonBody, parseBody, type RawBody } from './body.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { type Parsed, parseParameters } from './parameters.ts';

/** The whole contract of a route. Nothing is served without one. */
interface Contract<Path extends string, Recorded extends AccessType | false> {
  /** The name of the operation in the API's description. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** May contain `{parameters}`, each of which matches one segment. */
  readonly path: Path;
  readonly action: Path extends `${string}{trail}${string}` ? PathAccess : OtherAccess;
  /** The type of event that records calls of the route in the trail `_access`; false: calls are not recorded. */
  readonly recorded: Recorded;
  readonly summary: string;
  /** Successful responses by status: a schema for JSON, else a media type. */
  readonly replies: Readonly<Record<number, z.ZodType | string>>;
  /** The status for internal errors, for clients that never retry a 500. @default 500 */
  readonly internalStatus?: 503 | undefined;
  /** Media types besides JSON that the parameter `format` can select. */
  readonly formats?: readonly string[];
}

/** The original request, without the caller, whom the route has authorised already. */
export type Sent = Pick<ApiRequest, 'path' | 'query' | 'headers' | 'body'>;

/** A request as its handler sees it: the parsed parts that the route declares. */
export interface Call<Params, Query, Headers, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly headers: Headers;
  readonly body: Body;
  /** The caller's name. */
  readonly caller: string;
  /** True if the caller has access to a trail: see {@link Access}. */
  readonly mayAccess: (trail: string) => boolean;
  readonly sent: Sent;
}

interface Declaration<
  Needs,
  Path extends string,
  Recorded extends AccessType | false,
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Headers extends z.ZodObject,
  Body,
> extends Contract<Path, Recorded> {
  /** Parameters of the path besides `trail`. */
  readonly params?: Params;
  /** Parameters of the query: an array takes all values, anything else may occur once. */
  readonly query?: Query;
  /** Headers besides those of every request. */
  readonly headers?: Headers;
  readonly body?: JsonBody<Body> | RawBody;
  /** Does the work. @throws errors with a code, which become problems */
  readonly handler: (
    services: Needs,
    call: Call<Parsed<Params> & TrailOf<Path>, Parsed<Query>, Parsed<Headers>, Body>,
  ) => Promise<ApiResponse>;
}

type NamesIn<Path> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type TrailOf<Path> = 'trail' extends NamesIn<Path> ? { readonly trail: string } : unknown;
/** Requires `params` for the parameters of the path besides `trail`, if any. */
type ParamsOf<Path> = [Exclude<NamesIn<Path>, 'trail'>] extends [never]
  ? unknown
  : { readonly params: z.ZodObject<Record<Exclude<NamesIn<Path>, 'trail'>, z.ZodType>> };

const NOTHING = z.strictObject({});
type Nothing = typeof NOTHING;

/** Parameters of a path as the router decoded them, not yet parsed. */
type Segments = Readonly<Record<string, string>>;
type Answer<Needs> = (services: Needs, request: ApiRequest, segments: Segments) => Promise<ApiResponse>;

/** Private to this file, so that {@link route} is the only way to make a route that can be served. */
const ANSWER = Symbol('answer');

/** A route that can be served, with its declaration. */
export interface Route<in Needs> extends Omit<Contract<string, AccessType | false>, 'action'> {
  readonly action: Access;
  readonly formats: readonly string[];
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly headers: z.ZodObject;
  readonly body?: JsonBody | RawBody | undefined;
  readonly [ANSWER]: Answer<Needs>;
}

/**
 * Declares a route. A request is authorised, then parsed, then handled. If the declaration says so, the access is recorded,
 * whether or not it was allowed.
 *
 * @example
 * const getCheckpoint = route({
 *   name: 'getCheckpoint',
 *   method: 'GET',
 *   path: '/v1/trails/{trail}/checkpoint',
 *   action: { on: 'path', anyOf: ['read'] },
 *   recorded: false,
 *   summary: 'The newest signed checkpoint.',
 *   query: z.strictObject({ size: wholeNumber.optional() }),
 *   replies: { 200: 'text/plain' },
 *   handler: async ({ ledger }: ReadServices, { params: { trail }, query: { size } }) => …,
 * });
 */
// @__NO_SIDE_EFFECTS__
export function route<
  Needs,
  const Path extends string,
  const Recorded extends AccessType | false,
  Params extends z.ZodObject = Nothing,
  Query extends z.ZodObject = Nothing,
  Headers extends z.ZodObject = Nothing,
  Body = undefined,
>(
  declaration: Declaration<Needs, Path, Recorded, Params, Query, Headers, Body> & ParamsOf<Path>,
): Route<Recorded extends AccessType ? Needs & AuditServices : Needs> {
  const { handler, ...contract } = declaration;
  const { body, recorded, params = NOTHING, query = NOTHING, headers = NOTHING } = declaration;
  // The cast: either kind of access is one.
  const action: Access = declaration.action;
  const answer: Answer<Needs> = async (services, request, segments) => {
    authorise(action, request, segments, query);
    const { trail, ...others } = segments;
    return handler(services, {
      // The casts: the types of the path and the declaration; an omitted schema is `Nothing`.
      params: { ...parseParameters(params, new URLSearchParams(others)), trail } as Parsed<Params> & TrailOf<Path>,
      query: parseParameters(query, request.query) as Parsed<Query>,
      headers: parseHeaders(headers, request) as Parsed<Headers>,
      body: (body === undefined || 'described' in body ? undefined : parseBody(body, request)) as Body,
      caller: request.principal.name,
      mayAccess: (named) => mayAccess(action, request.principal, named),
      sent: request,
    });
  };
  const recording: Answer<Needs & AuditServices> = (services, request, segments) =>
    recorded === false
      ? answer(services, request, segments)
      : audited(services, { access: recorded, request, segments }, () => answer(services, request, segments));
  return {
    ...contract,
    ...{ action, params, query, headers, formats: declaration.formats ?? [] },
    // The cast: the audit services are there if the declaration says that accesses are recorded.
    [ANSWER]: recording as Answer<Recorded extends AccessType ? Needs & AuditServices : Needs>,
  };
}

/** Handles a request by its route. */
export const answer = <Needs>(
  route: Route<Needs>,
  services: Needs,
  request: ApiRequest,
  segments: Segments,
): Promise<ApiResponse> => route[ANSWER](services, request, segments);

function parseHeaders(schema: z.ZodObject, { headers }: ApiRequest): object {
  const given = Object.keys(schema.shape).flatMap((name): [string, string][] => {
    const value = headers[name.toLowerCase()];
    return value === undefined ? [] : [[name, value]];
  });
  return parseParameters(schema, new URLSearchParams(given));
}
