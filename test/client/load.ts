import type { AuditLogger } from '../../lib/client/index.ts';

/** Logs events `<prefix>-0` to `<prefix>-<count - 1>` and gives their ids. */
export function logMany(audit: AuditLogger, prefix: string, count: number): string[] {
  const ids = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  for (const id of ids) audit.log({ type: 'load.test', id, details: { token: 'secret', n: 1n } });
  return ids;
}
