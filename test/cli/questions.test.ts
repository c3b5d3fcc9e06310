import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** The questions that people ask every day, as they type them. */

let test: TestLog;
const asked = (...args: string[]) => cli(args, { env: test.env('auditor') });
const csv = async (...args: string[]) => (await asked(...args, '--format', 'csv')).stdout.trimEnd().split('\r\n');

beforeAll(async () => {
  test = await openTestLog();
  const events = Array.from({ length: 40 }, (_, n) => ({
    type: n % 4 === 0 ? 'auth.login_failed' : 'invoice.paid',
    // Two days in Berlin, one of UTC.
    time: new Date(Date.UTC(2026, 5, 1, 12 + Math.floor(n / 4))).toISOString(),
    actor: { id: `user-${n % 3}`, ip: '192.0.2.7', userAgent: n % 2 === 0 ? 'curl/8' : 'Mozilla/5.0' },
    outcome: n % 5 === 0 ? 'denied' : 'success',
    context: n % 2 === 0 ? { tenant: 'acme' } : {},
    description: n === 13 ? 'The printer is on FIRE' : 'all is well',
    details: { amount: n * 10, reason: n % 8 === 0 ? 'timeout' : 'none', tags: ['a', `t${n % 2}`] },
  }));
  const input = events.map((event) => JSON.stringify(event)).join('\n');
  expect(await cli(['append', 'orders'], { env: test.env('writer'), input })).toMatchObject({ code: 0 });
});
afterAll(() => test.close());

describe('a question by what an event holds', () => {
  it.each([
    [['--where', 'details.amount > 370'], 2],
    [['--where', 'details.amount>=370', '--where', 'details.reason=timeout'], 0],
    [['--where', 'details.amount>=300', '--not-where', 'details.amount > 310'], 2],
    [['--text', 'fire'], 1],
    [['--not-text', 'ALL IS WELL'], 1],
    [['--user-agent', 'curl*'], 20],
    [['--not-user-agent', 'curl*'], 20],
    [['--ip', '192.0.2.7'], 40],
    [['--actor', '*-1'], 13],
    [['--not-actor', 'user-1', '--not-actor', 'user-2'], 14],
    [['--tenant', '*'], 20],
    [['--not-tenant', '*'], 20],
    [['--type', 'auth.*', '--not-outcome', 'success'], 2],
    [['--not-severity', 'warning'], 30],
    [['--seq', '10..19'], 10],
    [['--seq', '39'], 1],
    [['--since', '1h'], 40],
    [['--until', 'yesterday'], 0],
    [['--time-from', '2026-06-02', '--tz', 'Europe/Berlin'], 0],
    [['--time-from', '2026-06-01 22:00', '--tz', 'Europe/Berlin'], 8],
  ])('%j finds %i', async (filters, count) => {
    const { stdout } = await asked('query', 'orders', ...filters, '--format', 'ndjson');
    expect(stdout.split('\n').filter(Boolean)).toHaveLength(count);
  });

  it('stops where it has looked at as many as it may, and goes on from there', async () => {
    const { stdout, stderr } = await asked('query', 'orders', '--text', 'fire', '--limit', '1', '--scan', '1');
    expect(stdout).toMatch(/13 .*invoice\.paid/);
    expect(stderr).toContain('There is more.');
  });
});

describe('a summary', () => {
  it('counts what passes filters, by fields of choice', async () => {
    expect(await csv('summary', 'orders', '--outcome', 'denied', '--by', 'tenant')).toEqual([
      'tenant,records',
      'acme,4',
      ',4',
    ]);
    expect(await csv('summary', 'orders', '--by', 'details.tags,user-agent', '--top', '2')).toEqual([
      'details.tags,userAgent,records',
      'a,Mozilla/5.0,20',
      'a,curl/8,20',
    ]);
    const hours = await csv('summary', 'orders', '--type', 'auth.login_failed', '--by', 'hour', '--clock', 'happened');
    expect(hours).toHaveLength(11);
    expect(hours[1]).toBe('2026-06-01T12:00:00.000Z,1');
  });

  it('shows groups as bars, or as a table, in a time zone', async () => {
    const args = ['summary', 'orders', '--by', 'day,outcome', '--clock', 'happened', '--tz', 'Asia/Tokyo'];
    const bars = await asked(...args);
    expect(bars.stdout).toMatch(
      /^40 records in orders\n\nday \(Tokyo, as it happened\) {2}outcome {2}records\n2026-06-01 +success +9 {2}█/,
    );
    const table = await asked(...args, '--format', 'table');
    expect(table.stdout).not.toContain('█');
    expect(table.stdout).toMatch(/2026-06-02 +denied +5\n/);
    const day = await asked('summary', 'orders', '--by', 'day', '--tz', 'local');
    expect(day.code).toBe(0);
  });

  it('of everything may go by the producer’s clock, and be CSV', async () => {
    const rows = await csv('summary', 'orders', '--clock', 'happened', '--bucket', 'day');
    expect(rows).toContain('type,invoice.paid,30');
    expect(rows.at(-1)).toBe('day,2026-06-01T00:00:00.000Z,40');
    const { stdout } = await asked('summary', 'orders', '--where', 'details.amount > 380');
    expect(stdout).toMatch(/^1 record in orders matches\n/);
  });

  it('is refused with what there is', async () => {
    const { code, stderr } = await asked('summary', 'orders', '--by', 'tenantz');
    expect(code).toBe(2);
    expect(stderr).toContain('by: takes minute, hour, day, week, month, a filter such as tenant, or a path such as');
    expect(await asked('summary', 'orders', '--by', 'a,b,c,d,e')).toMatchObject({ code: 2 });
  });
});

describe('columns', () => {
  it('are chosen by name, in tables and CSV', async () => {
    const columns = ['--columns', 'record,happened,user-agent,details.amount,details.tags', '--seq', '4'];
    const { stdout } = await asked('query', 'orders', ...columns, '--tz', 'Europe/Berlin');
    expect(stdout).toBe(
      'record  happened (Berlin)    userAgent  details.amount  details.tags\n' +
        '     4  2026-06-01 15:00:00  curl/8     40              ["a","t0"]\n',
    );
    expect(await csv('query', 'orders', ...columns)).toEqual([
      'record,happened,userAgent,details.amount,details.tags',
      '4,2026-06-01T13:00:00.000Z,curl/8,40,"[""a"",""t0""]"',
    ]);
    expect(await csv('tail', 'orders', '-n', '1', '--columns', 'record,ip')).toEqual([
      'record,ip',
      expect.stringMatching(/^39,192\.0\.2\.\*{3}/),
    ]);
  });

  it('are refused where there are none, and by what they may be', async () => {
    expect((await asked('query', 'orders', '--columns', 'record', '--json')).stderr).toContain('is for tables and CSV');
    expect((await asked('query', 'orders', '--columns', 'colour')).stderr).toContain('--columns takes record, trail,');
  });

  it.each([80, 200])('show both clocks where they differ, in %i columns', async (columns) => {
    const { stdout } = await cli(['query', 'orders', '--limit', '2'], { env: test.env('auditor'), columns });
    expect(stdout).toMatch(columns === 80 ? / {2}happened {4}/ : / {2}happened \(UTC\) /);
    expect(stdout).toContain('2026-06-01');
    for (const line of stdout.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  });
});
