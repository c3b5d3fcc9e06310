import {
  type ApiOptions,
  type AuditLogger,
  type AuditLoggerOptions,
  createAuditLogger,
} from '../../lib/client/index.ts';
import type { ProxiedLog } from './proxy.ts';

export const trail = 'orders';

/** A logger of the log behind a startProxiedLog, and what it was told of. */
export function logger(
  proxied: ProxiedLog,
  options: Partial<ApiOptions> = {},
  others: Omit<AuditLoggerOptions, 'api'> = {},
): { audit: AuditLogger; errors: Error[] } {
  const errors: Error[] = [];
  const api = { ...proxied.api, trail, batchDelay: 5, ...options };
  return { audit: createAuditLogger({ ...others, api, onError: (error) => errors.push(error) }), errors };
}
