import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, type Finished, finished, serve } from '../cli/process.ts';
import { folderUntil } from '../store/temporary.ts';

/** What docs/client.md shows is what happens: each block of JavaScript is run as a program of its own. */

const ROOT = resolve(import.meta.dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/client.md'), 'utf8');
const programs = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);
const cleanUps: (() => void)[] = [];
const folder = folderUntil((task) => cleanUps.push(task));
const results: Finished[] = [];

beforeAll(async () => {
  const server = await serve(join(folder, 'log'));
  const client = pathToFileURL(join(ROOT, 'lib/client/index.ts')).href;
  await mkdir(join(folder, 'tour'));
  for (const [i, code] of programs.entries()) {
    const file = join(folder, `program-${i}.mjs`);
    await writeFile(file, code.replace("'sealtrail/client'", `'${client}'`));
    results.push(await finished(spawn(process.execPath, [file], { cwd: folder, env: cleanEnvironment(server.env) })));
  }
  await server.stop();
});
afterAll(() => {
  for (const cleanUp of cleanUps) cleanUp();
});

describe('docs/client.md', () => {
  it('leads to a first receipt', () => {
    expect(results[0]).toEqual({ code: 0, stderr: '', stdout: 'record 0 of orders is sealed\n' });
  });

  it('shows an application whose events are found in the log and in a file, and whose spool is empty', () => {
    expect(results[1]).toMatchObject({ code: 0, stderr: '' });
    expect(results[1]?.stdout).toBe('3 budget.warning\n2 data.update\n1 invoice.paid\n4 events in all\n');
    const [file = ''] = readdirSync(join(folder, 'tour/audit'));
    expect(readFileSync(join(folder, 'tour/audit', file), 'utf8').split('\n')).toHaveLength(4);
    expect(readdirSync(join(folder, 'tour/spool'))).toEqual(['orders.checkpoint']);
  });

  it('shows what can be asked, and leaves an export and a proof', () => {
    expect(results[2]).toMatchObject({ code: 0, stderr: '' });
    expect(results[2]?.stdout).toBe('4 events in the last hour, of 4 types\n4 by alice in a week\n4 exported\nok []\n');
    expect(readdirSync(join(folder, 'tour'))).toEqual(expect.arrayContaining(['alice.csv', 'record-0.proof']));
  });

  it('shows questions by what events hold, in words', () => {
    expect(results[3]).toMatchObject({ code: 0, stderr: '' });
    expect(results[3]?.stdout).toMatch(/^1 invoice\.paid alice\n\d{4}-\d\d-\d\dT\d\d:00:00\.000Z success 1\n$/);
  });

  it('shows that a file answers them too', () => {
    expect(results[4]).toMatchObject({ code: 0, stderr: '' });
    expect(results[4]?.stdout).toMatch(/^auth\.login_failed 1\n/);
    expect(results[4]?.stdout).toContain("verdict: 'ok'");
    expect(results[4]?.stdout).toContain('nothing signs or chains what a sink keeps');
  });

  it('shows what is redacted, and what is kept', () => {
    expect(results[5]).toMatchObject({ code: 0, stderr: '' });
    expect(results[5]?.stdout).toContain("pin_code: '[redacted]'");
    expect(results[5]?.stdout).toContain("password: '[redacted]'");
    expect(results[5]?.stdout).toContain("mail: 'alice@example.com'");
  });

  it('has no other programs', () => {
    expect(programs).toHaveLength(6);
  });
});
