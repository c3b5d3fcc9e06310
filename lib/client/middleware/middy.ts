import { asError } from '../event/sink.ts';
import { enterContext, type SharedContext } from '../logger/context.ts';
import type { AuditLogger } from '../logger/logger.ts';

/** How a function is audited. */
export interface AuditMiddlewareOptions {
  /** The context of every event of an invocation, besides its `request` (the invocation's id). */
  readonly context?: (event: unknown) => SharedContext;
  /** Called when an invocation ends before its events are safe; its result stands. @default a warning of the process */
  readonly onError?: (error: Error) => void;
}

/** The part of middy's request that is used here. */
interface Invocation {
  readonly event: unknown;
  readonly context: { readonly awsRequestId?: string; readonly getRemainingTimeInMillis?: () => number };
}

/** Milliseconds before the function's own deadline at which flushing gives up. */
const RESERVE_MS = 250;

/**
 * A middy middleware, and no extension: every event that is logged in an invocation gets the invocation's id, and the result is
 * given back once all of them are safe, since what a frozen function has in memory may never leave it. The log's own trouble
 * does not change the result.
 *
 * @example
 * const handler = middy(async () => audit.log({ type: 'invoice.paid' }).receipt).use(auditMiddleware(audit));
 */
export function auditMiddleware(
  audit: AuditLogger,
  options: AuditMiddlewareOptions = {},
): {
  before: (invocation: Invocation) => void;
  after: (invocation: Invocation) => Promise<void>;
  onError: (invocation: Invocation) => Promise<void>;
} {
  const { onError = (error: Error) => process.emitWarning(error) } = options;
  const flush = async ({ context }: Invocation): Promise<void> => {
    const left = context.getRemainingTimeInMillis?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error('the function has no time left to wait for its events to be safe');
      if (left !== undefined) timer = setTimeout(() => reject(error), Math.max(0, left - RESERVE_MS));
    });
    try {
      await Promise.race([audit.flush(), late]);
    } catch (error) {
      onError(asError(error));
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    before: ({ event, context }) => {
      const own = context.awsRequestId === undefined ? {} : { request: context.awsRequestId };
      enterContext(own); // Whatever the application says of the event: not the one of the invocation before.
      try {
        enterContext({ ...own, ...options.context?.(event) });
      } catch (error) {
        onError(asError(error));
      }
    },
    after: flush,
    onError: flush,
  };
}
