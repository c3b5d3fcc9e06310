import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { parseTrustedKeys, verifyArchive } from '../../../lib/verify/index.ts';
import { THOROUGH } from '../../runs.ts';
import {
  type Archive,
  type Built,
  buildTrail,
  copyOf,
  ed25519Key,
  KEY,
  LOG,
  noteOf,
  objectsOf,
  p256Key,
  rootOf,
  type TestKey,
  TRAIL,
} from '../archive-builder.ts';

/** What docs/verify-yourself.md shows is run as it stands there, on good archives and bad. Needs python3, openssl and jq. */

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/verify-yourself.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block ?? '');

const work = mkdtempSync(join(tmpdir(), 'sealtrail-yourself-'));
afterAll(() => rmSync(work, { recursive: true }));
const script = join(work, 'verify.py');
writeFileSync(script, blocks('python')[0] ?? '');

let folders = 0;
function write(archive: Archive): string {
  folders += 1;
  const folder = join(work, String(folders));
  for (const [name, bytes] of archive) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

function pemFile(key: TestKey): string {
  const file = join(work, `${key.algorithm}-${key.spki.at(-1)}.pem`);
  writeFileSync(file, key.pem);
  return file;
}

function python(folder: string, key: TestKey = KEY): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('python3', [script, folder, TRAIL, pemFile(key)], { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** So many that the tree of tiles has three levels: four seconds in Python. */
const THREE_LEVELS = [66_000, [65_536, 66_000], [65_536, 66_000], KEY] as const;

describe('the Python script', () => {
  test('is one that a person reads: at most 80 lines, nothing but the standard library', () => {
    expect(blocks('python')).toHaveLength(3);
    const lines = blocks('python')[0]?.trimEnd().split('\n') ?? [];
    expect(lines.length).toBeLessThanOrEqual(80);
    const modules = lines.filter((line) => /^(import|from) /.test(line)).join();
    expect(modules).toBe('import base64, datetime, gzip, hashlib, json, pathlib, re, subprocess, sys, tempfile');
  });

  test.each([
    ...(THOROUGH ? [THREE_LEVELS] : []),
    [1, [1], [1], KEY],
    [255, [100, 255], [255], KEY],
    [256, [256], [256], KEY],
    [257, [1, 256, 257], [1, 257], p256Key(5)],
    [1000, [300, 512, 1000], [300, 512], KEY],
  ] as const)('says ok to an archive of %i records', (size, runs, seals, key) => {
    const event = (seq: number): string => `{"n":${seq}}`;
    const { archive } = buildTrail({ runs, seals, keys: [key], event, stepMs: 20 });
    // Time-stamps and lines of witnesses are for others to judge.
    archive
      .set(`${TRAIL}/checkpoints/${size}.tsr`, Buffer.from('time'))
      .set(`${TRAIL}/witnessed/1`, Buffer.from('lines'));
    expect(python(write(archive), key)).toEqual({
      status: 0,
      said: `ok: ${size} records, ${runs.length} checkpoints\n`,
    });
  });

  const good = buildTrail({ runs: [100, 257, 600], seals: [100, 600] });
  const pick = (archive: Archive, pattern: RegExp): string =>
    [...archive.keys()].filter((key) => pattern.test(key)).at(-1) ?? '';
  const flip = (archive: Archive, pattern: RegExp): void => {
    const bytes = archive.get(pick(archive, pattern)) ?? Buffer.alloc(0);
    const at = bytes.length >> 1;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  };
  const editLines = (archive: Archive, edit: (lines: string[]) => string[]): void => {
    const key = pick(archive, /\/records\//);
    const lines = gunzipSync(archive.get(key) ?? Buffer.alloc(0))
      .toString()
      .split('\n');
    archive.set(key, gzipSync(edit(lines).join('\n')));
  };

  const damages: readonly (readonly [string, (archive: Archive, built: Built) => void])[] = [
    ['a flipped bit in a segment', (archive) => flip(archive, /\/records\//)],
    ['a flipped bit in a full bundle', (archive) => flip(archive, /entries\/[0-9]+$/)],
    ['a flipped bit in a partial bundle', (archive) => flip(archive, /entries\/.*\.p\//)],
    ['a flipped bit in a tile', (archive) => flip(archive, /tile\/0\/[0-9]+$/)],
    ['a flipped bit in a partial tile above', (archive) => flip(archive, /tile\/1\/.*\.p\//)],
    ['a flipped bit in a checkpoint', (archive) => flip(archive, /checkpoints\/257/)],
    ['a missing segment', (archive) => archive.delete(pick(archive, /\/records\//))],
    ['a missing tile', (archive) => archive.delete(pick(archive, /tile\/0\/[0-9]+$/))],
    ['a missing partial tile', (archive) => archive.delete(pick(archive, /tile\/1\/.*\.p\//))],
    ['a missing bundle', (archive) => archive.delete(pick(archive, /entries\/[0-9]+$/))],
    ['a missing checkpoint of the newest records', (archive) => archive.delete(`${TRAIL}/checkpoints/600`)],
    [
      'an old checkpoint put back',
      (archive) =>
        archive.set(`${TRAIL}/checkpoint`, noteOf(good.origin, 100, rootOf(good.leaves.slice(0, 99)), [KEY])),
    ],
    [
      'a checkpoint by another key',
      (archive) =>
        archive.set(
          `${TRAIL}/checkpoints/257`,
          noteOf(good.origin, 257, rootOf(good.leaves.slice(0, 257)), [ed25519Key(8)]),
        ),
    ],
    [
      'a fork',
      (archive) => archive.set(`${TRAIL}/checkpoints/257`, noteOf(good.origin, 257, Buffer.alloc(32, 1), [KEY])),
    ],
    [
      'a checkpoint of another trail',
      (archive) =>
        archive.set(`${TRAIL}/checkpoints/257`, noteOf(`${LOG}/x`, 257, rootOf(good.leaves.slice(0, 257)), [KEY])),
    ],
    ['a record left out', (archive) => editLines(archive, (lines) => lines.toSpliced(3, 1))],
    ['two records swapped', (archive) => editLines(archive, ([a = '', b = '', ...rest]) => [b, a, ...rest])],
    [
      'a record altered',
      (archive) =>
        editLines(archive, (lines) => lines.map((line, at) => (at === 7 ? line.replace('user-', 'evil-') : line))),
    ],
    ['a file that does not belong there', (archive) => archive.set(`${TRAIL}/tile/notes.txt`, Buffer.from('x'))],
    [
      'a record beyond the newest checkpoint',
      (archive) =>
        archive.set(
          `${TRAIL}/records/dt=2026-11-21/${'600'.padStart(16, '0')}-${'600'.padStart(16, '0')}.jsonl.gz`,
          gzipSync('{}\n'),
        ),
    ],
  ];

  test.each(damages)('says not right to %s, as our verifier does', async (_, damage) => {
    const archive = copyOf(good.archive);
    damage(archive, good);
    const { status, said } = python(write(archive));
    expect({ status, said }).toMatchObject({ status: 1, said: expect.not.stringContaining('ok') });
    expect((await verifyArchive(await objectsOf(archive), { trust: parseTrustedKeys(KEY.pem) })).verdict).not.toBe(
      'ok',
    );
  });

  test('says not right to a link that leads nowhere', () => {
    const folder = write(good.archive);
    symlinkSync('/nowhere', join(folder, TRAIL, 'latest'));
    expect(python(folder)).toEqual({ status: 1, said: 'latest: it should not be there\nnot right\n' });
  });

  test('says not right with another key', () => {
    expect(python(write(good.archive), ed25519Key(8))).toMatchObject({
      status: 1,
      said: expect.stringContaining('not signed by the key'),
    });
  });
});

describe('what the page shows for the shell', () => {
  const plan = {
    runs: [100, 300],
    seals: [300],
    event: (seq: number) =>
      `{"actor":{"id":"user-${seq % 2}"},"id":"e-${seq}","outcome":"${seq % 5 === 0 ? 'denied' : 'success'}","type":"data.read"}`,
  };
  const run = (commands: string, folder: string, key: TestKey): string =>
    execFileSync(
      'bash',
      [
        '-euo',
        'pipefail',
        '-c',
        commands
          .replaceAll('/tmp/', `${folder}/`)
          .replaceAll('ARCHIVE', folder)
          .replaceAll('/TRAIL', `/${TRAIL}`)
          .replaceAll('KEY.pem', pemFile(key))
          .replaceAll('kept-checkpoint', `${folder}/kept-checkpoint`),
      ],
      { encoding: 'utf8' },
    );
  const [openssl = '', , kept = ''] = blocks('sh');
  const reading = blocks('sh').find((block) => block.includes('jq')) ?? '';

  test.each([
    ['Ed25519', KEY, /# a P-256 key\n.*\n/, 'Signature Verified Successfully\n'],
    ['P-256', p256Key(5), /# an Ed25519 key.*\n.*\n/, 'Verified OK\n'],
  ])('verifies a checkpoint signed with %s by OpenSSL, and no other', (_, key, others, expected) => {
    const { archive } = buildTrail({ ...plan, keys: [key] });
    const folder = write(archive);
    expect(run(openssl.replace(others, ''), folder, key)).toBe(expected);
    const note = String(archive.get(`${TRAIL}/checkpoint`)).replace('\n300\n', '\n301\n');
    writeFileSync(join(folder, TRAIL, 'checkpoint'), note);
    expect(() => run(openssl.replace(others, ''), folder, key)).toThrow();
  });

  test('compares a checkpoint that was kept', () => {
    const later = buildTrail({ ...plan, runs: [100, 300], seals: [300] });
    const folder = write(later.archive);
    const keep = (note: Buffer): string => {
      writeFileSync(join(folder, 'kept-checkpoint'), note);
      run(kept, folder, KEY);
      return python(folder).said;
    };
    expect(keep(noteOf(later.origin, 200, rootOf(later.leaves.slice(0, 200)), [KEY]))).toBe(
      'ok: 300 records, 3 checkpoints\n',
    );
    expect(keep(noteOf(later.origin, 200, Buffer.alloc(32, 3), [KEY]))).toContain(
      'checkpoints/200: the records do not give its root',
    );
    expect(keep(noteOf(later.origin, 400, Buffer.alloc(32, 3), [KEY]))).toContain(
      'there are 300 records, signed are 400',
    );
  });

  test('reads the records with jq', () => {
    const built = buildTrail(plan);
    const folder = write(built.archive);
    const commands = reading.split(/^#.*\n/m).slice(1);
    const [denied = '', counted = '', table = '', hash = ''] = commands.map((command) => run(command, folder, KEY));
    expect(denied.trimEnd().split('\n')).toHaveLength(60);
    expect(counted).toMatch(/^\s*150 user-[01]\n\s*150 user-[01]\n$/);
    expect(table.split('\n')[7]).toBe('7\t2026-11-21T09:00:01Z\tapp\tdata.read');
    expect(hash).toContain(built.leaves[0]?.toString('hex'));
  });

  test('shows a key file that is read as it says', () => {
    const list = /```\n(# the old key.*?)```/s.exec(PAGE)?.[1] ?? '';
    expect(parseTrustedKeys(list)).toMatchObject([
      { name: 'audit.example.com/orders', to: 120_000 },
      { trail: 'orders', from: 118_000 },
    ]);
  });
});
