import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { APIGatewayProxyStructuredResultV2 as GatewayResult } from 'aws-lambda';
import type { ApiResponse } from '../lib/api/http.ts';
import { problemResponse } from '../lib/api/problem.ts';
import { SealtrailError } from '../lib/log/error.ts';

const deflate = promisify(gzip);

/** What the result depends on besides the response. */
export interface ResultContext {
  readonly requestId: string;
  readonly acceptEncoding: string | undefined;
}

/** Lambda's limit for an answer, 6 MB of JSON (Lambda developer guide, "Quotas"), with room for the headers. */
const MAX_RESULT_BYTES = 6_000_000;
/** From here on compression is worth its time. */
const MIN_GZIP_BYTES = 16_384;

/**
 * A response as API Gateway wants it. Large ones are compressed for callers that take it; one that Lambda could not pass
 * on becomes a problem that says what to do, where Lambda would answer with a bare 500.
 */
export async function gatewayResult(response: ApiResponse, context: ResultContext): Promise<GatewayResult> {
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
