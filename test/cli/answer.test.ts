import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli } from './in-process.ts';
import { openSealedLog, type SealedLog } from './sealed-log.ts';

let test: SealedLog;
let key: string;

beforeAll(async () => {
  test = await openSealedLog();
  ({ key } = test);
});
afterAll(() => test.close());

async function proven(...args: readonly string[]): Promise<string> {
  const file = join(test.folder, 'answer.proof.json');
  const asked = await cli(['query', 'orders', ...args, '--proof', file], { env: test.env('auditor') });
  expect(asked).toMatchObject({ code: 0 });
  return file;
}

describe('the proof of an answer', () => {
  it('is written beside the answer, and checks offline', async () => {
    const file = await proven('--actor', 'user-9', '--all');
    const { code, stdout } = await cli(['verify-answer', file, '--key', key]);
    expect(stdout).toMatch(
      /^ok {2}1 record of 300 in trail orders, 0 to 300, with actor user-9, and no other: under a checkpoint of 300 records/,
    );
    expect(code).toBe(0);
    const told = JSON.parse((await cli(['verify-answer', file, '--key', key, '--records', '--json'])).stdout);
    expect(told).toMatchObject({ ok: true, isFromStart: true, isToEnd: true, range: { from: 0, to: 300 } });
    for (const line of told.records) expect(JSON.parse(line).event.actor.id).toBe('user-9');
    expect(told.matches).toBe(told.records.length);
  });

  it('also says that there is nothing, and where an answer is only the beginning', async () => {
    const nothing = await cli(['verify-answer', await proven('--actor', 'nobody', '--all'), '--key', key]);
    expect(nothing.stdout).toMatch(/^ok {2}0 records of 300 /);
    const some = await cli(['verify-answer', await proven('--limit', '5'), '--key', key]);
    expect(some.stdout).toMatch(/^ok {2}5 records of 5 .* The answer begins later than the period\./);
  });

  it.each<[string, (text: string) => string, string]>([
    ['a hit is left out', (text) => text.replace(/"matches":\[\d+\]/, '"matches":[]'), 'answer'],
    ['a record is altered', (text) => text.replaceAll('user-9\\"', 'user-8\\"'), 'records'],
    ['the trail is another', (text) => text.replace('"trail":"orders"', '"trail":"others"'), 'signature'],
    ['something was added', (text) => text.replace('"range"', '"hint":1,"range"'), 'form'],
  ])('is refused with exit code 1 and its kind where %s', async (_, edit, kind) => {
    const file = await proven('--actor', 'user-9', '--all');
    const edited = edit(readFileSync(file, 'utf8'));
    expect(edited).not.toBe(readFileSync(file, 'utf8'));
    writeFileSync(file, edited);
    const { code, stdout } = await cli(['verify-answer', file, '--key', key, '--json']);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { ok: false, kind }]);
    expect((await cli(['verify-answer', file, '--key', key])).stdout).toMatch(
      /^wrong {2}the answer's proof does not hold/,
    );
  });

  it('is asked of one trail, and is JSON', async () => {
    const several = await cli(['query', 'orders', '_system', '--proof', 'x'], { env: test.env('auditor') });
    expect(several).toMatchObject({ code: 2, stderr: expect.stringContaining('one trail') });
    const file = join(test.folder, 'none.json');
    writeFileSync(file, 'no JSON');
    expect(await cli(['verify-answer', file, '--key', key])).toMatchObject({ code: 2 });
  });
});
