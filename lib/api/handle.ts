import { SealtrailError } from '../log/error.ts';
import { appendEvents } from './append.ts';
import { listKeys, listTrails, sealTrail } from './deployment.ts';
import { getRecord, queryEvents } from './events.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { problemResponse } from './problem.ts';
import type { Services } from './services.ts';
import { getCheckpoint, getConsistency, getProof } from './tree.ts';

type Handler = (
  services: Services,
  request: ApiRequest,
  parameters: Readonly<Record<string, string>>,
) => Promise<ApiResponse>;

/** Every route: method, path with `{parameters}`, and what answers it. The order does not matter. */
const ROUTES: readonly (readonly [method: string, path: string, handler: Handler])[] = [
  ['POST', '/v1/trails/{trail}/events', appendEvents],
  ['GET', '/v1/trails/{trail}/events', queryEvents],
  ['GET', '/v1/trails/{trail}/events/{event}', getRecord],
  ['GET', '/v1/trails/{trail}/events/{seq}/proof', getProof],
  ['GET', '/v1/trails/{trail}/checkpoint', getCheckpoint],
  ['GET', '/v1/trails/{trail}/consistency', getConsistency],
  ['POST', '/v1/trails/{trail}/seals', sealTrail],
  ['GET', '/v1/trails', listTrails],
  ['GET', '/v1/keys', listKeys],
];

interface Route {
  readonly method: string;
  readonly segments: readonly string[];
  readonly handler: Handler;
}

const TABLE: readonly Route[] = ROUTES.map(([method, path, handler]) => ({
  method,
  segments: path.split('/').slice(1),
  handler,
}));

/**
 * Answers a request: finds the route, runs it, and turns what it throws into an answer. It never throws.
 *
 * @param onError told of every error that is not the caller's, with its cause
 */
export async function handle(
  services: Services,
  request: ApiRequest,
  onError: (error: unknown, request: ApiRequest) => void,
): Promise<ApiResponse> {
  try {
    return await dispatch(services, request);
  } catch (error) {
    const response = problemResponse(error, request.requestId, headersFor(error));
    if (response.status >= 500) onError(error, request);
    return response;
  }
}

function dispatch(services: Services, request: ApiRequest): Promise<ApiResponse> {
  const segments = decodeSegments(request.path);
  const here = TABLE.flatMap((route) => {
    const parameters = matched(route.segments, segments);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  // HEAD is GET without the body, which the server leaves out (RFC 9110 section 9.3.2).
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const found = here.find(({ route }) => route.method === method);
  if (found !== undefined) return found.route.handler(services, request, found.parameters);
  if (here.length === 0) throw new SealtrailError('not_found', 'there is nothing at this path: see /v1/openapi.json');
  throw new MethodNotAllowed(here.map(({ route }) => route.method));
}

/** Carries what `Allow` must say (RFC 9110 section 15.5.6). */
class MethodNotAllowed extends SealtrailError {
  readonly allow: string;

  constructor(methods: readonly string[]) {
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].sort().join(', ');
    super('method_not_allowed', `here one can ${allow}`);
    this.allow = allow;
  }
}

const headersFor = (error: unknown): Record<string, string> =>
  error instanceof MethodNotAllowed ? { allow: error.allow } : {};

function decodeSegments(path: string): readonly string[] {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch (cause) {
    throw new SealtrailError('invalid_parameter', 'the path is not percent-encoded UTF-8', { field: 'path', cause });
  }
}

function matched(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [at, part] of pattern.entries()) {
    const segment = segments[at] ?? '';
    if (part.startsWith('{')) parameters[part.slice(1, -1)] = segment;
    else if (part !== segment) return undefined;
  }
  return parameters;
}
