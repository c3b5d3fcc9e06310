import { isCount, isObject } from '../../log/json.ts';

/** A JSON object under construction; members that are undefined are left out when it is written. */
type Members = Record<string, unknown>;

/** Reads members of an event by path. */
interface Reader {
  text(...path: readonly string[]): string | undefined;
  json(...path: readonly string[]): unknown;
}

/** The agent that acted: OCSF 1.9.0, object `ai_agent`. Undefined where the event names none. */
export function aiAgentOf(event: Reader): Members | undefined {
  const uid = event.text('context', 'agent');
  if (uid === undefined) return undefined;
  const name = event.text('actor', 'id') === uid ? event.text('actor', 'name') : undefined;
  return { uid, name, instance_uid: event.text('context', 'session'), ai_model: aiModelOf(event) };
}

/** The members of the profile AI Operation that an event has: agent, model, tokens and delegation. Empty where it has none. */
export function aiOperationOf(event: Reader): Members {
  const members = {
    ai_agent: aiAgentOf(event),
    ai_model: aiModelOf(event),
    message_context: messageContextOf(event),
    delegation: delegationOf(event.json('details', 'delegation')),
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** The model that was called, by the events of `sealtrail/models`. */
function aiModelOf(event: Reader): Members | undefined {
  const name = event.text('resource', 'type') === 'model' ? event.text('resource', 'id') : undefined;
  const provider = event.text('details', 'provider');
  if (name === undefined || provider === undefined) return undefined;
  return { name, ai_provider: provider, version: event.text('details', 'answeredBy') };
}

function messageContextOf(event: Reader): Members | undefined {
  const usage = event.json('details', 'usage');
  const service = event.text('details', 'provider');
  if (!isObject(usage) || service === undefined) return undefined;
  const [input, output] = [usage.inputTokens, usage.outputTokens].map((tokens) =>
    isCount(tokens) ? tokens : undefined,
  );
  if (input === undefined && output === undefined) return undefined;
  return {
    ai_role_id: 2, // Assistant
    service: { name: service },
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: (input ?? 0) + (output ?? 0),
  };
}

/** A producer may say under whose authority it acts: `details.delegation`, with at least its `uid`. */
function delegationOf(stated: unknown): Members | undefined {
  if (!isObject(stated)) return undefined;
  const text = (name: string): string | undefined => {
    const value = stated[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const uid = text('uid');
  if (uid === undefined) return undefined;
  const { scopes } = stated;
  const isScopes = Array.isArray(scopes) && scopes.every((one) => typeof one === 'string');
  return {
    uid,
    parent_uid: text('parent'),
    issuer_uid: text('issuer'),
    audience: text('audience'),
    scopes: isScopes ? scopes : undefined,
  };
}
