import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { PROBLEM_KINDS } from '../../lib/verify/report/problem.ts';
import { serveAsBucket } from './bucket.ts';
import { cli, openTestLog } from './in-process.ts';
import { events, openSealedLog, type SealedLog } from './sealed-log.ts';

let test: SealedLog;
let key: string;
let kept: string;

beforeAll(async () => {
  test = await openSealedLog();
  ({ key, kept } = test);
});
afterAll(() => test.close());

describe('keys', () => {
  it('shows fingerprint, PEM and a vkey for each trail, and exports them', async () => {
    const { code, stdout } = await cli(['keys', '--export', join(test.folder, 'shown')], { env: test.env('auditor') });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ed25519 key, SHA-256 fingerprint:\n[0-9a-f]{64}\n-----BEGIN PUBLIC KEY-----\n/);
    expect(stdout).toMatch(
      /\norders +now +log\.example\/orders\+[0-9a-f]{8}\+\S+\npayments +now +log\.example\/payments\+/,
    );
    expect(readFileSync(join(test.folder, 'shown', 'log.pem'), 'utf8')).toContain('-----BEGIN PUBLIC KEY-----');
    expect(readFileSync(join(test.folder, 'shown', 'orders.vkey'), 'utf8')).toMatch(/^log\.example\/orders\+\S+\n$/);
  });

  it('tells a program the same', async () => {
    const { stdout } = await cli(['keys', '--trail', 'orders', '--json'], { env: test.env('writer') });
    expect(JSON.parse(stdout)).toEqual({
      keys: [
        {
          trail: 'orders',
          name: 'log.example/orders',
          keyId: expect.stringMatching(/^[0-9a-f]{8}$/),
          algorithm: 'ed25519',
          fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
          vkey: expect.stringMatching(/^log\.example\/orders\+/),
          pem: expect.stringContaining('BEGIN PUBLIC KEY'),
        },
      ],
      retired: [],
      files: [],
    });
  });
});

