import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { write, writeData, writeLines } from '../../../lib/cli/output/terminal.ts';
import { cli, openTestLog, Screen, type TestLog } from '../in-process.ts';

/** What is written to a terminal is shown and never obeyed, whatever its format; into a pipe it goes byte for byte. */

const HOSTILE = '\u001b[31mred\u001b]8;;http://evil\u0007\r\u202e\u009b2J\u2066\u200b\u2028\u0085';
/** All that a terminal may be given: text, line ends, and styles. */
const ESCAPE = '\u001b';
const HARMLESS = new RegExp(`^(?:[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]|\\n|${ESCAPE}\\[[0-9;]*m)*$`, 'u');

describe('text', () => {
  it('of data has no control character on a terminal, and is as it was elsewhere', async () => {
    const [terminal, pipe] = [new Screen(80), new Screen()];
    for (const out of [terminal, pipe]) {
      await write(out, `${HOSTILE}\r\n`);
      await writeData(out, [HOSTILE, 'plain']);
    }
    const shown = String.raw`\u001b[31mred\u001b]8;;http://evil\u0007\u000d\u202e\u009b2J\u2066\u200b\u2028\u0085`;
    expect(terminal.text).toBe(`${shown}\n${shown}\nplain\n`);
    expect(pipe.text).toBe(`${HOSTILE}\r\n${HOSTILE}\nplain\n`);
  });

  it('that came before a failure is written', async () => {
    const pipe = new Screen();
    const failing = (async function* () {
      yield 'first';
      throw new Error('the second cannot be had');
    })();
    await expect(writeData(pipe, failing)).rejects.toThrow('the second cannot be had');
    expect(pipe.text).toBe('first\n');
  });

  it('for people keeps its own styles, and nothing else', async () => {
    const terminal = new Screen(80);
    await writeLines(terminal, ['\u001b[1mhead\u001b[22m', 'a\u001b]0;x\u0007\u001b[2Jb']);
    expect(terminal.text).toBe('\u001b[1mhead\u001b[22m\na\\u001b]0;x\\u0007\\u001b[2Jb\n');
  });

  it('that is JSON stays JSON', async () => {
    const terminal = new Screen(80);
    await write(terminal, JSON.stringify({ name: '\u009b\u202e' }));
    expect(JSON.parse(terminal.text)).toEqual({ name: '\u009b\u202e' });
  });
});

describe('a command', () => {
  let test: TestLog;
  beforeAll(async () => {
    test = await openTestLog();
    const input = JSON.stringify({ type: 'auth.login', actor: { id: HOSTILE }, description: HOSTILE });
    expect(await cli(['append', 'orders'], { env: test.env('writer'), input })).toMatchObject({ code: 0 });
  });
  afterAll(() => test.close());

  it.each([
    ['query', 'orders', '--format', 'table'],
    ['query', 'orders', '--format', 'csv'],
    ['query', 'orders', '--format', 'ndjson'],
    ['query', 'orders', '--json'],
    ['tail', 'orders', '--format', 'csv'],
    ['tail', 'orders', '--format', 'ndjson'],
    ['tail', 'orders'],
    ['summary', 'orders'],
    ['summary', 'orders', '--json'],
    ['activity', 'orders', HOSTILE],
    ['activity', 'orders', HOSTILE, '--json'],
  ])('%j obeys nothing that a record holds', async (...args) => {
    const env = test.env('auditor');
    const shown = await cli(args, { env, columns: 100 });
    expect(shown.code).toBe(0);
    expect(shown.stdout.length).toBeGreaterThan(20);
    expect(shown.stdout).toMatch(HARMLESS);
    expect(shown.stderr).toMatch(HARMLESS);
  });

  it('gives a pipe the records byte for byte', async () => {
    const env = test.env('auditor');
    const [line = ''] = (
      await test.client('auditor').send({ path: '/v1/trails/orders/events', query: { format: 'ndjson' } })
    )
      .text()
      .split('\n');
    expect((await cli(['query', 'orders', '--format', 'ndjson'], { env })).stdout).toBe(`${line}\n`);
    expect(line).toContain('\u202e');
  });
});
