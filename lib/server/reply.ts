import type { ServerResponse } from 'node:http';
import { finished, pipeline } from 'node:stream/promises';
import type { ApiResponse } from '../api/core/http.ts';

/** The context of a reply: all it depends on besides its content. */
export interface ReplyContext {
  readonly requestId: string;
  /** For HEAD: the head that GET would have, and no body (RFC 9110 section 9.3.2). */
  readonly headOnly: boolean;
  /** True if the connection ends with this answer. */
  readonly last: boolean;
}

/**
 * Writes an answer at the reader's pace. Resolves once it is handed to the system; rejects when the reader went away
 * or the stream that the answer comes from failed, and then the connection is cut.
 */
export async function reply(outgoing: ServerResponse, response: ApiResponse, context: ReplyContext): Promise<void> {
  const { status, body } = response;
  const headers: Record<string, string | number> = {
    'x-request-id': context.requestId,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(context.last ? { connection: 'close' } : {}),
    ...response.headers,
  };
  if (typeof body === 'string' || body instanceof Uint8Array) {
    // Not on 204, which has no content (RFC 9110 section 8.6).
    if (status !== 204) headers['content-length'] = Buffer.byteLength(body);
    outgoing.writeHead(status, headers);
    outgoing.end(context.headOnly ? undefined : body);
    await finished(outgoing);
    return;
  }
  outgoing.writeHead(status, headers);
  if (context.headOnly) {
    outgoing.end();
    await finished(outgoing);
  } else await pipeline(body, outgoing);
}
