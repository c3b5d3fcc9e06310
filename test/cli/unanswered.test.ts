import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let log: TestLog;
beforeAll(async () => {
  log = await openTestLog();
  const action = (type: string, id: string, agent = 'bot') =>
    JSON.stringify({ type: `action.${type}`, context: { action: id, agent } });
  const input = [
    action('requested', 'a'),
    action('requested', 'b'),
    action('executed', 'a'),
    action('requested', 'c', 'other'),
    action('requested', 'd'),
    action('denied', 'd'),
  ];
  await cli(['append', 'agents'], { env: log.env('writer'), input: input.join('\n') });
});
afterAll(() => log.close());

const unanswered = async (...args: readonly string[]): Promise<unknown[]> => {
  const { stdout } = await cli(['query', 'agents', '--unanswered', '--json', ...args], { env: log.env('auditor') });
  return JSON.parse(stdout).records.map(
    (record: { event: { context: { action: string } } }) => record.event.context.action,
  );
};

describe('sealtrail query --unanswered', () => {
  it('lists the requests that have no outcome, the newest first', async () => {
    expect(await unanswered()).toEqual(['c', 'b']);
    expect(await unanswered('--order', 'oldest')).toEqual(['b', 'c']);
    expect(await unanswered('--limit', '1')).toEqual(['c']);
    expect(await unanswered('--agent', 'other')).toEqual(['c']);
  });

  it('says so where there are none', async () => {
    const { code, stdout } = await cli(['query', 'agents', '--unanswered', '--agent', 'bot', '--action', 'a'], {
      env: log.env('auditor'),
    });
    expect([code, stdout]).toEqual([0, 'Nothing matches.\n']);
  });
});
