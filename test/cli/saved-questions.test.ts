import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, openTestLog, type TestLog } from './in-process.ts';

let test: TestLog;
const config = mkdtempSync(join(tmpdir(), 'sealtrail-questions-'));
const file = join(config, 'sealtrail/questions.json');
const asked = (...args: string[]) => cli(args, { env: { ...test.env('auditor'), XDG_CONFIG_HOME: config } });

beforeAll(async () => {
  test = await openTestLog();
  const input = ['success', 'denied', 'denied']
    .map((outcome) => JSON.stringify({ type: 'data.read', outcome }))
    .join('\n');
  await cli(['append', 'orders'], { env: test.env('writer'), input });
});
afterAll(async () => {
  await test.close();
  rmSync(config, { recursive: true, force: true });
});

describe('a saved question', () => {
  it('is asked again by its name, with other options on request', async () => {
    expect((await asked('ask')).stdout).toBe('No question is saved yet: add --save NAME to one.\n');
    const first = await asked('query', 'orders', '--outcome', 'denied', '--where', 'type exists', '--save', 'denials');
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect((await asked('ask', 'denials')).stdout).toBe(first.stdout);
    const one = await asked('ask', 'denials', '--limit', '1', '--format', 'ndjson');
    expect(one.stdout.trimEnd().split('\n')).toHaveLength(1);
    await asked('summary', 'orders', '--by', 'outcome', '--format', 'csv', '--save=outcomes');
    expect((await asked('ask', 'outcomes')).stdout).toBe('outcome,records\r\ndenied,2\r\nsuccess,1\r\n');
    expect((await asked('ask')).stdout).toBe(
      "name      question\ndenials   query orders --outcome denied --where 'type exists'\n" +
        'outcomes  summary orders --by outcome --format csv\n',
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('that there is not is an error that names near ones; one can be forgotten', async () => {
    expect((await asked('ask', 'denial')).stderr).toContain('Did you mean denials?');
    expect(await asked('ask', 'denials', '--forget')).toMatchObject({ code: 0 });
    expect(await asked('ask', 'denials')).toMatchObject({ code: 2 });
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')).questions)).toEqual(['outcomes']);
  });

  it('is not saved under a name that is none, nor over a file of something else', async () => {
    expect((await asked('tail', 'orders', '--save', 'No Name')).stderr).toContain('cannot name a question');
    writeFileSync(file, '{"v":9}');
    expect((await asked('tail', 'orders', '--save', 'x')).stderr).toContain('holds no saved questions');
    expect(readFileSync(file, 'utf8')).toBe('{"v":9}');
  });
});
