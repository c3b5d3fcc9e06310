import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor, EventContext, Resource } from '../../contract/event.ts';
import type { LogEvent } from '../event/event.ts';

/** The context that every event of a piece of work shares. */
export interface SharedContext extends EventContext {
  readonly actor?: Actor | undefined;
  readonly resource?: Resource | undefined;
}

const current = new AsyncLocalStorage<SharedContext>();

/**
 * Runs `fn` with a context that every event logged in it gets, however deep and however late; contexts nest.
 *
 * @example
 * await withContext({ request: 'r-1', actor: { id: 'alice' } }, async () => {
 *   audit.log({ type: 'invoice.paid' });
 * });
 */
export function withContext<T>(context: SharedContext, fn: () => T): T {
  return current.run({ ...current.getStore(), ...context }, fn);
}

/** For what cannot be wrapped in a call: all that follows in this piece of asynchronous work has this context, and no other. */
export function enterContext(context: SharedContext): void {
  current.enterWith(context);
}

/** The event with what the context and the defaults add to it; what it says itself stands. */
export function contextualized(event: LogEvent, defaults: SharedContext | undefined): LogEvent {
  const store = current.getStore();
  if (store === undefined && defaults === undefined) return event;
  const { actor, resource, ...context } = { ...defaults, ...store };
  // A context that is no object stays, to be refused for what it is.
  const isMerged = event.context === undefined || (typeof event.context === 'object' && event.context !== null);
  const merged = { ...context, ...event.context };
  return {
    ...event,
    ...(event.actor === undefined && actor !== undefined ? { actor } : {}),
    ...(event.resource === undefined && resource !== undefined ? { resource } : {}),
    ...(isMerged && Object.keys(merged).length > 0 ? { context: merged } : {}),
  };
}
