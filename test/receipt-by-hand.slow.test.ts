import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Receipt } from '../lib/contract/receipt.ts';
import { cli, openTestLog, type TestLog } from './cli/in-process.ts';
import { cleanEnvironment, type Finished } from './cli/process.ts';

/** What docs/receipt-by-hand.md shows is run as it stands there. Needs python3, openssl, curl and sha256sum. */

const PAGE = readFileSync(join(import.meta.dirname, '../docs/receipt-by-hand.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block ?? '');
const [, checkSignature = '', hashRecord = '', prove = ''] = blocks('sh');

let folder: string;
let log: TestLog;
const receipts = new Map<string, Receipt>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealtrail-receipt-'));
  log = await openTestLog();
  writeFileSync(join(folder, 'receipt.py'), blocks('python')[0] ?? '');
  for (const count of [1, 2, 3, 1, 7, 100, 1]) {
    const events = Array.from({ length: count }, (_, n) => ({ type: 'auth.login', actor: { id: `ä ${n}` } }));
    const headers = { prefer: 'return=representation' };
    const body = JSON.stringify({ events });
    const answer = await log.client('writer').send({ method: 'POST', path: '/v1/trails/orders/events', body, headers });
    const receipt = answer.json() as Receipt; // what the API answers
    receipts.set(`${receipt.first}+${receipt.count}`, receipt);
  }
  const { code } = await cli(['keys', '--export', folder], { env: log.env('admin') });
  expect(code).toBe(0);
});
afterAll(async () => {
  await log.close();
  rmSync(folder, { recursive: true });
});

function run(script: string, receipt: object): Finished {
  writeFileSync(join(folder, 'receipt.json'), JSON.stringify(receipt));
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: cleanEnvironment({ PYTHONUTF8: '1' }),
  });
  return { code: status, stdout, stderr };
}

/** What the page's script says of each receipt, all in one Python, whose start takes longer than its work. */
function verdicts(all: readonly object[]): string[] {
  const files = all.map((receipt, n) => {
    writeFileSync(join(folder, `${n}.json`), JSON.stringify(receipt));
    return `${n}.json`;
  });
  const script = `import runpy, sys
for file in sys.argv[1:]:
  sys.argv = ["receipt.py", file]
  try: runpy.run_path("receipt.py")
  except SystemExit as end: print(end.code)`;
  return run(`python3 -c '${script}' ${files.join(' ')}`, {})
    .stdout.trimEnd()
    .split('\n');
}

const get = (name: string): Receipt => receipts.get(name) ?? expect.fail(name);

describe('a receipt by hand', () => {
  it('is under a signature that OpenSSL knows, over the name, the size and the root', () => {
    const { code, stdout } = run(checkSignature, get('7+7'));
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Signature Verified Successfully\n') });
    expect(stdout).toMatch(/\/orders\n14\n[\w+/=]{44}\n$/);
    const other = { ...get('7+7'), checkpoint: get('7+7').checkpoint?.replace('\n14\n', '\n15\n') };
    expect(run(checkSignature, other).code).not.toBe(0);
  });

  it('has a record whose hash is the one it names', () => {
    const { stdout } = run(hashRecord, get('6+1'));
    const [line = '', hash = '', named = ''] = stdout.replace('}', '}').split(/(?<=\})(?=[0-9a-f]{64} )|\n/);
    expect(JSON.parse(line)).toMatchObject({ seq: 6, event: { actor: { id: 'ä 0' } } });
    expect(hash.split(' ')[0]).toBe(named);
  });

  it('is proven by the script as the page starts it', () => {
    expect(run(prove, get('7+7'))).toEqual({
      code: 0,
      stderr: '',
      stdout: 'ok: records 7 to 13 of log.example/orders are among the 14 that were signed\n',
    });
    expect(run(prove, { ...get('7+7'), trail: 'payments' }).code).toBe(1);
  });

  it('is proven wherever its records lie, and however many they are', () => {
    expect(verdicts([...receipts.values()])).toEqual(
      [...receipts.values()].map(() => expect.stringMatching(/^ok: records /)),
    );
  });

  it('is not proven with another record, place, trail or proof', () => {
    const one = get('7+7');
    const { proof = [] } = one;
    expect(
      verdicts([
        { ...one, lines: get('3+3').lines },
        { ...one, lines: [], first: 6 },
        { ...one, trail: 'payments' },
        { ...one, proof: proof.slice(1) },
        { ...one, proof: [...proof, proof[0]] },
        { ...one, first: 100 },
      ]),
    ).toEqual([
      'not proven: record 7 is another one',
      expect.stringMatching(/^not proven: /),
      'not proven: the checkpoint is of another trail',
      expect.stringMatching(/^not proven: /),
      'not proven: the proof has hashes too many',
      'not proven: the checkpoint does not cover these records',
    ]);
  });
});

it('the script is one that a person reads, and needs nothing but the standard library', () => {
  const lines = blocks('python')[0]?.trimEnd().split('\n') ?? [];
  expect(lines.length).toBeLessThanOrEqual(36);
  expect(lines.filter((line) => /^(import|from) /.test(line))).toEqual(['import base64, hashlib, json, sys']);
});
