import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hookEvent } from '../../../lib/agents/hooks/hook-event.ts';
import { logHook } from '../../../lib/agents/hooks/log-hook.ts';
import { resolveType } from '../../../lib/contract/catalogue.ts';
import { recording } from '../recording.ts';

const options = { agent: 'coder', content: false, tenant: 'acme' };
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function logged(told: object, more: object = {}) {
  const { actions, events } = recording();
  const why = await logHook(hookEvent(JSON.stringify(told), { ...options, ...more }), actions);
  expect(why).toBeUndefined();
  expect(events()).toHaveLength(1);
  return events()[0] ?? {};
}

/** As Claude Code writes it. */
const CLAUDE = {
  session_id: 's-1',
  transcript_path: '/t.jsonl',
  cwd: '/repo',
  permission_mode: 'default',
  tool_name: 'Bash',
  tool_input: { command: 'ls' },
  tool_use_id: 'toolu_1',
};
/** As Gemini CLI writes it: calls have no id. */
const GEMINI = {
  session_id: 's-2',
  cwd: '/repo',
  timestamp: '2026-11-30T12:00:00Z',
  tool_name: 'run_shell_command',
  tool_input: { command: 'ls' },
};

describe('a hook', () => {
  it('before a call is a request, with the digest of its arguments', async () => {
    expect(await logged({ ...CLAUDE, hook_event_name: 'PreToolUse' })).toEqual({
      type: 'action.requested',
      action: 'tools/call',
      actor: { id: 'coder', type: 'agent' },
      resource: { type: 'tool', id: 'Bash' },
      context: { agent: 'coder', session: 's-1', tenant: 'acme', action: 'toolu_1' },
      details: {
        hook: 'PreToolUse',
        cwd: '/repo',
        permission_mode: 'default',
        argumentsSha256: sha256('{"command":"ls"}'),
      },
    });
  });

  it.each([
    ['PostToolUse', { tool_response: { stdout: 'a' } }, 'action.executed', 'success'],
    ['PostToolUseFailure', { error: 'exit code 1' }, 'action.failed', 'failure'],
    ['PermissionDenied', {}, 'action.denied', undefined],
  ])('after it is its outcome: %s', async (hook_event_name, more, type, outcome) => {
    const event = await logged({ ...CLAUDE, ...more, hook_event_name });
    expect(event).toMatchObject({
      type,
      context: { action: 'toolu_1' },
      ...(outcome === undefined ? { decision: 'deny' } : { outcome }),
    });
  });

  it('belongs to its call also where calls have no id', async () => {
    const [before, after, other] = await Promise.all([
      logged({ ...GEMINI, hook_event_name: 'BeforeTool' }),
      logged({ ...GEMINI, hook_event_name: 'AfterTool', tool_response: {} }),
      logged({ ...GEMINI, hook_event_name: 'BeforeTool', tool_input: { command: 'rm' } }),
    ]);
    const id = ({ context }: Record<string, unknown>) => Reflect.get(Object(context), 'action');
    expect(id(before)).toBe(id(after));
    expect(id(before)).not.toBe(id(other));
  });

  it.each([
    ['UserPromptSubmit', 'prompt.submitted'],
    ['BeforeAgent', 'prompt.submitted'],
    ['Stop', 'agent.stopped'],
    ['SessionStart', 'agent.session_started'],
    ['PreCompact', 'agent.pre_compact'],
    ['Ünknown Event!', 'agent.nknown_event_'],
  ])('%s is %s, with no content', async (hook_event_name, type) => {
    const event = await logged({
      session_id: 's',
      hook_event_name,
      prompt: 'secret plan',
      last_assistant_message: 'done',
    });
    expect(event).toMatchObject({ type, details: { promptSha256: sha256('"secret plan"') } });
    expect(resolveType(type)?.name).toBe(type);
    expect(JSON.stringify(event)).not.toContain('secret plan');
  });

  it('has content by choice', async () => {
    const event = await logged({ ...CLAUDE, hook_event_name: 'PreToolUse' }, { content: true });
    expect(event).toMatchObject({ details: { arguments: { command: 'ls' } } });
  });

  it.each(['', 'hello', '[]', '{}', '{"hook_event_name":7}'])('that says nothing is refused: %j', (text) => {
    expect(() => hookEvent(text, options)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^invalid_/) }),
    );
  });
});
