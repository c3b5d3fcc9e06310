import { mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SealtrailError } from '../../../lib/log/error.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import type { Objects, ObjectVersion } from '../../../lib/store/ports.ts';
import { parseTrustedKeys, type Report, verifyArchive } from '../../../lib/verify/index.ts';
import {
  type Archive,
  addKeyFiles,
  buildTrail,
  copyOf,
  ed25519Key,
  KEY,
  keyIdOf,
  LOG,
  noteOf,
  objectsOf,
  type TestKey,
  TRAIL,
} from '../archive-builder.ts';
import { archiveOf, SIZES } from '../damage.ts';

const trust = parseTrustedKeys(KEY.pem);
const { archive } = buildTrail({ runs: [100, 300], seals: [100, 300] });
const verify = (objects: Objects): Promise<Report> => verifyArchive(objects, { trust });
const segment = [...archive.keys()].find((key) => key.includes('/records/')) ?? '';
const bytesOf = (key: string): Buffer => archive.get(key) ?? expect.fail(`there is no ${key}`);

describe('in a bucket, what was locked counts, and whatever was put over it is reported', () => {
  test('a later version of an object, which is not the one that is read', async () => {
    const objects = await objectsOf(archive);
    objects.overwrite(segment, Buffer.from('forged'));
    const { verdict, problems } = await verify(objects);
    expect({ verdict, problems }).toEqual({
      verdict: 'damaged',
      problems: [
        {
          kind: 'extra_version',
          trail: TRAIL,
          object: segment,
          message: 'the object was written 2 times; the oldest version was read',
        },
      ],
    });
  });

  test('a delete marker, under which the object is still there', async () => {
    const objects = await objectsOf(archive);
    const object = `${TRAIL}/tile/0/000`;
    objects.hide(object);
    const { problems, trails } = await verify(objects);
    expect(problems).toEqual([
      { kind: 'delete_marker', trail: TRAIL, object, message: 'a delete marker stands over the object' },
    ]);
    expect(trails[0]?.covered).toEqual({ from: 0, to: 300 });
  });

  test('delete markers with nothing below', async () => {
    const objects = await objectsOf(archive);
    objects.tamper(segment, undefined);
    objects.hide(segment);
    objects.hide(segment);
    const { problemCounts } = await verify(objects);
    expect(problemCounts).toMatchObject({ delete_marker: 1, missing_records: 1 });
  });

  test('the sealed checkpoint alone has several versions, each of them a checkpoint, each larger than the last', async () => {
    const objects = await objectsOf(archive);
    const object = `${TRAIL}/checkpoint`;
    objects.tamper(object, bytesOf(`${TRAIL}/checkpoints/100`));
    objects.overwrite(object, bytesOf(`${TRAIL}/checkpoints/300`));
    expect(await verify(objects)).toMatchObject({ verdict: 'ok', problems: [] });
    objects.overwrite(object, bytesOf(`${TRAIL}/checkpoints/100`));
    expect((await verify(objects)).problems).toMatchObject([
      { kind: 'rolled_back', object, message: 'a checkpoint of size 100 was put over one of size 300' },
      { kind: 'stale_checkpoint', object },
    ]);
    objects.overwrite(object, Buffer.from('no checkpoint'));
    expect((await verify(objects)).problemCounts).toMatchObject({ malformed_checkpoint: 1 });
  });
});

/** Objects whose listing shows more than there is. */
function withListed(objects: Objects, ...keys: readonly string[]): Objects {
  const listed = keys.map(
    (key): ObjectVersion => ({ key, size: 1, version: 'v', isLatest: true, isDeleteMarker: false, modifiedAt: 0 }),
  );
  return {
    put: (...args) => objects.put(...args),
    replace: (...args) => objects.replace(...args),
    get: (key) => objects.get(key),
    getVersion: (key, version) => objects.getVersion(key, version),
    list: (prefix, options) => objects.list(prefix, options),
    hold: (...args) => objects.hold(...args),
    isHeld: (...args) => objects.isHeld(...args),
    close: () => objects.close(),
    async *versions(prefix) {
      yield* listed;
      yield* objects.versions(prefix);
    },
  };
}

