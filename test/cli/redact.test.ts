import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFolder, removeFolder } from '../store/temporary.ts';
import { cli } from './in-process.ts';

/** Before a trail is opened to a service, its owner looks at what would be sealed of the service's events. No server runs. */

let folder: string;
beforeAll(async () => {
  folder = await makeFolder();
});
afterAll(() => removeFolder(folder));

const LOGIN = {
  type: 'login',
  actor: { id: 'alice@example.com', ip: '203.0.113.7' },
  details: { password: 'hunter2', n: 1, 'bob@example.com': ['carol@example.com', 'none'] },
};
const login = JSON.stringify(LOGIN);
/** Beyond what a double keeps, so not made by JSON.stringify. */
const LONG = '{"id":"evt-long","type":"data.read","details":{"SequenceNo":7353954110769176067}}';

/** The command's JSON lines. */
async function tried(input: string, ...args: string[]): Promise<{ code: number; found: Record<string, unknown>[] }> {
  const { code, stdout } = await cli(['redact', '--try', '-', '--json', ...args], { input });
  const lines = stdout.split('\n').filter(Boolean);
  return { code, found: lines.map((line) => JSON.parse(line)) };
}

describe('redact --try', () => {
  it('shows by event what is redacted, masked and converted, and the event that is left', async () => {
    const { code, found } = await tried(`${login}\n${LONG}\n`);
    expect(code).toBe(0);
    expect(found).toMatchObject([
      {
        where: 'line 1',
        redacted: ['details.password'],
        masked: [
          { path: 'actor.id', becomes: 'a***@example.com' },
          { path: 'actor.ip', becomes: '203.0.113.***' },
          { path: 'details["b***@example.com"]', becomes: 'b***@example.com' },
        ],
        converted: [],
        event: {
          type: 'auth.login',
          outcome: 'success',
          details: { password: '[redacted]', n: 1, 'b***@example.com': ['c***@example.com', 'none'] },
        },
      },
      { where: 'line 2', redacted: [], masked: [], converted: ['details.SequenceNo'] },
    ]);
    expect(found[1]?.event).toEqual({
      ...{ id: 'evt-long', type: 'data.read', severity: 'info', converted: ['details.SequenceNo'] },
      details: { SequenceNo: '7353954110769176067' },
    });
  });

  it('tells people the same', async () => {
    const file = join(folder, 'pretty.json');
    writeFileSync(file, JSON.stringify({ ...LOGIN, id: 'evt-1' }, null, 2));
    const { code, stdout } = await cli(['redact', '--try', file]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^the event\n {2}redacted {3}details\.password\n {2}masked {5}actor\.id: a\*\*\*@example\.com\n/,
    );
    expect(stdout).toContain('    "password": "[redacted]"\n');
    expect(stdout).toMatch(/\n1 event as a log would seal it\. Nothing was sent\.\n$/);
    expect(stdout).not.toContain('hunter2');
  });

  it.each([
    ['an array', `[${login},${LONG}]`, ['item 1', 'item 2']],
    ['the body of a request', `{"events":[${login},${LONG}]}`, ['line 1', 'line 1']],
  ])('takes %s', async (_, input, where) => {
    expect((await tried(input)).found.map((one) => one.where)).toEqual(where);
  });
});

describe('the policy', () => {
  const PRIVACY = { default: { redactKeys: ['n'] }, trails: [{ trail: 'security-*', pii: 'include' }] };

  it.each([
    ['a privacy configuration', PRIVACY],
    ['the config.json of a data folder', { logName: 'log.example', privacy: PRIVACY }],
  ])('is that of a trail in %s', async (_, config) => {
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(config));
    const [ofAll] = (await tried(login, '--config', file)).found;
    expect(ofAll).toMatchObject({ redacted: ['details.n', 'details.password'] });
    expect(ofAll?.masked).toHaveLength(3);
    const [ofOne] = (await tried(login, '--config', file, '--trail', 'security-eu')).found;
    expect(ofOne).toMatchObject({ masked: [], event: { actor: { id: 'alice@example.com' } } });
  });

  it('is the default one where the data folder says nothing', async () => {
    const file = join(folder, 'plain.json');
    writeFileSync(file, '{"logName":"log.example"}');
    expect((await tried(login, '--config', file)).found).toMatchObject([{ redacted: ['details.password'] }]);
  });

  it.each([
    ['{"trails":[{"trail":"a","pii":"some"}]}', 'trails[0].pii'],
    ['{"defualt":{}}', 'defualt: unknown setting'],
    ['{', 'is not JSON'],
  ])('that is wrong is named: %s', async (text, reason) => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, text);
    const { code, stdout, stderr } = await cli(['redact', '--try', '-', '--config', file], { input: login });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${file}: `);
    expect(stderr).toContain(reason);
  });
});

describe('what a log would not take', () => {
  const bad = JSON.stringify({ type: 'data.read', actor: { id: 7 } });

  it('is shown as refused, with the exit code for it, and the others are shown', async () => {
    const { code, found } = await tried(`${bad}\n${LONG}\n`);
    expect(code).toBe(2);
    expect(found).toMatchObject([
      { where: 'line 1', refused: { code: 'invalid_event', field: 'actor.id' } },
      { where: 'line 2' },
    ]);
    const { stdout } = await cli(['redact', '--try', '-'], { input: `${bad}\n${LONG}\n` });
    expect(stdout).toMatch(/^line 1\n {2}refused {4}actor\.id: /);
    expect(stdout).toMatch(/\n1 event as a log would seal it, 1 refused\. Nothing was sent\.\n$/);
  });

  it('is kept where the request would ask for it', async () => {
    const { code, found } = await tried(bad, '--lenient');
    expect(code).toBe(0);
    expect(found).toMatchObject([{ converted: ['actor.id'], event: { actor: { id: '7' } } }]);
  });

  it('ends the command where it is not JSON, or longer than any event', async () => {
    expect(await cli(['redact', '--try', '-'], { input: `${login}\noops\n` })).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/^sealtrail: line 2 is not JSON/) },
    });
    const endless = `{"type":"${'x'.repeat(1_100_000)}`;
    expect((await cli(['redact', '--try', '-'], { input: endless })).stderr).toMatch(/line 1 is longer than 1 MB/);
    expect((await cli(['redact', '--try', join(folder, 'none')])).stderr).toMatch(/there is no such file/);
    expect((await cli(['redact'])).stderr).toMatch(/required option '--try <file>' not specified/);
  });

  it('does nothing to a terminal', async () => {
    const hostile = JSON.stringify({
      type: 'data.read',
      details: { note: '\u001b]0;owned\u0007\u202e', '\u009b2J': 'a@b.example' },
    });
    const { stdout } = await cli(['redact', '--try', '-'], { input: hostile, columns: 80 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
    expect(stdout.replace(/\u001b\[[0-9;]*m/g, '')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(stdout).toContain('owned');
  });
});
