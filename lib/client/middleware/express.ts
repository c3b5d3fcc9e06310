import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuditLogger } from '../logger/logger.ts';
import { RequestAudit, type RequestAuditOptions, type RequestFacts, size } from './requests.ts';

export type { RequestAuditOptions } from './requests.ts';

/**
 * Express middleware (connect's kind): whatever is logged while a request is handled gets its id, correlation and `context`,
 * and the request itself becomes one `http.request` when it is over. It neither reads bodies nor delays anything.
 *
 * @example
 * const app = express();
 * app.use(auditRequests(audit, { context: () => ({ actor: { id: 'alice' } }) }));
 */
export function auditRequests<Request extends IncomingMessage = IncomingMessage>(
  audit: AuditLogger,
  options: RequestAuditOptions<Request> = {},
): (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void {
  return (request, response, next) => {
    const one = new RequestAudit(audit, options, request, described);
    response.once('close', () => {
      const bytes = size(response.getHeader('content-length'));
      one.end({ status: response.statusCode, bytes, aborted: !response.writableFinished });
    });
    audit.withContext(one.context, next);
  };
}

function described(request: IncomingMessage): RequestFacts {
  // Express keeps the whole path here, where routers cut theirs from `url`, and knows which proxies to believe.
  const [originalUrl, ip]: unknown[] = [Reflect.get(request, 'originalUrl'), Reflect.get(request, 'ip')];
  return {
    method: request.method ?? 'GET',
    url: typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/'),
    header: (name) => String(request.headers[name] ?? '') || undefined,
    ip: typeof ip === 'string' ? ip : request.socket.remoteAddress,
  };
}
