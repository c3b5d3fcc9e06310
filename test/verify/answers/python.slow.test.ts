import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pemOf } from '../../../lib/log/note.ts';
import { ask, START, TRAIL } from '../../query/fixture.ts';
import { ProvenTrail } from './fixture.ts';

/** The script of docs/verify-yourself.md that checks an answer is run as it stands there. Needs python3 and openssl. */

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/verify-yourself.md'), 'utf8');
const [, SCRIPT = ''] = [...PAGE.matchAll(/```python\n(.*?)```/gs)].map(([, block]) => block ?? '');
const work = mkdtempSync(join(tmpdir(), 'sealtrail-answer-'));
afterAll(() => rmSync(work, { recursive: true }));

const trail = new ProvenTrail();
beforeAll(async () => {
  for (let n = 0; n < 20; n++) {
    const events = Array.from({ length: 20 }, (_, i) => ({
      id: `e-${n}-${i}`,
      type: i % 2 === 0 ? 'auth.login' : 'data.read',
      actor: { id: `actor-${(n + i) % 7}`, type: 'user' },
    }));
    await trail.append(events, START + n);
    if (n < 18) await trail.index();
  }
  writeFileSync(join(work, 'answer.py'), SCRIPT);
  writeFileSync(join(work, 'key.pem'), (await trail.ledger.verifiers(TRAIL)).map(pemOf).join(''));
});

function python(text: string): { status: number | null; said: string } {
  writeFileSync(join(work, 'answer.json'), text);
  const { status, stdout, stderr } = spawnSync('python3', ['answer.py', 'answer.json', 'key.pem'], {
    cwd: work,
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

const answer = async (filters: Parameters<typeof ask>[0], rest: Parameters<typeof ask>[1] = {}): Promise<string> =>
  JSON.stringify((await trail.proofs(ask(filters, { limit: 1000, ...rest }))).map(({ proof }) => proof));

describe('the Python script', () => {
  it('is one that a person reads: at most 80 lines, nothing but the standard library', () => {
    const lines = SCRIPT.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(80);
    expect(lines[0]).toBe('import base64, hashlib, json, pathlib, subprocess, sys, tempfile');
  });

  it.each([
    [{ actor: ['actor-3'] }, {}],
    [{ type: ['auth.*'], actor: ['actor-3', 'actor-4'] }, {}],
    [{ actor: ['nobody'] }, {}],
    [{ actor: ['actor-1'] }, { from: START + 3, to: START + 9 }],
    [{ actor: ['actor-1'] }, { limit: 7 }],
  ])('says ok to %j', async (filters, rest) => {
    const { status, said } = python(await answer(filters, rest));
    expect([status, said]).toEqual([0, expect.stringMatching(/^(ok: .*, and no other\n)+$/)]);
  });

  it.each<[string, (text: string) => string]>([
    ['a hit is left out', (text) => text.replace(/"matches":\[\d+,/, '"matches":[')],
    ['a record is altered', (text) => text.replace('auth.login', 'auth.logon')],
    ['a leaf is another', (text) => text.replace(/"leaves":\["..../, '"leaves":["AAAA')],
    ['the index is left out', (text) => text.replace(/,"index":\{.*?\}(?=\]|,\{"format)/s, '')],
    ['it is of another value', (text) => text.replace('["actor-3"]', '["actor-9"]')],
  ])('says not right where %s', async (_, edit) => {
    const text = await answer({ actor: ['actor-3'] });
    expect(edit(text)).not.toBe(text);
    expect(python(edit(text)).status).toBe(1);
  });
});
