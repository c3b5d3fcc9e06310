import type { ActionLog } from '../action-log.ts';
import type { HookEvent } from './hook-event.ts';

/**
 * Logs what a hook tells.
 *
 * @returns why the agent must not go on with the call; undefined where it may
 */
export async function logHook(event: HookEvent, actions: ActionLog): Promise<string | undefined> {
  if (event.kind === 'other') {
    actions.note({ ...event.fields, type: event.type });
    return undefined;
  }
  const { kind, action, fields } = event;
  if (kind === 'before') return actions.requested(action, fields);
  if (kind === 'denied')
    actions.note({ ...fields, type: 'action.denied', decision: 'deny', context: { ...fields.context, action } });
  else
    actions.ended(action, undefined, { ...fields, outcome: kind === 'failed' ? 'failure' : outcomeOf(fields.details) });
  return undefined;
}

/** Agents that have no event of their own for a failure say it in the result, of which only this much is common. */
function outcomeOf(details: Readonly<Record<string, unknown>> | undefined): 'failure' | 'success' {
  return details?.errorSha256 === undefined ? 'success' : 'failure';
}
