import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, type Finished, finished, type Server, serve } from './cli/process.ts';

/** What the README shows is what happens: every command in it is run here, in its order, against a real server. */

const ROOT = join(import.meta.dirname, '..');
const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language = '', code = '']) => ({
  language,
  code,
}));

/** The folder that stands in for `tour` in the README. */
const tour = join(mkdtempSync(join(tmpdir(), 'sealtrail-readme-')), 'tour');
let server: Server;
let result: Finished;
/** What each block printed, in the order of the README. */
let printed: string[];

const isInstall = (code: string): boolean => /^npm ci\b/m.test(code);
const isServe = (code: string): boolean => code.includes('sealtrail -- serve');
const toured = blocks.filter(({ code }) => !isInstall(code) && !isServe(code));

/** The README's words in this test's place: another folder, another port. Nothing else is changed. */
function here(code: string): string {
  return code
    .replaceAll('$PWD/tour/', `${tour}/`)
    .replaceAll(/(?<![\w/])tour\//g, `${tour}/`)
    .replaceAll('http://127.0.0.1:8321', server.endpoint);
}

beforeAll(async () => {
  server = await serve(join(tour, 'log'));
  const script = toured.map(({ code }) => `${here(code)}\nprintf '\\n%s\\n' '=== end of block ==='\n`).join('');
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: ROOT, env: cleanEnvironment() });
  result = await finished(shell);
  printed = result.stdout.split('\n=== end of block ===\n');
}, 120_000);

afterAll(async () => {
  await server?.stop();
  rmSync(join(tour, '..'), { recursive: true, force: true });
});

/** What the block with these words printed. */
function output(words: string): string {
  const at = toured.findIndex(({ code }) => code.includes(words));
  expect(at).toBeGreaterThanOrEqual(0);
  return printed[at] ?? '';
}

describe('the README', () => {
  it('begins with one sentence, and with two command lines that package.json knows', () => {
    expect(text).toMatch(/^# Sealtrail\n\nA tamper-evident audit log [^.\n]*\.\n/);
    const [install] = blocks;
    expect(install?.code.trimEnd().split('\n')).toEqual(['npm ci && npm run demo', 'npm ci && npm test']);
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const used = [...text.matchAll(/npm (?:run (?:-s )?)([\w:]+)/g)].map(([, name = '']) => name);
    expect(used.length).toBeGreaterThan(2);
    for (const name of [...used, 'test']) expect(Object.keys(scripts)).toContain(name);
  });

  it('shows commands as shell, and starts the server as this test does', () => {
    expect(blocks.map(({ language }) => language)).toEqual(blocks.map(() => 'sh'));
    expect(blocks.filter(({ code }) => isServe(code)).map(({ code }) => code)).toEqual([
      'npm run -s sealtrail -- serve --data tour/log --port 8321\n',
    ]);
  });

  it('shows nothing that fails', () => {
    expect(result).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/error|sealtrail:/i) });
    expect(printed).toHaveLength(toured.length + 1);
  });

  it('appends with curl, and the answer is a receipt', () => {
    expect(JSON.parse(output('--aws-sigv4'))).toMatchObject({ trail: 'orders', first: 0, count: 1, sealed: true });
  });

  it('appends many, and finds them with what is secret redacted', () => {
    expect(output('append orders')).toMatch(/^appended {2}3 events to orders: records 1 to 3\nproven /);
    const asked = output('query orders --actor bob');
    expect(asked).toMatch(/ config\.changed .* bob /);
    expect(asked).toContain('"password":"[redacted]"');
    expect(asked).not.toContain('hunter2');
    expect(asked).toMatch(/4 records in orders\n/);
  });

  it('proves a record and growth offline', () => {
    expect(output('verify-proof')).toMatch(/\nok {2}Record 1 of trail orders is in the log/);
    expect(output('proof orders --from')).toMatch(
      /\nok {2}The checkpoint of 4 records of .* extends that of 1 record\. /,
    );
    expect(readdirSync(tour).sort()).toEqual([
      'export.record.json',
      'export.tlog-proof',
      'growth.consistency.json',
      'keys',
      'log',
    ]);
  });

  it('verifies the archive, whose records are JSON lines', () => {
    expect(output('sealtrail verify ')).toMatch(/\nOK {2}\d+ records in .*: intact and under trusted signatures/);
    expect(output('sealtrail verify ')).toMatch(/\norders +ok +4 /);
    expect(JSON.parse(output('gzip -dc'))).toMatchObject({ seq: 0, trail: 'orders' });
  });

  it('names only files that exist', () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !target.startsWith('http'));
    expect(links.length).toBeGreaterThan(4);
    for (const target of links) expect([target, existsSync(join(ROOT, target))]).toEqual([target, true]);
  });
});
