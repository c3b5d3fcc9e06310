import { SealtrailError } from '../../log/error.ts';
import type { ApiRequest, ApiResponse } from './http.ts';
import { problemResponse } from './problem.ts';
import { answer, type Route } from './route.ts';

interface Pattern<Needs> {
  readonly route: Route<Needs>;
  readonly segments: readonly string[];
}

/** Finds the route of a request among the routes of a server or a function. */
export class Router<Needs> {
  readonly #patterns: readonly Pattern<Needs>[];

  constructor(routes: readonly Route<Needs>[]) {
    this.#patterns = routes.map((route) => ({ route, segments: route.path.split('/').slice(1) }));
  }

  /**
   * Handles a request by its route, and turns an error into a problem response. Never throws.
   *
   * @param onError called with every error that is not the caller's fault, with its cause
   */
  async handle(
    services: Needs,
    request: ApiRequest,
    onError: (error: unknown, request: ApiRequest) => void,
  ): Promise<ApiResponse> {
    try {
      return await this.#dispatch(services, request);
    } catch (error) {
      const response = problemResponse(error, request.requestId, headersFor(error));
      if (response.status >= 500) onError(error, request);
      return response;
    }
  }

  /** True if a request needs no signature: its route answers all callers alike. */
  isPublic({ method, path }: Pick<ApiRequest, 'method' | 'path'>): boolean {
    const segments = path.split('/').slice(1);
    const wanted = method === 'HEAD' ? 'GET' : method;
    return this.#patterns.some(
      ({ route, segments: pattern }) =>
        route.action.on === 'nothing' && route.method === wanted && matched(pattern, segments) !== undefined,
    );
  }

  /** A path that is safe to log: parameters that may identify people are replaced by their names in braces. */
  loggedPath(path: string): string {
    const segments = path.split('/').slice(1);
    const pattern = this.#patterns.find((one) => matched(one.segments, segments) !== undefined);
    const kept = segments.map((segment, at) => {
      const part = pattern?.segments[at] ?? segment;
      return part.startsWith('{') && !LOGGED.includes(part) ? part : segment;
    });
    return `/${kept.join('/')}`.slice(0, MAX_LOGGED_PATH);
  }

  #dispatch(services: Needs, request: ApiRequest): Promise<ApiResponse> {
    const segments = decodeSegments(request.path);
    const here = this.#patterns.flatMap(({ route, segments: pattern }) => {
      const parameters = matched(pattern, segments);
      return parameters === undefined ? [] : [{ route, parameters }];
    });
    // HEAD is GET without the body, which the server omits (RFC 9110 section 9.3.2).
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const found = here.find(({ route }) => route.method === method);
    if (found !== undefined) return answer(found.route, services, request, found.parameters);
    if (here.length === 0) throw new SealtrailError('not_found', 'there is nothing at this path: see /v1/openapi.json');
    const allow = allowed(here.map(({ route }) => route.method));
    if (method === 'OPTIONS') return Promise.resolve({ status: 204, headers: { allow }, body: '' });
    throw new MethodNotAllowed(allow);
  }
}

/** The methods of a path, as `Allow` lists them (RFC 9110 section 10.2.1). */
const allowed = (methods: readonly string[]): string =>
  [...methods, 'OPTIONS', ...(methods.includes('GET') ? ['HEAD'] : [])].sort().join(', ');

/** Parameters that identify no person. */
const LOGGED = ['{trail}', '{seq}'];
const MAX_LOGGED_PATH = 256;

/** Carries the header `Allow` (RFC 9110 section 15.5.6). */
class MethodNotAllowed extends SealtrailError {
  readonly allow: string;

  constructor(allow: string) {
    super('method_not_allowed', `allowed methods: ${allow}`);
    this.allow = allow;
  }
}

const headersFor = (error: unknown): Record<string, string> =>
  error instanceof MethodNotAllowed ? { allow: error.allow } : {};

/**
 * The decoded segments of a path. Empty, `.` and `..` segments match no route: a signature covers the path without them, so
 * a path that has one must not be served as the signed path.
 */
function decodeSegments(path: string): readonly string[] {
  const segments = path.split('/').slice(1);
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return [];
  try {
    return segments.map(decodeURIComponent);
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