describe('names that no archive has', () => {
  test.each([
    ['../outside', '../outside'],
    [`${TRAIL}/../keys/x.pem`, `${TRAIL}/../keys/x.pem`],
    [`${TRAIL}/./checkpoint`, `${TRAIL}/./checkpoint`],
    ['a//b', 'a//b'],
    ['', ''],
    ['/etc/passwd', '/etc/passwd'],
    ['tile/\u0000', 'tile/\\u0000'],
    ['evil\n\u202egnp.exe', 'evil\\n\\u202egnp.exe'],
    ['caf\u00e9', 'caf\\u00e9'],
    ['x'.repeat(2000), 'x'.repeat(2000)],
  ])('%j is reported and never read', async (key, object) => {
    const { verdict, problems } = await verify(withListed(await objectsOf(archive), key));
    expect(verdict).toBe('damaged');
    expect(problems).toMatchObject([{ kind: 'bad_name', object }]);
    expect(JSON.stringify(problems)).toMatch(/^[\x20-\x7e…]*$/);
  });

  test.each(SIZES)('a name that climbs is reported, whatever the size of the log: %i records', async (size) => {
    const object = `${TRAIL}/records/../../${TRAIL}/checkpoint`;
    const { verdict, problems } = await verify(withListed(await objectsOf(archiveOf(size).archive), object));
    expect({ verdict, problems }).toMatchObject({ verdict: 'damaged', problems: [{ kind: 'bad_name', object }] });
  });

  test('an object that was listed and is gone when it is read is missing', async () => {
    const objects = withListed(await objectsOf(archive), `${TRAIL}/checkpoints/200`, `${TRAIL}/tile/entries/000.p/200`);
    const { problems } = await verify(objects);
    const message = 'the object was listed, but is not there';
    expect(problems).toMatchObject([
      // A partial bundle shows a seal, which would have left a tile as well.
      { kind: 'missing_tile', object: `${TRAIL}/tile/0/000.p/200`, seq: 199 },
      { kind: 'missing_checkpoint', object: `${TRAIL}/checkpoints/200`, message },
      { kind: 'missing_bundle', object: `${TRAIL}/tile/entries/000.p/200`, message },
    ]);
  });
});

describe('a folder', () => {
  let folder = '';
  const write = async (files: Archive): Promise<void> => {
    for (const [key, bytes] of files) {
      await mkdir(dirname(join(folder, key)), { recursive: true });
      await writeFile(join(folder, key), bytes);
    }
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sealtrail-verify-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
  });
  const verifyFolder = async (): Promise<Report> => verify(await FolderObjects.openReadOnly(folder));

  test('that holds the archive is ok', async () => {
    await write(archive);
    expect(await verifyFolder()).toMatchObject({ verdict: 'ok', problems: [] });
  });

  test.each([
    ['in place of an object', segment, '/dev/null'],
    ['to another object', `${TRAIL}/tile/0/000`, './001'],
    ['to nothing', `${TRAIL}/checkpoint`, '/nowhere'],
    ['at a name that nothing has', `${TRAIL}/latest`, './checkpoint'],
    ['to a folder', `${TRAIL}/tile/9`, '/etc'],
    ['beyond the newest checkpoint', `${TRAIL}/tile/0/009`, '/etc/passwd'],
    ['to a folder outside', 'etc', '/etc'],
  ])('with a symbolic link %s is not, and the link is not followed', async (_, object, target) => {
    await rm(join(folder, object), { force: true });
    await symlink(target, join(folder, object));
    const { verdict, problems } = await verifyFolder();
    await rm(join(folder, object));
    await write(archive);
    expect(verdict).toBe('damaged');
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'symbolic_link', object }));
  });

  test.each(SIZES)('with a link in place of any object of %i records is not, even to the very bytes', async (size) => {
    await rm(folder, { recursive: true });
    const files = archiveOf(size).archive;
    await write(files);
    const aside = await mkdtemp(join(tmpdir(), 'sealtrail-aside-'));
    for (const object of files.keys()) {
      await rename(join(folder, object), join(aside, 'object'));
      await symlink(join(aside, 'object'), join(folder, object));
      const { verdict, problems } = await verifyFolder();
      await rename(join(aside, 'object'), join(folder, object));
      expect(verdict).toBe('damaged');
      expect(problems).toContainEqual(expect.objectContaining({ kind: 'symbolic_link', object }));
    }
    await rm(aside, { recursive: true });
    expect(await verifyFolder()).toMatchObject({ verdict: 'ok', problems: [] });
    await rm(folder, { recursive: true });
    await write(archive);
  });

  test('with a linked folder inside is not', async () => {
    await rm(join(folder, TRAIL, 'checkpoints'), { recursive: true });
    await symlink('/tmp', join(folder, TRAIL, 'checkpoints'));
    await rm(join(folder, TRAIL, 'tile/0/001.p'), { recursive: true });
    await write(new Map([[`${TRAIL}/tile/0/007`, Buffer.alloc(8192)]]));
    const { problems } = await verifyFolder();
    await rm(join(folder, TRAIL, 'tile/0/007'));
    await rm(join(folder, TRAIL, 'checkpoints'));
    await write(archive);
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'symbolic_link', object: `${TRAIL}/checkpoints` }));
    expect(problems).toContainEqual(
      expect.objectContaining({ kind: 'beyond_checkpoint', object: `${TRAIL}/tile/0/007` }),
    );
  });

  test('with an odd file or a huge one is not, and neither is read', async () => {
    const object = `${TRAIL}/tile/0/001.p/45`;
    await writeFile(join(folder, 'notes \u202e.txt'), '');
    await writeFile(join(folder, object), '');
    await truncate(join(folder, object), 3 * 2 ** 30);
    const { problems } = await verifyFolder();
    await rm(join(folder, 'notes \u202e.txt'));
    await rm(join(folder, object));
    expect(problems).toMatchObject([
      { kind: 'bad_name', object: 'notes \\u202e.txt' },
      {
        kind: 'too_large',
        object,
        message: 'the object has 3221225472 bytes, more than any of its sort; it was not read',
      },
    ]);
  });
});

