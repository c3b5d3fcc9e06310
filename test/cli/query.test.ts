import { once } from 'node:events';
import { createServer } from 'node:http';
import stringWidth from 'string-width';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pageSchema, recordSchema } from '../../lib/api/routes/events.ts';
import { summarySchema } from '../../lib/api/routes/summary.ts';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let test: TestLog;
const asAuditor = () => ({ env: test.env('auditor') });

beforeAll(async () => {
  test = await openTestLog();
  const events = Array.from({ length: 2300 }, (_, n) => ({
    type: n % 100 === 0 ? 'auth.login_failed' : 'data.read',
    actor: { id: `user-${n % 10}`, type: 'user' },
    resource: { type: 'document', id: `doc-${n}` },
    ...(n % 50 === 0 ? { outcome: 'denied' } : {}),
    context: { tenant: `tenant-${n % 3}`, project: 'p' },
    details: { n },
  }));
  await cli(['append', 'orders', '--batch', '1000'], {
    env: test.env('writer'),
    input: events.map((event) => JSON.stringify(event)).join('\n'),
  });
  const odd = { type: 'data.read', actor: { id: '\u001b[31mred\u001b[0m\nnext' }, resource: { id: '\u202egnp.exe' } };
  await cli(['append', 'odd'], { env: test.env('writer'), input: JSON.stringify(odd) });
});
afterAll(() => test.close());

const rowsOf = (stdout: string): string[] => stdout.trimEnd().split('\n').slice(1);
const seqsOf = (stdout: string): number[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line).seq);

