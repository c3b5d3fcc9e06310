import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let log: TestLog;
beforeAll(async () => {
  log = await openTestLog();
});
afterAll(() => log.close());

const AWAY = { SEALTRAIL_ENDPOINT: 'http://127.0.0.1:9' };
const EXAMPLES = join(import.meta.dirname, '../../examples');

function hook(event: unknown, options: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const args = ['hook', '--trail', 'hooks', '--spool', join(log.folder, 'spool'), '--log-timeout', '100', ...options];
  return cli(args, {
    env: { ...log.env('writer'), ...env },
    input: typeof event === 'string' ? event : JSON.stringify(event),
  });
}
const BEFORE = {
  session_id: 's',
  hook_event_name: 'PreToolUse',
  tool_name: 'Bash',
  tool_use_id: 't-1',
  tool_input: {},
};

describe('sealtrail hook', () => {
  it('logs what it reads and prints nothing; what was logged while the log was away comes with the next', async () => {
    const away = await hook(BEFORE, [], AWAY);
    expect([away.code, away.stdout]).toEqual([0, '']);
    expect(await hook({ ...BEFORE, hook_event_name: 'PostToolUse' })).toEqual({ code: 0, stdout: '', stderr: '' });
    const { stdout } = await cli(['query', 'hooks', '--order', 'oldest', '--format', 'ndjson'], {
      env: log.env('auditor'),
    });
    const types = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event.type);
    expect(types).toEqual(['action.requested', 'action.executed']);
  });

  it('blocks the call with --fail-closed while the log is away, and nothing that is over', async () => {
    const closed = ['--fail-closed', '--trail', 'closed', '--spool', join(log.folder, 'closed')];
    const blocked = await hook(BEFORE, closed, AWAY);
    expect([blocked.code, blocked.stdout]).toEqual([2, '']);
    expect(blocked.stderr).toContain('refused unlogged');
    expect((await hook({ ...BEFORE, hook_event_name: 'PostToolUse' }, closed, AWAY)).code).toBe(0);
  });

  it.each([
    [[], 1],
    [['--fail-closed'], 2],
  ])('says what it cannot read, %j: exit code %i', async (options, code) => {
    expect(await hook('no JSON', options)).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining('one JSON object'),
    });
  });

  it.each(['claude-code/settings.json', 'claude-code/settings.fail-closed.json', 'gemini-cli/settings.json'])(
    'is what %s calls, with options that there are',
    async (file) => {
      const settings = JSON.parse(readFileSync(join(EXAMPLES, file), 'utf8'));
      const commands = Object.values<{ hooks: { command: string }[] }[]>(settings.hooks).flatMap((groups) =>
        groups.flatMap(({ hooks }) => hooks.map(({ command }) => command)),
      );
      const words = (commands[0] ?? '').split(' ').slice(3);
      expect(new Set(commands.map((command) => command.split(' ').slice(0, 3).join(' ')))).toEqual(
        new Set(['npx sealtrail hook']),
      );
      expect((await hook({ ...BEFORE, hook_event_name: 'Stop' }, words)).code).toBe(0);
    },
  );
});
