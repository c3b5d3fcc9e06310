import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activitySchema } from '../../lib/api/routes/activity.ts';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** What people ask a log after something happened: what did one of them do, what did an agent, and what belongs together. */

let test: TestLog;
const asked = async (args: readonly string[]) => {
  const { code, stdout } = await cli(args, { env: test.env('auditor'), columns: 80 });
  return { code, stdout: stripVTControlCharacters(stdout) };
};

beforeAll(async () => {
  test = await openTestLog();
  const agent = { actor: { id: 'bot-7', type: 'agent' } };
  const context = { correlation: 'c-1' };
  const events = {
    orders: [
      { type: 'auth.login', actor: { id: 'a/b c@example.org' }, outcome: 'success' },
      { type: 'data.read', actor: { id: 'a/b c@example.org' }, context },
      { type: 'agent.action_denied', action: 'delete_table', decision: 'deny', outcome: 'denied', ...agent, context },
      { type: 'agent.action_executed', action: 'read_table', decision: 'allow', outcome: 'success', ...agent },
    ],
    payments: [{ type: 'invoice.paid', actor: { id: 'clerk' }, context }],
  };
  for (const [trail, some] of Object.entries(events)) {
    const input = some.map((event) => JSON.stringify(event)).join('\n');
    await cli(['append', trail], { env: test.env('writer'), input });
  }
});
afterAll(() => test.close());

const rowsOf = (stdout: string): string[][] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((row) => row.trim().split(/ {2,}/));

describe('activity', () => {
  it('counts what an actor did, whatever the name is made of', async () => {
    const { code, stdout } = await asked(['activity', 'orders', 'a/b c@example.org', '--days', '7']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^2 records of a\/b c@example\.org in orders in the last 7 days\na\/b c@example\.org is masked: /,
    );
    expect(stdout).toMatch(/\nthe newest: 1, data\.read, /);
    expect(stdout).toMatch(/\ntype +records\nauth\.login +1 +█+\ndata\.read +1 +█+\n/);
    expect(stdout).toMatch(/\noutcome +records\nsuccess +1 +█+\n$/);
  });

  it('prints what the API says as JSON', async () => {
    const { stdout } = await asked(['activity', 'orders', 'bot-7', '--json']);
    expect(activitySchema.parse(JSON.parse(stdout))).toMatchObject({ trail: 'orders', actor: 'bot-7', total: 2 });
  });

  it('of someone who did nothing says so', async () => {
    const { code, stdout } = await asked(['activity', 'orders', 'nobody', '--days', '1']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'There are no records of nobody in orders in the last 1 day.\n',
    });
  });
});

describe('history', () => {
  it('shows the actions of an agent with their decisions, the newest first', async () => {
    const { code, stdout } = await asked(['history', 'orders', 'bot-7']);
    const received = expect.stringMatching(/^\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(code).toBe(0);
    expect(rowsOf(stdout)).toEqual([
      ['record', 'received (UTC)', 'type', 'action', 'decision', 'outcome'],
      ['3', received, 'action.executed', 'read_table', 'allow', 'success'],
      ['2', received, 'action.denied', 'delete_table', 'deny', 'denied'],
    ]);
  });

  it('prints in the formats of a query', async () => {
    const { stdout } = await asked(['history', 'orders', 'bot-7', '--limit', '1', '--format', 'ndjson']);
    expect(JSON.parse(stdout)).toMatchObject({ seq: 3, event: { action: 'read_table' } });
  });
});

describe('timeline', () => {
  it('shows what belongs to a correlation id in all trails, the oldest first', async () => {
    const { code, stdout } = await asked(['timeline', '*', 'c-1', '--json']);
    expect(code).toBe(0);
    const { records } = JSON.parse(stdout);
    expect(records.map(({ trail, seq }: { trail: string; seq: number }) => `${trail} ${seq}`)).toEqual([
      'orders 1',
      'orders 2',
      'payments 0',
    ]);
  });

  it('shows a decision where one was made', async () => {
    const { stdout } = await asked(['timeline', 'orders', 'c-1']);
    expect(stdout).toMatch(/\bdeny +denied\b/);
  });
});

describe('recent', () => {
  it('is another name for tail', async () => {
    const { stdout } = await asked(['recent', 'orders', '-n', '1', '--format', 'ndjson']);
    expect(JSON.parse(stdout)).toMatchObject({ seq: 3 });
  });

  it('prints CSV with one heading', async () => {
    const { stdout } = await asked(['tail', 'orders', '-n', '2', '--format', 'csv']);
    expect(stdout.match(/^trail,|^seq,|^v,/gm) ?? []).toHaveLength(1);
    // On a terminal, where a carriage return is shown and not obeyed, rows end in line feeds.
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
  });
});