describe('query', () => {
  it('prints a table of the newest records, and says on stderr that there are more', async () => {
    const { code, stdout, stderr } = await cli(['query', 'orders', '--limit', '3'], asAuditor());
    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^record {2}received \(UTC\) {7}type +severity +actor +resource +project$/);
    expect(rowsOf(stdout).map((row) => row.trim().split(/ {2,}/))).toEqual(
      [2299, 2298, 2297].map((n) => [
        `${n}`,
        expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
        'data.read',
        'info',
        `user-${n % 10}`,
        `document doc-${n}`,
        'p',
      ]),
    );
    expect(stderr).toMatch(/^There is more\. --all shows all; to go on after these 3:\n {2}--cursor \S+\n$/);
  });

  it.each([40, 60, 80, 100, 140])('fits its table into %i columns', async (columns) => {
    const { stdout } = await cli(['query', 'orders', '--limit', '20'], { ...asAuditor(), columns });
    for (const line of stdout.split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  it('goes on after the cursor that it printed', async () => {
    const first = await cli(['query', 'orders', '--limit', '3'], asAuditor());
    const [, cursor = ''] = /--cursor (\S+)/.exec(first.stderr) ?? [];
    const second = await cli(
      ['query', 'orders', '--limit', '2', '--cursor', cursor, '--format', 'ndjson'],
      asAuditor(),
    );
    expect(seqsOf(second.stdout)).toEqual([2296, 2295]);
  });

  it.each(['newest', 'oldest'])('finds all, over as many pages as it takes, %s first, and ends', async (order) => {
    const { stdout, stderr } = await cli(
      ['query', 'orders', '--all', '--order', order, '--format', 'ndjson'],
      asAuditor(),
    );
    const ascending = Array.from({ length: 2300 }, (_, n) => n);
    expect(seqsOf(stdout)).toEqual(order === 'oldest' ? ascending : ascending.reverse());
    expect(stderr).toBe('');
  });

  it('prints one JSON document over all pages', async () => {
    const { stdout } = await cli(['query', 'orders', '--all', '--json'], asAuditor());
    const page = pageSchema.parse(JSON.parse(stdout));
    expect(page).toMatchObject({ sources: { hot: 2300, archive: 0 }, asOf: 2300, more: false });
    expect(page.records).toHaveLength(2300);
    const none = await cli(['query', 'orders', '--actor', 'nobody', '--json'], asAuditor());
    expect(JSON.parse(none.stdout)).toEqual({
      ...{ records: [], sources: { hot: 0, archive: 0 }, asOf: 2300, more: false },
      scanned: expect.any(Number),
      absence: [expect.objectContaining({ reason: 'no_such_value', filter: 'actor', value: 'nobody' })],
    });
  });

  it('prints CSV with one heading, however many pages', async () => {
    const { stdout } = await cli(['query', 'orders', '--limit', '1500', '--format', 'csv'], asAuditor());
    const rows = stdout.trimEnd().split('\r\n');
    expect(rows).toHaveLength(1501);
    expect(rows.filter((row) => row.startsWith('seq,'))).toHaveLength(1);
  });

  it('filters, any of several values of one filter, all of several filters', async () => {
    const args = ['--actor', 'user-0', '--actor', 'user-5', '--tenant', 'tenant-1', '--outcome', 'denied'];
    const { stdout } = await cli(['query', ...args, 'orders', '--all', '--format', 'ndjson'], asAuditor());
    const due = Array.from({ length: 2300 }, (_, n) => n).filter((n) => n % 50 === 0 && n % 3 === 1);
    expect(seqsOf(stdout).reverse()).toEqual(due);
  });

  it('asks several trails, by name or by pattern, and says which record is of which', async () => {
    const args = ['query', 'odd', 'ord*', '--limit', '2', '--order', 'newest'];
    const { stdout, stderr } = await cli(args, asAuditor());
    expect(stdout.split('\n')[0]).toMatch(/^trail +record +received/);
    expect(rowsOf(stdout).map((row) => row.trim().split(/ +/).slice(0, 2))).toEqual([
      ['odd', '0'],
      ['orders', '2299'],
    ]);
    const [, cursor = ''] = /--cursor (\S+)/.exec(stderr) ?? [];
    const rest = await cli([...args, '--cursor', cursor, '--json'], asAuditor());
    expect(JSON.parse(rest.stdout)).toMatchObject({
      records: [{ seq: 2298 }, { seq: 2297 }],
      asOf: { odd: 1, orders: 2300 },
      more: true,
    });
    expect(await cli(['query', 'none-*'], asAuditor())).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no trail none-* that you may read'),
    });
  });

  it('says how many records came from the archive', async () => {
    const { stdout: lines } = await cli(['query', 'orders', '--limit', '3', '--format', 'ndjson'], asAuditor());
    const asked = async (archived: number) => {
      const sources = `hot=${3 - archived}, archive=${archived}`;
      const server = createServer((_, answer) => answer.writeHead(200, { 'x-sources': sources }).end(lines));
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : undefined;
      const env = { ...test.env('auditor'), SEALTRAIL_ENDPOINT: `http://127.0.0.1:${port}` };
      const { stderr } = await cli(['query', 'orders', '--limit', '3'], { env });
      server.close();
      return stderr;
    };
    expect(await asked(0)).toBe('');
    expect(await asked(2)).toBe('2 of these came from the archive.\n');
    expect(await asked(3)).toBe('All of these came from the archive.\n');
  });

  it('says that nothing matches', async () => {
    expect(await cli(['query', 'orders', '--actor', 'nobody'], asAuditor())).toEqual({
      code: 0,
      stdout: 'Nothing matches.\n',
      stderr: expect.stringMatching(
        /^No record of orders has --actor nobody, in any period\. orders has 2,300 records, the newest received .* UTC\.\n$/,
      ),
    });
  });

  it('shows what producers wrote, and never lets it steer the terminal', async () => {
    const { stdout } = await cli(['query', 'odd'], asAuditor());
    expect(stdout).toContain('\\u001b[31mred\\u001b[0m\\u000anext');
    expect(stdout).toContain('\\u202egnp.exe');
    for (const steering of ['\u001b', '\u202e']) expect(stdout).not.toContain(steering);
  });

  it('is refused with the parameter that is wrong', async () => {
    const { code, stdout, stderr } = await cli(['query', 'orders', '--from', 'last week', '--json'], asAuditor());
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'invalid_parameter',
      field: 'from',
      message: expect.stringContaining('must be a time'),
    });
    const csv = await cli(
      ['query', 'orders', '--from', '2026-02-01', '--to', '2026-01-01', '--format', 'csv'],
      asAuditor(),
    );
    expect(csv).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('from: must not be after `to`') });
  });
});

