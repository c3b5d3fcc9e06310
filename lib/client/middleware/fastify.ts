import type { FastifyPluginCallback, FastifyRequest } from 'fastify';
import type { AuditLogger } from '../logger/logger.ts';
import { RequestAudit, type RequestAuditOptions, type RequestFacts, size } from './requests.ts';

export type { RequestAuditOptions } from './requests.ts';

/**
 * A Fastify plugin: whatever is logged while a request is handled gets its id, correlation and `context`, and the request
 * itself becomes one `http.request` when it is over. It holds for all routes of the instance that it is registered with.
 *
 * @example
 * const app = fastify();
 * app.register(auditRequests(audit, { skip: (request) => request.url === '/health' }));
 */
export function auditRequests(
  audit: AuditLogger,
  options: RequestAuditOptions<FastifyRequest> = {},
): FastifyPluginCallback {
  const plugin: FastifyPluginCallback = (app, _, registered) => {
    const audits = new WeakMap<FastifyRequest, RequestAudit<FastifyRequest>>();
    app.addHook('onRequest', (request, reply, next) => {
      const one = new RequestAudit(audit, options, request, described);
      audits.set(request, one);
      // Not Fastify's `onResponse`, which does not come for a caller who left.
      reply.raw.once('close', () => {
        const bytes = size(reply.getHeader('content-length'));
        one.end({ status: reply.statusCode, bytes, aborted: !reply.raw.writableFinished });
      });
      audit.withContext(one.context, next);
    });
    // Once more: a body arrives in events of the socket, which know nothing of the context.
    app.addHook('preValidation', (request, _reply, next) => {
      audit.withContext(audits.get(request)?.context ?? {}, next);
    });
    registered();
  };
  // Fastify's own mark for "not only for what is registered inside of me".
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

function described(request: FastifyRequest): RequestFacts {
  return {
    method: request.method,
    url: request.originalUrl,
    header: (name) => String(request.headers[name] ?? '') || undefined,
    ip: request.ip,
  };
}
