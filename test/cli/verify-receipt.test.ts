import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let log: TestLog;
let file: string;
let key: string;
let receipts: readonly Record<string, unknown>[];

beforeAll(async () => {
  log = await openTestLog();
  file = join(log.folder, 'receipts.ndjson');
  key = join(log.folder, 'keys/log.pem');
  const input = Array.from({ length: 7 }, (_, n) => `{"type":"data.read","actor":{"id":"u${n}"}}`).join('\n');
  const sent = await cli(['append', 'orders', '--batch', '3', '--receipts', file], { env: log.env('admin'), input });
  expect(sent).toMatchObject({ code: 0, stderr: '' });
  await cli(['keys', '--export', join(log.folder, 'keys')], { env: log.env('admin') });
  receipts = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
});
afterAll(() => log.close());

/** Judges a file with these texts as its lines. */
async function judge(...lines: readonly (object | string)[]) {
  const changed = join(log.folder, 'changed.ndjson');
  writeFileSync(changed, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return cli(['verify-receipt', changed, '--key', key]);
}

describe('sealtrail verify-receipt', () => {
  it('proves every receipt that an upload kept, without a server', async () => {
    expect(receipts).toHaveLength(3);
    const { code, stdout } = await cli(['verify-receipt', file, '--key', key]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `ok  3 receipts of ${file} prove 7 records, under signed checkpoints up to log.example/orders of 7.\n`,
    });
    const { stdout: json } = await cli(['verify-receipt', file, '--key', key, '--json']);
    expect(JSON.parse(json.split('\n')[1] ?? '')).toMatchObject({
      file,
      verdict: 'ok',
      first: 3,
      count: 3,
      trail: 'orders',
    });
  });

  it('takes one document over several lines, as people keep it', async () => {
    expect(await judge(JSON.stringify(receipts[0], null, 2))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok {2}1 receipt of .* prove 3 records/),
    });
  });

  it('names each that is wrong, and counts the others', async () => {
    const [first = {}, second = {}, third = {}] = receipts;
    const { code, stdout } = await judge(first, { ...second, first: 2 }, { ...third, trail: 'payments' });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^wrong {2}.*changed\.ndjson, line 2: the receipt is wrong: /m);
    expect(stdout).toMatch(/^wrong {2}.*line 3: the receipt is wrong: /m);
    expect(stdout).toMatch(/^ok {2}1 receipt of /m);
  });

  it('does not take what is not sealed yet for proven', async () => {
    const { checkpoint: _, proof: __, ...rest } = receipts[0] ?? {};
    const { code, stdout } = await judge({ ...rest, sealed: false });
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: expect.stringMatching(/^unproven {2}No receipt of .* is proven\./),
    });
  });

  it.each([
    ['nothing', [''], /is empty|is no receipt/],
    ['text', ['hello'], /is no receipt: it is no JSON document/],
    ['another document', ['{"size":7}'], /does not have the shape of a receipt/],
  ])('finds no receipt in %s', async (_, lines, said) => {
    const { code, stdout, stderr } = await judge(...lines);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(said);
  });

  it('says which file is not there', async () => {
    expect(await cli(['verify-receipt', '/nowhere.json', '--key', key])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot read the receipts /nowhere.json'),
    });
  });
});
