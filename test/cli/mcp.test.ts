import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let log: TestLog;
beforeAll(async () => {
  log = await openTestLog();
});
afterAll(() => log.close());

const SERVER = `process.stdin.on('data', (text) => { process.stdout.write('{"id":1,"result":{}}\\n'); process.exit(3); });`;
const CALL =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"password":"hunter2!x"}}}\n';

/** Wraps the server and calls its tool. */
function mcp(trail: string, options: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const args = ['mcp', '--trail', trail, '--agent', 'bot', '--spool', join(log.folder, `spool-${trail}`), ...options];
  return cli([...args, '--', process.execPath, '-e', SERVER], { env: { ...log.env('writer'), ...env }, input: CALL });
}

async function events(trail: string): Promise<Record<string, unknown>[]> {
  const { stdout } = await cli(['query', trail, '--order', 'oldest', '--format', 'ndjson'], {
    env: log.env('auditor'),
  });
  return stdout
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).event);
}

describe('sealtrail mcp', () => {
  it('passes on what both sides say, the exit code too, and logs the call', async () => {
    expect(await mcp('calls')).toEqual({ code: 3, stdout: '{"id":1,"result":{}}\n', stderr: '' });
    const [asked, done, closed] = await events('calls');
    expect(asked).toMatchObject({ type: 'action.requested', actor: { id: 'bot' }, resource: { id: 'read' } });
    expect(done).toMatchObject({
      type: 'action.executed',
      context: { action: Reflect.get(Object(asked?.context), 'action') },
    });
    expect(closed).toMatchObject({ type: 'mcp.closed', details: { exitCode: 3 } });
  });

  it('redacts content before it goes anywhere', async () => {
    await mcp('contents', ['--content']);
    const [asked] = await events('contents');
    expect(asked).toMatchObject({ details: { arguments: { password: '[redacted]' } } });
  });

  it('keeps a call in the spool while the log is away, and the next process sends it', async () => {
    const away = { SEALTRAIL_ENDPOINT: 'http://127.0.0.1:9' };
    const { code, stdout, stderr } = await mcp('away', [], away);
    expect([code, stdout]).toEqual([3, '{"id":1,"result":{}}\n']);
    expect(stderr).toContain('cannot reach');
    await mcp('away');
    const types = (await events('away')).map(({ type }) => type);
    expect(types).toEqual([...Array(2)].flatMap(() => ['action.requested', 'action.executed', 'mcp.closed']));
  });

  it('refuses the call with --fail-closed while the log is away', async () => {
    const away = { SEALTRAIL_ENDPOINT: 'http://127.0.0.1:9' };
    const { stdout } = await mcp('closed', ['--fail-closed', '--log-timeout', '50'], away);
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, error: { code: -32_001 } });
    await cli(['spool', join(log.folder, 'spool-closed'), '--send', '--trail', 'closed'], { env: log.env('writer') });
    const types = (await events('closed')).map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['action.requested', 'action.denied']);
  });

  it('has a spool of its own for each log and trail', async () => {
    const state = join(log.folder, 'state');
    const args = ['mcp', '--trail', 'own', '--', process.execPath, '-e', ''];
    expect((await cli(args, { env: { ...log.env('writer'), XDG_STATE_HOME: state } })).code).toBe(0);
    expect(existsSync(join(state, 'sealtrail', 'spool'))).toBe(true);
  });

  it.each([
    [[], 'name the server of MCP'],
    [['--url', 'http://127.0.0.1:1/', '--', 'x'], 'name the server of MCP'],
    [['--url', 'ftp://x/'], '--url must be an http or https URL'],
    [['--', '/no/such/server'], 'cannot start the server'],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, stderr } = await cli(['mcp', '--trail', 'wrong', '--spool', join(log.folder, 'w'), ...args], {
      env: log.env('writer'),
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});
