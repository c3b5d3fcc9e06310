import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ZERO_HASH } from '../../lib/log/hash.ts';
import { cli } from './in-process.ts';
import { openSealedLog, type SealedLog } from './sealed-log.ts';

/** An operator has the log check itself, and gets an answer that a script can go by. */

let test: SealedLog;
beforeAll(async () => {
  test = await openSealedLog();
});
afterAll(() => test.close());

const verify = (...args: string[]) => cli(['verify-trail', 'orders', ...args], { env: test.env('auditor') });

describe('verify-trail', () => {
  it('has all of a trail verified, what is new, or a range', async () => {
    const full = await verify('--full');
    expect(full).toMatchObject({ code: 0, stderr: '' });
    expect(full.stdout).toMatch(/^ok {2}Records 0 to 299 of orders were looked at, and all is right\./);
    expect(await verify()).toMatchObject({ code: 0 });
    const range = await verify('--from', '10', '--to', '20', '--json');
    expect(JSON.parse(range.stdout)).toMatchObject({ mode: 'range', range: { from: 10, to: 20 }, verdict: 'ok' });
  });

  it('says what cannot be asked for', async () => {
    expect(await verify('--full', '--from', '1')).toMatchObject({ code: 2 });
    expect((await verify('--from', 'x')).stderr).toContain('--from takes the number of a record');
    const beyond = await verify('--to', '301');
    expect(beyond).toMatchObject({ code: 2, stdout: '' });
    expect(beyond.stderr).toContain('must not be above 300');
  });

  it('names the damage, and exits with 1', async () => {
    const { ledger } = test.log;
    const head = (await ledger.head('orders')) ?? expect.fail();
    vi.spyOn(ledger, 'head').mockResolvedValue({ ...head, root: ZERO_HASH });
    const { code, stdout } = await verify('--full');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^damaged {2}/);
    expect(stdout).toContain('head_mismatch');
  });
});
