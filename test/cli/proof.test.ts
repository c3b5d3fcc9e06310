import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseProof } from '../../lib/log/proof.ts';
import { cli } from './in-process.ts';
import { openSealedLog, type SealedLog } from './sealed-log.ts';

let test: SealedLog;
let key: string;
let kept: string;

beforeAll(async () => {
  test = await openSealedLog();
  ({ key, kept } = test);
});
afterAll(() => test.close());

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

  it('is a COSE receipt if that is asked for, and checks offline too', async () => {
    const file = join(test.folder, 'orders-9.cose');
    const asked = ['proof', 'orders', '9', '--format', 'cose', '-o', file];
    expect(await cli(asked, { env: test.env('auditor') })).toMatchObject({ code: 0, stderr: '' });
    const proven = await cli(['verify-proof', file, '--key', key, '--json']);
    expect(JSON.parse(proven.stdout)).toMatchObject({ ok: true, trail: 'orders', seq: 9, size: 300 });
    const record = readFileSync(join(test.folder, 'orders-9.record.json'), 'utf8');
    writeFileSync(join(test.folder, 'orders-9.record.json'), record.replace('user-', 'User-'));
    const changed = await cli(['verify-proof', file, '--key', key]);
    expect([changed.code, changed.stdout]).toEqual([1, expect.stringContaining('no trusted key signed the receipt')]);
    const growth = await cli(['proof', 'orders', '--from', '1', '--format', 'cose'], { env: test.env('auditor') });
    expect([growth.code, growth.stderr]).toEqual([2, expect.stringContaining('a COSE receipt is of a record')]);
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
      'a carriage return that someone added',
      (proof, record) => [proof, record.replace('\n', '\r\n')],
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
    expect((await cli(['verify-proof', file, '--key', key])).stdout).toMatch(/^wrong {2}/);
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
    ['a file that is no proof', 'keys/log.pem', /^sealtrail: \S*keys\/log\.pem: a proof has an empty line before/],
  ])('%s cannot be judged at all', async (_, name, message) => {
    const result = await cli(['verify-proof', join(test.folder, name), '--key', key]);
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
      /^ok {2}\S*good\.consistency\.json: The checkpoint .*\nwrong {2}\S*bad\.consistency\.json: /s,
    );
    const nowhere = await cli(['verify-proof', 'nowhere', good, 'gone', '--key', key]);
    expect(nowhere).toMatchObject({ code: 2, stdout: expect.stringContaining('extends') });
    expect(nowhere.stderr).toBe(
      'sealtrail: cannot read the proof nowhere: there is no such file\ncannot read the proof gone: there is no such file\n',
    );
  });

  it.each<[string, string[], RegExp]>([
    ['of nothing', [], /^sealtrail: say what to prove: a record by its number, or growth with --from and --to\n/],
    ['of a record and of growth', ['3', '--from', '40'], /^sealtrail: say what to prove: /],
    ['without a beginning', ['--to', '300'], /^sealtrail: say what to prove: /],
    [
      'from a size that was never signed',
      ['--from', '41'],
      /^sealtrail: trail orders has no checkpoint of size 41: the next one is of 300\n/,
    ],
    [
      'from a size that the log does not have',
      ['--from', '301'],
      /^sealtrail: trail orders has no checkpoint of size 301: the newest is of 300\n/,
    ],
    ['backwards', ['--from', '300', '--to', '40'], /^sealtrail: from: must not be greater than to\n/],
  ])('%s is refused', async (_, args, message) => {
    const result = await cli(['proof', 'orders', ...args], { env: env() });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });
});
