import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuditLogger } from '../../lib/client/index.ts';
import { SealtrailError } from '../../lib/log/error.ts';
import { cli, openTestLog, type TestLog } from './in-process.ts';

/** For an audit log absence is an answer. A slip of the pen must not look like it. */

let test: TestLog;
const asked = (...args: string[]) => cli(args, { env: test.env('auditor') });

beforeAll(async () => {
  test = await openTestLog();
  const changes = { before: { role: 'user', tags: ['a'], id: 7 }, after: { role: 'admin', tags: ['a', 'b'], id: 7 } };
  const events = [
    { id: 'e-1', type: 'auth.login', actor: { id: 'alice' } },
    { id: 'e-2', type: 'data.update', actor: { id: 'bob' }, changes, details: { list: [{ n: 1 }], empty: {} } },
  ];
  const input = events.map((event) => JSON.stringify(event)).join('\n');
  expect(await cli(['append', 'orders'], { env: test.env('writer'), input })).toMatchObject({ code: 0 });
});
afterAll(() => test.close());

describe('a trail that is not there', () => {
  it.each([
    ['query', 'ordres'],
    ['query', 'ordres', '--json'],
    ['query', 'ordres', '--format', 'csv'],
    ['query', 'orders', 'ordres', '--actor', 'nobody'],
    ['summary', 'ordres'],
    ['summary', 'ordres', '--json'],
    ['tail', 'ordres'],
    ['activity', 'ordres', 'alice'],
    ['activity', 'ordres', 'alice', '--json'],
  ])('is no trail in which nothing happened: %j', async (...args) => {
    const { code, stdout, stderr } = await asked(...args);
    expect(stderr).toContain('there is no trail ordres that you may read');
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('an answer without records', () => {
  it('says how much the trail holds', async () => {
    for (const args of [
      ['query', 'orders', '--actor', 'nobody'],
      ['tail', 'orders', '--actor', 'nobody'],
      ['activity', 'orders', 'nobody'],
    ]) {
      const { code, stderr } = await asked(...args);
      expect(stderr).toMatch(
        /^No record of orders has --actor nobody, in any period\. orders has 2 records, the newest received \d{4}-.* UTC\.\n$/,
      );
      expect(code).toBe(0);
    }
  });

  it('names what looks alike', async () => {
    expect((await asked('query', 'orders', '--actor', 'alcie')).stderr).toContain('Did you mean alice?');
    expect((await asked('summary', 'orders', '--type', 'auth.lgoin')).stderr).toContain('Did you mean auth.login?');
    expect((await asked('activity', 'orders', 'bobb')).stderr).toContain('Did you mean bob?');
    expect((await asked('tail', 'ordres')).stderr).toContain('Did you mean orders?');
  });

  it('says what is there, and not together', async () => {
    const { stderr } = await asked('query', 'orders', '--actor', 'alice', '--type', 'data.update');
    expect(stderr).toMatch(/^orders has 2 records, .* UTC, and none that passes all filters\.\n$/);
    expect((await asked('query', 'orders', '--seq', '5..')).stderr).toContain(
      'and none in the period or of the numbers',
    );
    expect((await asked('query', 'orders', '--until', 'yesterday')).stderr).toContain(': after the period ends.');
  });

  it('tells programs the reason, in JSON and in a header of every format', async () => {
    const { stdout } = await asked('query', 'orders', '--actor', 'alcie', '--json');
    const reason = {
      reason: 'no_such_value',
      trail: 'orders',
      filter: 'actor',
      value: 'alcie',
      near: ['alice'],
      size: 2,
    };
    expect(JSON.parse(stdout)).toMatchObject({ records: [], absence: [reason] });
    const http = test.client('auditor');
    for (const format of ['json', 'ndjson', 'csv']) {
      const answer = await http.send({ path: '/v1/trails/orders/events', query: { actor: 'alcie', format } });
      expect(JSON.parse(answer.headers.get('x-absence') ?? '')).toMatchObject([reason]);
    }
    const several = await http.send({ path: '/v1/events', query: { trail: ['orders', 'ordres'], actor: 'Äl' } });
    expect(several.json()).toMatchObject({
      absence: [
        { reason: 'no_such_value', value: 'Äl' },
        { reason: 'no_trail', trail: 'ordres' },
      ],
    });
    const summary = await http.send({ path: '/v1/trails/orders/summary', query: { from: '2999-01-01' } });
    expect(summary.json()).toMatchObject({ total: 0, absence: [{ reason: 'period_after' }] });
    const activity = await http.send({ path: '/v1/trails/orders/activity', query: { actor: 'alcie' } });
    expect(activity.json()).toMatchObject({ total: 0, absence: [{ reason: 'no_such_value' }] });
    const found = await http.send({ path: '/v1/trails/orders/events', query: { actor: 'alice' } });
    expect(found.json()).not.toHaveProperty('absence');
  });

  it('says it of proven answers, too', async () => {
    const proof = join(test.folder, 'nothing.proof');
    const proven = await asked('query', 'orders', '--actor', 'alcie', '--proof', proof);
    expect(proven).toMatchObject({ code: 0 });
    expect(proven.stderr).toContain('No record of orders has --actor alcie, in any period. Did you mean alice?');
    const masked = await asked('query', 'orders', '--actor', 'zoe@example.com', '--proof', proof, '--json');
    expect(JSON.parse(masked.stdout)).toMatchObject({
      masked: [{ filter: 'actor', asked: 'zoe@example.com', as: expect.stringMatching(/^z\*\*\*~/) }],
      absence: [{ reason: 'no_such_value' }],
    });
  });

  it('says it at the end of many pages that had nothing, and not after one that had something', async () => {
    const http = test.client('auditor');
    const pages = vi.spyOn(test.log.queries, 'page');
    const known = { sources: { hot: 0, archive: 0 }, scanned: 1, asOf: 2 };
    const page = (matches: readonly { seq: number; line: string }[], cursor?: string) =>
      pages.mockResolvedValueOnce({ ...known, matches, more: cursor !== undefined, ...(cursor && { cursor }) });
    const ask = async (query: Record<string, string>) =>
      (await http.send({ path: '/v1/trails/orders/events', query: { text: 'x', ...query } })).json();
    try {
      for (const [matches, isAbsent] of [
        [[], true],
        [[{ seq: 0, line: (await test.log.ledger.record('orders', 0)) ?? '' }], false],
      ] as const) {
        page(matches, 'abc');
        const { cursor, ...first } = (await ask({})) as Record<string, string>;
        expect(first).not.toHaveProperty('absence');
        page([], 'def');
        const next = (await ask({ cursor: cursor ?? '' })) as Record<string, string>;
        page([]);
        const last = await ask({ cursor: next.cursor ?? '' });
        expect(Object.hasOwn(Object(last), 'absence')).toBe(isAbsent);
      }
    } finally {
      pages.mockRestore();
    }
  });

  it('says that a period begins after the newest record', async () => {
    for (const command of ['query', 'summary']) {
      expect((await asked(command, 'orders', '--from', '2999-01-01')).stderr).toMatch(
        /: before the period begins\.\n$/,
      );
    }
  });

  it('refuses a * where it stands for nothing, and says how records hold a value that is masked', async () => {
    const refused = await asked('query', 'orders', '--actor', 'al*e');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('actor: takes * at the beginning or the end of a value, such as *@example.com');
    expect(await asked('query', 'orders', '--outcome', 'succ*')).toMatchObject({ code: 2 });
    expect((await asked('query', 'orders', '--actor', 'al*', '--format', 'ndjson')).stdout).toContain('"alice"');
    expect((await asked('query', 'orders', '--actor', 'zoe@example.com')).stderr).toContain(
      'zoe@example.com is masked: records name the actor z***~',
    );
  });
});

describe('a part of the log that cannot be read', () => {
  it('is an error, and never an answer without records', async () => {
    // As test/query has it of a ledger that lacks a block.
    const lacks = new SealtrailError('store_corrupt', 'record 1 of trail orders is missing from the ledger');
    const page = vi.spyOn(test.log.queries, 'page').mockRejectedValue(lacks);
    try {
      for (const command of ['query', 'tail']) {
        const { code, stdout, stderr } = await asked(command, 'orders', '--json');
        expect({ command, code }).toEqual({ command, code: 2 });
        expect(stdout).toBe('');
        expect(JSON.parse(stderr).error.code).toBe('store_corrupt');
      }
      const { reader } = createAuditLogger({
        api: { endpoint: test.url, trail: 'orders', credentials: async () => profileOf(test, 'auditor') },
      });
      await expect(reader.recent()).rejects.toMatchObject({ code: 'store_corrupt' });
    } finally {
      page.mockRestore();
    }
  });
});

function profileOf({ log }: TestLog, name: string) {
  const found = log.folder.profiles.find(({ profile }) => profile === name);
  if (found === undefined) throw new Error(`there is no profile ${name}`);
  return found;
}

describe('trails', () => {
  it('lists what there is', async () => {
    const { stdout } = await asked('trails');
    expect(stdout).toMatch(/^trail +records {2}newest \(UTC\)\n/);
    expect(stdout).toMatch(/\norders +2 {2}\d{4}-/);
    const { trails } = JSON.parse((await asked('trails', '--json')).stdout);
    expect(trails).toContainEqual({ trail: 'orders', size: 2, receivedAt: expect.any(Number) });
  });
});

describe('show', () => {
  it('shows all of a record, its changes as a diff, and that it is proven', async () => {
    for (const record of ['1', 'e-2']) {
      const { code, stdout } = await asked('show', 'orders', record);
      expect(code).toBe(0);
      for (const line of [
        'record +1 of orders',
        'actor.id +bob',
        String.raw`details.list\[0\].n +1`,
        'details.empty +{}',
      ]) {
        expect(stdout).toMatch(new RegExp(`(^|\n)${line}\n`));
      }
      expect(stdout).toContain('\nchanges\n- role: user\n+ role: admin\n+ tags[1]: b\n');
      expect(stdout).toMatch(/\nproven {2}under a checkpoint of 2 records, signed by a key that the server named\n$/);
    }
  });

  it('gives a program the record line and the proof', async () => {
    const { record, proof } = JSON.parse((await asked('show', 'orders', '0', '--json')).stdout);
    expect(record).toMatchObject({ seq: 0, trail: 'orders', event: { id: 'e-1' } });
    expect(proof).toMatchObject({ state: 'proven' });
  });

  it('says that there is no such record', async () => {
    expect(await asked('show', 'orders', '9')).toMatchObject({ code: 2, stdout: '' });
  });
});