describe('what cannot be read', () => {
  const failing = (objects: Objects, key: string, code: 'unavailable' | 'internal'): Objects => ({
    ...withListed(objects),
    get: (asked) => (asked === key ? Promise.reject(new SealtrailError(code, 'EACCES')) : objects.get(asked)),
  });

  test('leaves the verdict open, not ok, and the exit code says so', async () => {
    const key = `${TRAIL}/tile/entries/000`;
    const report = await verify(failing(await objectsOf(archive), key, 'unavailable'));
    expect(report).toMatchObject({
      verdict: 'incomplete',
      problems: [{ kind: 'unreadable', object: key, message: 'the object cannot be read: EACCES' }],
    });
  });

  test('for another reason is an error, not a verdict', async () => {
    const objects = failing(await objectsOf(archive), `${TRAIL}/tile/entries/000`, 'internal');
    await expect(verify(objects)).rejects.toMatchObject({ code: 'internal', message: 'EACCES' });
  });

  test('a folder without an archive is an error', async () => {
    await expect(verify(await objectsOf(new Map()))).rejects.toMatchObject({
      code: 'not_found',
      message:
        'there is no trail here: is this the folder or prefix of an archive, and has anything been archived yet?',
    });
  });
});

describe('what no one asked for', () => {
  const stranger = ed25519Key(66);
  const origin = `${LOG}/${TRAIL}`;
  const withLine = (note: Buffer, name: string, key: TestKey): Buffer =>
    Buffer.concat([
      note,
      Buffer.from(
        `${String(noteOf(name, 1, Buffer.alloc(32), [key]))
          .split('\n')
          .at(-2)}\n`,
      ),
    ]);

  test('a stranger’s key under a name of this log, which signed nothing', async () => {
    const edited = copyOf(archive);
    addKeyFiles(edited, origin, stranger);
    const { verdict, problems } = await verify(await objectsOf(edited));
    const object = `keys/${keyIdOf(origin, stranger)}.vkey`;
    expect({ verdict, problems }).toMatchObject({
      verdict: 'incomplete',
      problems: [{ kind: 'unvouched_key', object }],
    });
  });

  test('a signature line under the log’s own name by a key that no one knows; those of witnesses are none of it', async () => {
    for (const [name, kinds] of [
      [origin, ['unknown_key', 'unknown_key']],
      ['witness.example.com', []],
    ] as const) {
      const edited = copyOf(archive);
      for (const object of [`${TRAIL}/checkpoint`, `${TRAIL}/checkpoints/300`]) {
        edited.set(object, withLine(bytesOf(object), name, stranger));
      }
      const { problems, trails } = await verify(await objectsOf(edited));
      expect(problems.map(({ kind }) => kind)).toEqual(kinds);
      // It takes nothing away from the signature that holds.
      expect(trails[0]?.covered).toEqual({ from: 0, to: 300 });
    }
  });

  test('lines that the key’s holder added to a checkpoint', async () => {
    const edited = copyOf(archive);
    const object = `${TRAIL}/checkpoints/100`;
    const [, , root = ''] = String(bytesOf(object)).split('\n');
    edited.set(object, noteOf(origin, 100, Buffer.from(root, 'base64'), [KEY], ['hello']));
    const { verdict, problems } = await verify(await objectsOf(edited));
    const message = 'the checkpoint has lines beyond size and root: "hello"';
    expect({ verdict, problems }).toEqual({
      verdict: 'incomplete',
      problems: [{ kind: 'extension_lines', trail: TRAIL, object, message }],
    });
  });

  test('in a folder: unfinished writes, stray second names, empty folders, each named as not looked at', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-leftovers-'));
    const put = async (name: string, bytes: Uint8Array): Promise<void> => {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), bytes);
    };
    for (const [name, bytes] of archive) await put(name, bytes);
    await put('~unfinished/evil\u202e.sh', Buffer.from('x'));
    await put(`~held/${segment}`, Buffer.from('other bytes'));
    await mkdir(join(folder, 'payments/checkpoints'), { recursive: true });
    const { verdict, skipped } = await verify(await FolderObjects.openReadOnly(folder));
    await rm(folder, { recursive: true });
    expect(verdict).toBe('ok');
    expect(skipped.map(({ why }) => why)).toEqual([
      expect.stringMatching(/^which trails/),
      'what is no object of an archive: empty folder "payments/checkpoints/"',
      `what is no object of an archive: second name of no object "~held/${segment}"`,
      'what is no object of an archive: unfinished write "~unfinished/evil\\u202e.sh"',
    ]);
  });
});

test('a checkpoint that is missing is one problem, however many tiles show that it was sealed', async () => {
  const { archive: large } = buildTrail({ runs: [600], seals: [600] });
  const found: string[] = [];
  large.delete(`${TRAIL}/checkpoints/600`);
  for (const { kind, object } of (await verify(await objectsOf(large))).problems) {
    if (kind === 'missing_checkpoint') found.push(object ?? '');
  }
  expect(found).toEqual([`${TRAIL}/checkpoints/600`]);
});
