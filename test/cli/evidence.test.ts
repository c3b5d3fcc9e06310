import { chmodSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseProof } from '../../lib/log/proof.ts';
import { PROBLEM_KINDS } from '../../lib/verify/problem.ts';
import { serveAsBucket } from './bucket.ts';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let test: TestLog;
let key: string;
/** A checkpoint of `orders`, kept from when it had 40 records. */
let kept: string;

const events = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) =>
    JSON.stringify({ type: 'data.read', actor: { id: `user-${from + i}` } }),
  ).join('\n');

beforeAll(async () => {
  test = await openTestLog();
  const { env } = { env: test.env('admin') };
  await cli(['append', 'orders'], { env, input: events(0, 40) });
  kept = join(test.folder, 'kept-checkpoint');
  writeFileSync(kept, (await test.client('auditor').send({ path: '/v1/trails/orders/checkpoint' })).text());
  await cli(['append', 'orders'], { env, input: events(40, 300) });
  await cli(['append', 'payments'], { env, input: events(0, 5) });
  for (const trail of ['orders', 'payments']) await cli(['seal', trail], { env });
  await cli(['keys', '--export', join(test.folder, 'keys')], { env });
  key = join(test.folder, 'keys', 'log.pem');
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

const proofOf = async (seq: number): Promise<string> => {
  const file = join(test.folder, `orders-${seq}.tlog-proof`);
  const result = await cli(['proof', 'orders', String(seq), '-o', file], { env: test.env('auditor') });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return file;
};

describe('a proof', () => {
  it('is written with its record and checks offline, with the PEM and with the vkey', async () => {
    const file = await proofOf(123);
    expect(parseProof(readFileSync(file, 'utf8')).index).toBe(123);
    expect(JSON.parse(readFileSync(join(test.folder, 'orders-123.record.json'), 'utf8'))).toMatchObject({
      seq: 123,
      trail: 'orders',
    });
    for (const keyFile of [key, join(test.folder, 'keys', 'orders.vkey')]) {
      const { code, stdout } = await cli(['verify-proof', file, '--key', keyFile]);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^ok {2}Record 123 of trail orders is in the log log\.example\/orders\. It is one of the 300 records under a checkpoint/,
      );
    }
  });

  it('tells a program what it proved', async () => {
    const { stdout } = await cli(['verify-proof', await proofOf(7), '--key', key, '--json']);
    expect(JSON.parse(stdout)).toEqual({
      file: expect.stringContaining('orders-7.tlog-proof'),
      ok: true,
      trail: 'orders',
      seq: 7,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      origin: 'log.example/orders',
      size: 300,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
      keys: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
  });

  it.each<[string, (proof: string, record: string) => readonly [string, string], string, RegExp]>([
    [
      'a changed record',
      (proof, record) => [proof, record.replace('user-9', 'user-8')],
      'proof_mismatch',
      /the inclusion proof does not lead to the root/,
    ],
    [
      'a changed hash',
      (proof, record) => [proof.replace(/\n[A-Za-z0-9+/]{43}=\n/, `\n${'A'.repeat(43)}=\n`), record],
      'proof_mismatch',
      /does not lead to the root/,
    ],
    [
      'another index',
      (proof, record) => [proof.replace('index 9\n', 'index 8\n'), record],
      'proof_mismatch',
      /does not lead to the root/,
    ],
    [
      'another size',
      (proof, record) => [proof.replace('\n300\n', '\n301\n'), record],
      'bad_signature',
      /does not hold/,
    ],
    [
      'another trail',
      (proof, record) => [proof.replaceAll('/orders', '/payments'), record],
      'bad_signature',
      /no signature is by a key that is trusted/,
    ],
  ])('with %s is not proven', async (_, change, code, reason) => {
    const file = await proofOf(9);
    const recordFile = join(test.folder, 'orders-9.record.json');
    const [proof, record] = change(readFileSync(file, 'utf8'), readFileSync(recordFile, 'utf8'));
    writeFileSync(file, proof);
    writeFileSync(recordFile, record);
    const told = await cli(['verify-proof', file, '--key', key, '--json']);
    expect(told).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(told.stdout)).toEqual({ file, ok: false, code, reason: expect.stringMatching(reason) });
    expect((await cli(['verify-proof', file, '--key', key])).stdout).toMatch(/^not proven {2}/);
  });

  it('is not proven by a key that did not sign it', async () => {
    const other = join(test.folder, 'other.vkey');
    writeFileSync(other, 'elsewhere.example/orders+1f97c8ea+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea\n');
    const result = await cli(['verify-proof', await proofOf(3), '--key', other, '--json']);
    expect(result.code).toBe(2); // no vkey at all: its ID does not fit
    expect(JSON.parse(result.stderr).error).toMatchObject({ code: 'malformed_key' });
    const pem = join(test.folder, 'other.pem');
    writeFileSync(
      pem,
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n',
    );
    expect((await cli(['verify-proof', await proofOf(3), '--key', pem])).code).toBe(1);
  });

  it.each([
    [
      'no proof file',
      'nowhere.tlog-proof',
      /^sealtrail: cannot read the proof .*nowhere\.tlog-proof: there is no such file\n$/,
    ],
    ['a file that is no proof', 'keys/log.pem', /^sealtrail: a proof /],
  ])('%s cannot be judged at all', async (_, name, message) => {
    const result = await cli(['verify-proof', join(test.folder, name), '--key', key, '--record', key]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  it('of a record that is not there is refused', async () => {
    const result = await cli(['proof', 'orders', '300'], { env: test.env('auditor') });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toBe('sealtrail: trail orders has no record 300\n');
  });
});

describe('a proof that the log only grew', () => {
  const env = (): Record<string, string> => test.env('auditor');
  const growthOf = async (name: string, ...args: string[]): Promise<string> => {
    const file = join(test.folder, name);
    const result = await cli(['proof', 'orders', ...args, '-o', file], { env: env() });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(
      /^proven {2}The log log\.example\/orders of 300 records extends what it was at 40 records\./,
    );
    return file;
  };

  it('goes from a checkpoint that was kept to the newest or to a given one, and checks offline', async () => {
    const newest = await growthOf('newest.consistency.json', '--from', '40');
    const given = await growthOf('given.consistency.json', '--from', '40', '--to', '300');
    expect(readFileSync(given, 'utf8')).toBe(readFileSync(newest, 'utf8'));
    expect(JSON.parse(readFileSync(given, 'utf8')).checkpoints.from).toBe(readFileSync(kept, 'utf8'));
    const { code, stdout } = await cli(['verify-proof', given, '--key', key]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ok {2}The checkpoint of 300 records of the log log\.example\/orders extends that of 40 records\. /,
    );
  });

  it('begins with the very checkpoint that was kept, where that is given: a fork is found', async () => {
    const file = await growthOf('kept.consistency.json', '--from', kept);
    const args = ['verify-proof', file, '--key', key, '--previous'];
    expect((await cli([...args, kept])).code).toBe(0);
    const newest = join(test.folder, 'newest-checkpoint');
    writeFileSync(newest, JSON.parse(readFileSync(file, 'utf8')).checkpoints.to);
    const other = await cli([...args, newest, '--json']);
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout).reason).toBe(
      'the proof begins at 40 records of log.example/orders, and the checkpoint that was kept is of 300 records of log.example/orders',
    );
    const ofRecord = await cli(['verify-proof', await proofOf(5), '--key', key, '--previous', kept]);
    expect(ofRecord).toMatchObject({ code: 2, stderr: expect.stringContaining('--previous is for proofs that') });
    const none = await cli(['proof', 'orders', '--from', key], { env: env() });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('a note has') });
  });

  it('is named after what it proves, and tells a program so', async () => {
    const before = process.cwd();
    process.chdir(test.folder);
    const { stdout } = await cli(['proof', 'orders', '--from', '40', '--json'], { env: env() });
    process.chdir(before);
    const end = (size: number): object => ({
      origin: 'log.example/orders',
      size,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
      keys: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
    const proofFile = 'orders-40-300.consistency.json';
    expect(JSON.parse(stdout)).toEqual({ trail: 'orders', from: end(40), to: end(300), proofFile });
    const told = await cli(['verify-proof', join(test.folder, proofFile), '--key', key, '--json']);
    expect(JSON.parse(told.stdout)).toMatchObject({ ok: true, from: end(40), to: end(300) });
  });

  it('is judged beside others, each file by itself', async () => {
    const good = await growthOf('good.consistency.json', '--from', '40');
    const bad = join(test.folder, 'bad.consistency.json');
    const text = readFileSync(good, 'utf8');
    const [first = ''] = JSON.parse(text).proof;
    writeFileSync(bad, text.replace(first, `${'A'.repeat(43)}=`));
    const told = await cli(['verify-proof', bad, good, '--key', key, '--json']);
    expect(told).toMatchObject({ code: 1, stderr: '' });
    expect(
      told.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { file: bad, ok: false, code: 'proof_mismatch' },
      { file: good, ok: true },
    ]);
    expect((await cli(['verify-proof', good, bad, '--key', key])).stdout).toMatch(
      /^ok {2}\S*good\.consistency\.json: The checkpoint .*\nnot proven {2}\S*bad\.consistency\.json: /s,
    );
    const nowhere = await cli(['verify-proof', 'nowhere', good, 'gone', '--key', key]);
    expect(nowhere).toMatchObject({ code: 2, stdout: expect.stringContaining('extends') });
    expect(nowhere.stderr).toBe(
      'sealtrail: cannot read the proof nowhere: there is no such file\ncannot read the proof gone: there is no such file\n',
    );
  });

  it.each<[string, string[], RegExp]>([
    ['of nothing', [], /^sealtrail: what is to be proven\? A record by its number, or growth with --from and --to\n/],
    ['of a record and of growth', ['3', '--from', '40'], /^sealtrail: what is to be proven\?/],
    ['without a beginning', ['--to', '300'], /^sealtrail: what is to be proven\?/],
    [
      'from a size that was never signed',
      ['--from', '41'],
      /^sealtrail: trail orders has no checkpoint of size 41: the next one is of 300\n/,
    ],
    ['backwards', ['--from', '300', '--to', '40'], /^sealtrail: from: must not be greater than to\n/],
  ])('%s is refused', async (_, args, message) => {
    const result = await cli(['proof', 'orders', ...args], { env: env() });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });
});

describe('verify', () => {
  it('says ok of an archive that is intact, and what it looked at', async () => {
    const { code, stdout, stderr } = await cli(['verify', test.archive, '--key', key, '--previous', kept]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^OK {2}305 records in 2 trails of .*: intact and under trusted signatures\n/);
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

  it('does not take an archive that was rolled back behind what somebody has seen', async () => {
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

  it('has nothing to do with an empty trail', async () => {
    const { stdout } = await cli(['seal', 'nothing'], { env: test.env('admin') });
    expect(stdout).toBe('The trail nothing has no records: there is nothing to seal.\n');
  });
});
