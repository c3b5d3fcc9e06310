import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type {
  APIGatewayProxyEventV2WithIAMAuthorizer as GatewayEvent,
  APIGatewayProxyStructuredResultV2 as GatewayResult,
} from 'aws-lambda';
import { decodeContent } from '../lib/api/core/content-encoding.ts';
import { type ApiRequest, type ApiResponse, queryOf } from '../lib/api/core/http.ts';
import { type Action, Principal } from '../lib/api/core/principal.ts';
import { problemResponse } from '../lib/api/core/problem.ts';
import type { Router } from '../lib/api/core/router.ts';
import { SealtrailError } from '../lib/log/error.ts';
import { count, describe, logger } from './telemetry.ts';

const deflate = promisify(gzip);

/** Lambda's limit for an answer, 6 MB of JSON (Lambda developer guide, "Quotas"), with room for the headers. */
const MAX_RESULT_BYTES = 6_000_000;
/** From here on compression is worth its time. */
const MIN_GZIP_BYTES = 16_384;

/** How API Gateway's requests are answered. */
export interface GatewayOptions<Needs> {
  readonly router: Router<Needs>;
  readonly services: () => Promise<Needs>;
  /** What the routes of this function are for: a caller may do nothing else through them, whatever IAM says. */
  readonly actions: readonly Action[];
}

/**
 * Answers a request of an HTTP API (payload format 2.0) whose routes IAM guards. Who may call which route on which trail
 * is decided there; here the caller is known and may do what the function is for.
 */
export async function answer<Needs>(event: GatewayEvent, options: GatewayOptions<Needs>): Promise<GatewayResult> {
  const { router, services, actions } = options;
  const started = performance.now();
  const { requestId, http } = event.requestContext;
  const onError = (error: unknown): void => {
    count('ServerErrors');
    logger.error('a request failed', { requestId, ...describe(error) });
  };
  let response: ApiResponse;
  try {
    const request = await requestOf(event, actions);
    response = await router.handle(await services(), request, onError);
  } catch (error) {
    response = problemResponse(error, requestId);
    if (response.status >= 500) onError(error);
  }
  const result = await gatewayResult(response, { requestId, acceptEncoding: event.headers['accept-encoding'] });
  logger.info('request', {
    requestId,
    method: http.method,
    path: router.loggedPath(pathOf(event)),
    status: result.statusCode,
    ms: Math.round(performance.now() - started),
    principal: callerOf(event),
  });
  return result;
}

async function requestOf(event: GatewayEvent, actions: readonly Action[]): Promise<ApiRequest> {
  const { headers, requestContext } = event;
  const name = callerOf(event);
  // Never without a name: a route that lost its authorizer must not become an open door.
  if (name === undefined) throw new SealtrailError('unauthenticated', 'sign the request with AWS Signature Version 4');
  const sent = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  return {
    method: requestContext.http.method,
    path: pathOf(event),
    query: queryOf(event.rawQueryString),
    headers,
    body: await decodeContent(sent, headers['content-encoding']),
    principal: new Principal({ name, actions: [...actions], trails: ['*', '_*'] }),
    requestId: requestContext.requestId,
  };
}

/** The ARN of the caller: of a user, or of a role's session with the session's name in it. */
function callerOf(event: GatewayEvent): string | undefined {
  // The type says that it is there; a route without an authorizer shows that it need not be.
  const context: Partial<GatewayEvent['requestContext']> = event.requestContext;
  return context.authorizer?.iam?.userArn;
}

/**
 * The path as it was sent, percent-encoded. API Gateway's `rawPath` is decoded, so that a `%` or `/` in an actor's id
 * could not be told from the path's own; what it took the path's parameters for is not ambiguous. An id with `/` or `?`
 * matches no route and never gets here: `GET …/activity?actor=` takes any.
 */
function pathOf({ routeKey, rawPath, pathParameters }: GatewayEvent): string {
  const [, template] = routeKey.split(' ');
  if (template === undefined) return rawPath;
  return template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((pathParameters?.[name] ?? '').toWellFormed()),
  );
}

/** What the result depends on besides the response. */
interface ResultContext {
  readonly requestId: string;
  readonly acceptEncoding: string | undefined;
}

/**
 * A response as API Gateway wants it. Large ones are compressed for callers that take it; one that Lambda could not pass
 * on becomes a problem that says what to do, where Lambda would answer with a bare 500.
 */
async function gatewayResult(response: ApiResponse, context: ResultContext): Promise<GatewayResult> {
  const result = await encode(response, context);
  // As JSON, quotes and line feeds in the body take two bytes each.
  if (Buffer.byteLength(JSON.stringify(result.body)) <= MAX_RESULT_BYTES) return result;
  const message = 'limit: the answer would be longer than 6 MB: ask for fewer records, or accept gzip';
  const tooLong = new SealtrailError('invalid_parameter', message, { field: 'limit' });
  return encode(problemResponse(tooLong, context.requestId), context);
}

async function encode(response: ApiResponse, { requestId, acceptEncoding }: ResultContext): Promise<GatewayResult> {
  const headers = {
    'x-request-id': requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...response.headers,
  };
  const body = await bytesOf(response.body);
  if (body.length < MIN_GZIP_BYTES || !takesGzip(acceptEncoding)) {
    return { statusCode: response.status, headers, body: body.toString(), isBase64Encoded: false };
  }
  return {
    statusCode: response.status,
    headers: { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' },
    body: (await deflate(body)).toString('base64'),
    isBase64Encoded: true,
  };
}

async function bytesOf(body: ApiResponse['body']): Promise<Buffer> {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** RFC 9110 section 12.5.3; a weight of 0 refuses. */
const takesGzip = (accepted = ''): boolean =>
  accepted.split(',').some((one) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(one));