describe('summary', () => {
  it('counts by dimension and over time, with bars', async () => {
    const { code, stdout } = await cli(['summary', 'orders', '--top', '2'], asAuditor());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2,300 records in orders\n/);
    expect(stdout).toMatch(/\ntype +records\ndata\.read +2,277 {2}█+.?\nauth\.login_failed +23 {2}.+\n/);
    expect(stdout).toMatch(/\nuser-1 +230 .*\nand 8 more, with 1,840 records\n/);
    expect(stdout).toMatch(/\nminute \(UTC\) +records\n\d{4}-\d\d-\d\d \d\d:\d\d +[\d,]+ {2}█/);
  });

  it('prints what the API says as JSON', async () => {
    const { stdout } = await cli(['summary', 'orders', '--json', '--bucket', 'day'], asAuditor());
    expect(summarySchema.parse(JSON.parse(stdout))).toMatchObject({ total: 2300, histogram: { bucket: 'day' } });
  });

  it('of a trail without records says so', async () => {
    const { stdout } = await cli(['summary', 'orders', '--to', '2000-01-01'], asAuditor());
    expect(stdout).toBe('The trail orders has no records in this period.\n');
  });
});

describe('tail', () => {
  it('shows the newest records, the newest last', async () => {
    const { stdout } = await cli(['tail', 'orders', '-n', '3'], asAuditor());
    expect(rowsOf(stdout).map((row) => row.trim().split(' ')[0])).toEqual(['2297', '2298', '2299']);
    const json = await cli(['tail', 'orders', '-n', '2', '--json', '--type', 'auth.login_failed'], asAuditor());
    expect(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((line) => recordSchema.parse(JSON.parse(line)).seq),
    ).toEqual([2100, 2200]);
  });

  it('follows: prints what comes, each once, and ends well with Ctrl-C', async () => {
    const stop = new AbortController();
    const send = (n: number) =>
      cli(['append', 'live'], {
        env: test.env('writer'),
        input: JSON.stringify({ id: `live-${n}`, type: 'data.read', actor: { id: 'a' } }),
      });
    await send(0);
    const seen: string[] = [];
    const started = Promise.withResolvers<void>();
    const following = cli(['tail', 'live', '-f', '--json'], {
      ...asAuditor(),
      signal: stop.signal,
      onText: (text) => {
        seen.splice(
          0,
          seen.length,
          ...text
            .trimEnd()
            .split('\n')
            .map((line) => z.object({ event: z.object({ id: z.string() }) }).parse(JSON.parse(line)).event.id),
        );
        if (seen.length === 1) started.resolve();
        if (seen.length >= 4) stop.abort();
      },
    });
    await started.promise;
    for (const n of [1, 2, 3]) await send(n);
    expect(await following).toMatchObject({ code: 0, stderr: '' });
    expect(seen).toEqual(['live-0', 'live-1', 'live-2', 'live-3']);
  });

  it('follows in a table whose rows stand under their headings, whatever comes', async () => {
    const stop = new AbortController();
    const send = (event: object) =>
      cli(['append', 'table'], { env: test.env('writer'), input: JSON.stringify({ type: 'data.read', ...event }) });
    await send({ actor: { id: 'a' }, outcome: 'denied' });
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const following = cli(['tail', 'table', '-f'], {
      ...asAuditor(),
      signal: stop.signal,
      onText: (text) => {
        if (/^ +0 /m.test(text)) first.resolve();
        if (/^ +1 /m.test(text)) second.resolve();
        if (/^ +2 /m.test(text)) stop.abort();
      },
    });
    await first.promise;
    await send({ actor: { id: 'b' } });
    await second.promise;
    await send({ actor: { id: 'c' }, decision: 'deny' });
    const lines = (await following).stdout.trimEnd().split('\n');
    const stands = (line: string, title: string, cell: string): boolean => {
      const heading = lines.slice(0, lines.indexOf(line)).findLast((one) => one.startsWith('record')) ?? '';
      return line.indexOf(cell, heading.indexOf(title)) === heading.indexOf(title);
    };
    const rows = lines.filter((line) => !line.startsWith('record'));
    expect(rows).toHaveLength(3);
    for (const [n, actor] of ['a', 'b', 'c'].entries()) expect(stands(rows[n] ?? '', 'actor', actor)).toBe(true);
    expect(stands(rows[2] ?? '', 'decision', 'deny')).toBe(true);
    // One heading for what came with the same columns, another where one was added.
    expect(lines.length - rows.length).toBe(2);
  });
});
