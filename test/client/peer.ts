import { type ApiOptions, type AuditLogger, createAuditLogger } from '../../lib/client/index.ts';
import type { Fronted } from './proxy.ts';

export const trail = 'orders';

/** A logger of the log behind a front, and what it was told of. */
export function logger(fronted: Fronted, options: Partial<ApiOptions> = {}): { audit: AuditLogger; errors: Error[] } {
  const errors: Error[] = [];
  const api = { ...fronted.api, trail, batchDelay: 5, ...options };
  return { audit: createAuditLogger({ api, onError: (error) => errors.push(error) }), errors };
}
