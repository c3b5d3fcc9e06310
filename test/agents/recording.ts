import { ActionLog, type ActionSink } from '../../lib/agents/action-log.ts';
import { type AuditLogger, createAuditLogger, MemorySink } from '../../lib/client/index.ts';

/** A logger into memory, what it got, and the rules of waiting over it. */
export interface Recording {
  readonly audit: AuditLogger;
  readonly actions: ActionLog;
  readonly troubles: string[];
  /** The events, oldest first, without ids, times and what else differs each time. */
  events(): Record<string, unknown>[];
}

/** @param sink what the actions are logged with, in place of a logger into memory */
export function recording(
  options: { readonly failClosed?: boolean; readonly logTimeout?: number; readonly sink?: ActionSink } = {},
): Recording {
  const memory = new MemorySink();
  const audit = createAuditLogger({ sinks: [memory], privacy: 'off' });
  const troubles: string[] = [];
  const { failClosed = false, logTimeout = 1000, sink = audit } = options;
  const actions = new ActionLog({
    audit: sink,
    failClosed,
    logTimeout,
    onTrouble: (message) => troubles.push(message),
  });
  const events = (): Record<string, unknown>[] => memory.events.map(({ id, time, ...rest }) => rest);
  return { audit, actions, troubles, events };
}

/** A sink that nothing ever gets to. */
export const DEAF: ActionSink = (() => {
  const never = createAuditLogger({
    sinks: [{ name: 'deaf', write: () => undefined, flush: async () => undefined, close: async () => undefined }],
  });
  return { log: (event) => never.log(event), logNow: (event) => never.logNow(event) };
})();
