import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
      expect(stderr).toMatch(/^orders has 2 records, the newest received \d{4}-.* UTC\.\n$/);
      expect(code).toBe(0);
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
