import type { Context, MiddlewareHandler } from 'hono';
import type { AuditLogger } from '../logger/logger.ts';
import { RequestAudit, type RequestAuditOptions, type RequestFacts, size } from './requests.ts';

/** Options of the middleware for Hono. */
export interface HonoAuditOptions extends RequestAuditOptions<Context> {
  /** Where the caller is: Hono does not know, `getConnInfo` of its adapters does. @default it is not said */
  readonly ip?: (context: Context) => string | undefined;
}

/**
 * Hono middleware: whatever is logged while a request is handled gets its id, correlation and `context`, and the request
 * itself becomes one `http.request` when its handlers are done. A body that is streamed may still be on its way then.
 *
 * @example
 * const app = new Hono();
 * app.use(auditRequests(audit, { context: (c) => ({ tenant: c.req.header('x-tenant') }) }));
 */
export function auditRequests(audit: AuditLogger, options: HonoAuditOptions = {}): MiddlewareHandler {
  return async (context, next) => {
    const described = (): RequestFacts => ({
      method: context.req.method,
      url: context.req.path,
      header: (name) => context.req.header(name),
      ip: options.ip?.(context),
    });
    const one = new RequestAudit(audit, options, context, described);
    try {
      await audit.withContext(one.context, next);
    } catch (error) {
      // Hono answers for errors only: anything else that is thrown leaves the application.
      one.end({ status: 500, bytes: undefined, aborted: context.req.raw.signal.aborted });
      throw error;
    }
    const { status, headers } = context.res;
    one.end({ status, bytes: size(headers.get('content-length')), aborted: context.req.raw.signal.aborted });
  };
}
