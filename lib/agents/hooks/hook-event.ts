import { createHash } from 'node:crypto';
import { contentFor } from '../../client/event/content.ts';
import type { Fields } from '../../client/logger/calls.ts';
import { SealtrailError } from '../../log/error.ts';
import { isObject, parseJson } from '../../log/json.ts';
import { contentDigest } from '../content-digest.ts';

/** The event of a command-line agent's hook, in the terms of the log. */
export type HookEvent =
  | { readonly kind: 'before' | 'after' | 'failed' | 'denied'; readonly action: string; readonly fields: Fields }
  | { readonly kind: 'other'; readonly type: string; readonly fields: Fields };

/** How a hook's event is logged. */
export interface HookOptions {
  /** The agent's name. */
  readonly agent: string;
  /** True if what was typed, asked and answered is logged, redacted, beside its digests. */
  readonly content: boolean;
  readonly tenant?: string | undefined;
  readonly project?: string | undefined;
}

/** Names of the same event in different agents: Claude Code, Gemini CLI, Copilot and Cursor. Without case. */
const KINDS: Readonly<Record<string, HookEvent['kind']>> = {
  pretooluse: 'before',
  beforetool: 'before',
  beforeshellexecution: 'before',
  beforemcpexecution: 'before',
  posttooluse: 'after',
  aftertool: 'after',
  aftershellexecution: 'after',
  aftermcpexecution: 'after',
  posttoolusefailure: 'failed',
  permissiondenied: 'denied',
};
const TYPES: Readonly<Record<string, string>> = {
  userpromptsubmit: 'prompt.submitted',
  userpromptsubmitted: 'prompt.submitted',
  beforesubmitprompt: 'prompt.submitted',
  beforeagent: 'prompt.submitted',
  stop: 'agent.stopped',
  agentstop: 'agent.stopped',
  afteragent: 'agent.stopped',
  subagentstop: 'agent.subagent_stopped',
  sessionstart: 'agent.session_started',
  sessionend: 'agent.session_ended',
  notification: 'agent.notified',
};

/** Members that say how something came about, and hold no content. */
const PLAIN = [
  'cwd',
  'permission_mode',
  'model',
  'source',
  'trigger',
  'reason',
  'stop_hook_active',
  'is_interrupt',
  'duration_ms',
];
/** Members with content: hashed, and logged by choice. */
const CONTENT: Readonly<Record<string, readonly string[]>> = {
  arguments: ['tool_input', 'toolArgs', 'tool_args', 'command'],
  result: ['tool_response', 'tool_output', 'toolResult', 'output'],
  prompt: ['prompt'],
  message: ['message', 'last_assistant_message'],
  error: ['error'],
};

/**
 * Reads the JSON on a hook's standard input.
 *
 * @throws `invalid_json`, `invalid_event` where it names no event
 */
export function hookEvent(text: string, options: HookOptions): HookEvent {
  const payload = parsed(text);
  const name = textOf(payload, 'hook_event_name', 'hookEventName', 'hookName');
  if (name === undefined)
    throw new SealtrailError('invalid_event', 'a hook must say which event it is: hook_event_name is missing');
  const kind = KINDS[name.toLowerCase()] ?? 'other';
  const session = textOf(payload, 'session_id', 'sessionId', 'conversation_id');
  const context = { agent: options.agent, session, tenant: options.tenant, project: options.project };
  const details = { hook: name, ...plainOf(payload), ...contentsOf(payload, options.content) };
  const actor = { id: options.agent, type: 'agent' as const };
  const fields = { actor, context, details };
  if (kind === 'other') return { kind, type: TYPES[name.toLowerCase()] ?? ownType(name), fields };
  const tool = textOf(payload, 'tool_name', 'toolName') ?? name;
  const action =
    textOf(payload, 'tool_use_id', 'toolCallId', 'tool_call_id') ??
    callId(session, tool, contentOf(payload, 'arguments'));
  return { kind, action, fields: { ...fields, action: 'tools/call', resource: { type: 'tool', id: tool } } };
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (cause) {
    throw new SealtrailError('invalid_json', 'a hook reads one JSON object on standard input', { cause });
  }
  if (!isObject(value)) throw new SealtrailError('invalid_json', 'a hook reads one JSON object on standard input');
  return value;
}

/** The hooks before and after a call are two processes: without an id, what is called tells them to belong together. */
function callId(session: string | undefined, tool: string, given: unknown): string {
  const call = JSON.stringify([session, tool, contentDigest(given ?? {})]);
  return createHash('sha256').update(call).digest('hex').slice(0, 32);
}

/** `PreCompact` becomes `agent.pre_compact`. */
function ownType(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return `agent.${
    words
      .replace(/[^a-z0-9_-]+/g, '_')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, 64) || 'event'
  }`;
}

function plainOf(payload: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    PLAIN.filter((name) => payload[name] !== undefined).map((name) => [name, contentFor(payload[name])]),
  );
}

function contentsOf(payload: Readonly<Record<string, unknown>>, isLogged: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(CONTENT).flatMap((what) => {
      const content = contentOf(payload, what);
      if (content === undefined) return [];
      const digest = [`${what}Sha256`, contentDigest(content)] as const;
      return isLogged ? [digest, [what, contentFor(content)] as const] : [digest];
    }),
  );
}

function contentOf(payload: Readonly<Record<string, unknown>>, what: string): unknown {
  const name = CONTENT[what]?.find((one) => payload[one] !== undefined);
  return name === undefined ? undefined : payload[name];
}

function textOf(payload: Readonly<Record<string, unknown>>, ...names: readonly string[]): string | undefined {
  return names.map((name) => payload[name]).find((value): value is string => typeof value === 'string' && value !== '');
}
