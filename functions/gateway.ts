import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { APIGatewayProxyStructuredResultV2 as GatewayResult } from 'aws-lambda';
import { decodeContent } from '../lib/api/core/content-encoding.ts';
import { type ApiRequest, type ApiResponse, queryOf } from '../lib/api/core/http.ts';
import { type Action, ANYBODY, Principal } from '../lib/api/core/principal.ts';
import { problemResponse } from '../lib/api/core/problem.ts';
import type { Router } from '../lib/api/core/router.ts';
import { SealtrailError } from '../lib/log/error.ts';
import { type ApiEvent, callOf, type GatewayCall } from './gateway-call.ts';
import { count, describe, logger } from './telemetry.ts';

const deflate = promisify(gzip);

/** Lambda's limit for a response, 6 MB of JSON (Lambda developer guide, "Quotas"), with room for the headers. */
const MAX_RESULT_BYTES = 6_000_000;
/** The smallest body worth compressing. */
const MIN_GZIP_BYTES = 16_384;

/** Options for answering API Gateway's requests. */
export interface GatewayOptions<Needs> {
  readonly router: Router<Needs>;
  readonly services: () => Promise<Needs>;
  /** The actions that this function's routes serve: callers may do nothing else through them, whatever IAM says. */
  readonly actions: readonly Action[];
}

/**
 * Answers a request of an HTTP API (payload format 2.0). IAM decides who may call which route on which trail; here the
 * caller is authenticated and may take the function's actions.
 */
export async function answer<Needs>(asked: ApiEvent, options: GatewayOptions<Needs>): Promise<GatewayResult> {
  const event = callOf(asked);
  const { router, services, actions } = options;
  const started = performance.now();
  const { requestId, method } = event;
  const onError = (error: unknown): void => {
    count('ServerErrors');
    logger.error('a request failed', { requestId, ...describe(error) });
  };
  let response: ApiResponse;
  try {
    const request = await readRequest(event, actions, router);
    response = await router.handle(await services(), request, onError);
  } catch (error) {
    response = problemResponse(error, requestId);
    if (response.status >= 500) onError(error);
  }
  const result = await gatewayResult(response, { requestId, acceptEncoding: event.headers['accept-encoding'] });
  logger.info('request', {
    requestId,
    method,
    path: router.loggedPath(event.path),
    status: result.statusCode,
    ms: Math.round(performance.now() - started),
    principal: event.caller,
  });
  return result;
}

async function readRequest<Needs>(
  { method, path, query, headers, caller, sent, requestId }: GatewayCall,
  actions: readonly Action[],
  router: Router<Needs>,
): Promise<ApiRequest> {
  // A name is required: a route that lost its authorizer must not become public.
  if (caller === undefined && !router.isPublic({ method, path }))
    throw new SealtrailError('unauthenticated', 'sign the request with AWS Signature Version 4');
  return {
    ...{ method, path, query: queryOf(query), headers },
    body: await decodeContent(sent, headers['content-encoding']),
    principal:
      caller === undefined ? ANYBODY : new Principal({ name: caller, actions: [...actions], trails: ['*', '_*'] }),
    requestId,
  };
}

/** Inputs of the result besides the response. */
interface ResultContext {
  readonly requestId: string;
  readonly acceptEncoding: string | undefined;
}

/**
 * Converts a response for API Gateway. Large ones are compressed for callers that accept it; one that exceeds Lambda's limit
 * becomes a problem that says what to do, instead of Lambda's bare 500.
 */
async function gatewayResult(response: ApiResponse, context: ResultContext): Promise<GatewayResult> {
  const result = await encode(response, context);
  // As JSON, quotes and line feeds in the body take two bytes each.
  if (Buffer.byteLength(JSON.stringify(result.body)) <= MAX_RESULT_BYTES) return result;
  const message = 'limit: the response would exceed 6 MB: request fewer records, or accept gzip';
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
  const body = await readBytes(response.body);
  if (response.headers['content-type'] === PROTOBUF) {
    return { statusCode: response.status, headers, body: body.toString('base64'), isBase64Encoded: true };
  }
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

/** The one type of response that is no text. */
const PROTOBUF = 'application/x-protobuf';

async function readBytes(body: ApiResponse['body']): Promise<Buffer> {
  if (typeof body === 'string' || body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

/** RFC 9110 section 12.5.3; a weight of 0 refuses. */
const takesGzip = (accepted = ''): boolean =>
  accepted.split(',').some((one) => /^\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(one));