describe('verify', () => {
  it('says ok of an archive that is intact, and what it looked at', async () => {
    const { code, stdout, stderr } = await cli(['verify', test.archive, '--key', key, '--previous', kept]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^OK {2}305 records in 2 trails of .*: intact and under trusted signatures, as far as looked at\n/,
    );
    // Its _system was not archived yet.
    expect(stdout).toMatch(/\nnot looked at\nwhich trails there should be: /);
    expect(stdout).toMatch(/\norders +ok +300 {2}0 to 299 /);
    expect(stdout).toMatch(/\npayments +ok +5 {2}0 to 4 /);
    expect(stdout).toMatch(/kept-checkpoint \(40 records\): the archive extends it\n/);
  });

  it('tells a program the whole report, the same with worker threads', async () => {
    const [alone, together] = await Promise.all([
      cli(['verify', test.archive, '--key', key, '--json']),
      cli(['verify', test.archive, '--key', key, '--json', '--workers', '2']),
    ]);
    const report = JSON.parse(alone.stdout);
    expect(report).toMatchObject({
      format: 'sealtrail-verification/1',
      verdict: 'ok',
      problems: [],
      source: test.archive,
    });
    expect(JSON.parse(together.stdout)).toEqual({
      ...report,
      startedAt: expect.any(Number),
      finishedAt: expect.any(Number),
    });
  });

  it('never says ok of what it did not look at', async () => {
    const part = await cli(['verify', test.archive, '--key', key, '--trail', 'orders', '--from', '10', '--to', '20']);
    expect(part.code).toBe(0);
    expect(part.stdout).toContain('as far as looked at');
    expect(part.stdout).toMatch(/\nnot looked at\n.*any other trail of the archive: it was not asked for\n/);
  });

  it('writes the report as a page, whatever the verdict', async () => {
    const file = join(test.folder, 'report.html');
    expect((await cli(['verify', test.archive, '--key', key, '--report', file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/);
    const nowhere = await cli(['verify', test.archive, '--key', key, '--report', '/nowhere/report.html']);
    expect(nowhere).toMatchObject({ code: 2, stdout: '' });
    expect(nowhere.stderr).toMatch(/^sealtrail: cannot write \/nowhere\/report\.html: /);
    const folder = await cli(['verify', test.archive, '--key', key, '--report', test.folder]);
    expect(folder).toMatchObject({ code: 2, stderr: `sealtrail: cannot write ${test.folder}: it is a folder\n` });
    // Nothing was verified for nothing.
    expect([nowhere.stdout, folder.stdout]).toEqual(['', '']);
  });

  it('finds a changed byte, and names record, object and kind', async () => {
    const bad = join(test.folder, 'bad');
    cpSync(test.archive, bad, { recursive: true });
    const bundle = join(bad, 'orders/tile/entries/000');
    const bytes = readFileSync(bundle);
    bytes[bytes.indexOf('user-77"')] = 'U'.charCodeAt(0);
    chmodSync(bundle, 0o644);
    writeFileSync(bundle, bytes);
    const { code, stdout } = await cli(['verify', bad, '--key', key]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^DAMAGED {2}305 records in 2 trails of .*: 1 problem found\n/);
    expect(stdout).toMatch(/\nproblems\nrecord_mismatch {2}orders record 77, orders\/tile\/entries\/000\n/);
    const told = JSON.parse((await cli(['verify', bad, '--key', key, '--json'])).stdout);
    for (const { kind } of told.problems) expect(Object.keys(PROBLEM_KINDS)).toContain(kind);
  });

  it('reads a bucket as it reads a folder', async () => {
    const s3 = await serveAsBucket(test.archive, 'evidence', 'logs/one');
    vi.stubEnv('AWS_ENDPOINT_URL_S3', s3.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    const whole = await cli(['verify', 's3://evidence/logs/one/', '--key', key]);
    const threads = await cli(['verify', 's3://evidence/logs/one', '--key', key, '--workers', '2', '--json']);
    const nothing = await cli(['verify', 's3://evidence/logs/two', '--key', key]);
    vi.unstubAllEnvs();
    s3.close();
    expect(whole).toMatchObject({ code: 0, stderr: '' });
    expect(whole.stdout).toMatch(/^OK {2}305 records in 2 trails of s3:\/\/evidence\/logs\/one\/: intact/);
    expect(JSON.parse(threads.stdout)).toMatchObject({ verdict: 'ok', problems: [] });
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no trail here') });
  });

  it('does not take an archive that was rolled back behind what someone has seen', async () => {
    const short = await openTestLog();
    await cli(['append', 'orders'], { env: short.env('admin'), input: events(0, 10) });
    await cli(['seal', 'orders'], { env: short.env('admin') });
    await cli(['keys', '--export', join(short.folder, 'keys')], { env: short.env('admin') });
    const seen = join(short.folder, 'seen');
    await cli(['append', 'orders'], { env: short.env('admin'), input: events(10, 20) });
    writeFileSync(seen, (await short.client('admin').send({ path: '/v1/trails/orders/checkpoint' })).text());
    const args = ['verify', short.archive, '--key', join(short.folder, 'keys', 'log.pem'), '--previous', seen];
    const { code, stdout } = await cli(args);
    await short.close();
    expect(code).toBe(1);
    expect(stdout).toMatch(/rolled_back/);
  });

  it.each([
    ['a folder that is not there', () => ['/nowhere/archive'], /^sealtrail: there is no folder \/nowhere\/archive\n/],
    ['a folder without a trail', () => [test.folder], /^sealtrail: there is no trail here/],
    [
      "a server's data folder, which holds more than the archive",
      () => [join(test.archive, '..')],
      /is the data folder of a server; its archive is /,
    ],
    [
      'a bucket whose name is none',
      () => ['s3://Bad_Bucket/prefix'],
      /^sealtrail: s3:\/\/Bad_Bucket\/prefix is no address of a bucket/,
    ],
    ['a range without a trail', () => [test.archive, '--from', '3'], /needs exactly one trail/],
  ])('says what to do with %s', async (_, args, message) => {
    const result = await cli(['verify', ...args(), '--key', key]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  it('reads as a list where it is narrow, and wraps what it says', async () => {
    const { stdout } = await cli(['verify', test.archive, '--key', key], { columns: 70 });
    for (const line of stdout.split('\n')) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(70);
  });
});

describe('seal', () => {
  it('completes the archive, for those who may', async () => {
    await cli(['append', 'sealed'], { env: test.env('writer'), input: events(0, 3) });
    const { code, stdout } = await cli(['seal', 'sealed'], { env: test.env('admin') });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'sealed  The archive of sealed is complete up to its 3 records.\n',
    });
    const refused = await cli(['seal', 'sealed'], { env: test.env('auditor') });
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^sealtrail: not allowed: admin on trail sealed\nThese credentials may not do this\. /,
    );
  });

  it('is refused for a trail that does not exist', async () => {
    const { code, stdout, stderr } = await cli(['seal', 'nothing'], { env: test.env('admin') });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('nothing');
  });
});

describe('hold', () => {
  const hold = (args: readonly string[], profile: 'admin' | 'auditor' = 'admin') =>
    cli(['hold', ...args], { env: test.env(profile) });
  const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

  it('puts the archive of a trail under legal hold, says how far that has come, and releases it', async () => {
    expect(await hold(['orders'])).toMatchObject({ code: 0, stdout: 'not held  orders was never under legal hold.\n' });
    const set = await hold(['orders', 'on', '--reason', 'case 2026-17']);
    expect(set).toMatchObject({ code: 0, stderr: '' });
    expect(set.stdout).toMatch(new RegExp(`^held  orders, since ${TIME}, by admin: case 2026-17\nunder way  `));
    const shown = async () => JSON.parse((await hold(['orders', '--json'], 'auditor')).stdout);
    await expect.poll(async () => (await shown()).objects).toBeGreaterThan(4);
    expect(await shown()).toMatchObject({ trail: 'orders', held: true, by: 'admin', reason: 'case 2026-17' });
    const released = await hold(['orders', 'off', '--reason', 'the case is closed']);
    expect(released.stdout).toMatch(new RegExp(`^released  orders, since ${TIME}, by admin: the case is closed\n`));
    const recorded = await cli(['query', '_system', '--resource', 'orders', '--format', 'ndjson'], {
      env: test.env('admin'),
    });
    expect(recorded.stdout).toContain('"type":"system.legal_hold_set"');
    expect(recorded.stdout).toContain('"type":"system.legal_hold_released"');
  });

  it.each([
    [['orders', 'on'], /say why with --reason/],
    [['orders', '--reason', 'x'], /Say on or off/],
    [['orders', 'maybe', '--reason', 'x'], /Allowed choices are on, off/],
    [['nowhere', 'on', '--reason', 'x'], /there is no trail nowhere/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await hold(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('is changed by administrators alone', async () => {
    const { code, stderr } = await hold(['orders', 'on', '--reason', 'x'], 'auditor');
    expect(code).toBe(2);
    expect(stderr).toMatch(/not allowed: admin on trail orders/);
  });
});
