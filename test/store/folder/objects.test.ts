import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readdir, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { HELD, UNFINISHED } from '../../../lib/store/folder/holding.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { objectsContract } from '../../../lib/testing/contracts/objects.ts';
import { bytesOf } from '../../../lib/testing/contracts/objects-driver.ts';
import { asOrdinaryUser } from '../ordinary-user.ts';
import { makeFolder, removeFolder, temporaryFolder } from '../temporary.ts';

const shared = await makeFolder();
afterAll(() => removeFolder(shared));
objectsContract('FolderObjects', { open: () => FolderObjects.open(join(shared, 'archive')), keepsVersions: false });

const keysIn = async (objects: FolderObjects, prefix = ''): Promise<string[]> =>
  (await Array.fromAsync(objects.list(prefix))).map(({ key }) => key);

describe('the files', () => {
  it('are the objects, read-only, under their keys', async () => {
    const folder = await temporaryFolder();
    const objects = await FolderObjects.open(join(folder, 'archive'));
    await objects.put('t/checkpoints/7', bytesOf('seven'));
    await objects.replace('t/checkpoint', bytesOf('old'));
    await objects.replace('t/checkpoint', bytesOf('new'));
    for (const [key, text] of [
      ['t/checkpoints/7', 'seven'],
      ['t/checkpoint', 'new'],
    ] as const) {
      const path = join(folder, 'archive', key);
      expect(execFileSync('cat', [path], { encoding: 'utf8' })).toBe(text);
      expect((await stat(path)).mode & 0o777).toBe(0o444);
      expect((await stat(path)).nlink).toBe(1);
    }
  });

  it('have one version, which says so', async () => {
    const objects = await FolderObjects.open(await temporaryFolder());
    await objects.put('a', bytesOf('x'));
    const [version] = await Array.fromAsync(objects.versions(''));
    expect(version?.version).toBe('null');
    expect(await objects.getVersion('a', 'null')).toEqual(bytesOf('x'));
  });

  it('under legal hold outlive their names, also one that a crash had left before it was held', async () => {
    const folder = await temporaryFolder();
    const objects = await FolderObjects.open(folder);
    await objects.put('t/checkpoints/7', bytesOf('seven'));
    expect(await objects.put('t/checkpoints/7', bytesOf('seven'), { isHeld: true })).toBe('existed');
    await rm(join(folder, 't/checkpoints/7'));
    expect(await keysIn(objects)).toEqual([]);
    expect(execFileSync('cat', [join(folder, HELD, 't/checkpoints/7')], { encoding: 'utf8' })).toBe('seven');
  });

  it('may have been copied there: an archive that was moved is read as it is', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 't/tile'), { recursive: true });
    await writeFile(join(folder, 't/tile/0'), 'x', { mode: 0o644 });
    const objects = await FolderObjects.openReadOnly(folder);
    expect(await objects.get('t/tile/0')).toEqual(bytesOf('x'));
  });

  it('are made again when someone removed their folder meanwhile', async () => {
    const folder = await temporaryFolder();
    const objects = await FolderObjects.open(folder);
    await objects.put('a/b/c', bytesOf('x'));
    await rm(join(folder, 'a'), { recursive: true });
    await rm(join(folder, UNFINISHED), { recursive: true });
    await expect(objects.put('a/b/c', bytesOf('x'))).rejects.toMatchObject({
      code: 'unavailable',
      message: `${join(folder, 'a/b/c')}: ENOENT`,
    });
    expect(await objects.put('a/b/c', bytesOf('x'))).toBe('created');
  });

  it('cannot be folders as well', async () => {
    const folder = await temporaryFolder();
    const objects = await FolderObjects.open(folder);
    await objects.put('a/b', bytesOf('x'));
    const isFolder = { code: 'object_differs', message: 'a is a folder of other objects' };
    await expect(objects.put('a', bytesOf('x'))).rejects.toMatchObject(isFolder);
    await expect(objects.replace('a', bytesOf('x'))).rejects.toMatchObject(isFolder);
    await expect(objects.put('a/b/c', bytesOf('x'))).rejects.toMatchObject({
      code: 'object_differs',
      message: `${join(folder, 'a/b')} is an object, so no object can be stored below it`,
    });
    expect(await keysIn(objects)).toEqual(['a/b']);
  });
});

describe('opening', () => {
  it('sweeps what a crash left, which is never listed or read', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, UNFINISHED, 'planted'), { recursive: true });
    await writeFile(join(folder, UNFINISHED, 'half'), 'half an obj', { mode: 0o444 });
    await symlink('/etc', join(folder, UNFINISHED, 'link'));
    const reader = await FolderObjects.openReadOnly(folder);
    expect(await keysIn(reader)).toEqual([]);
    await expect(reader.get(`${UNFINISHED}/half`)).rejects.toThrow(RangeError);
    const objects = await FolderObjects.open(folder);
    expect(await readdir(join(folder, UNFINISHED))).toEqual([]);
    expect(await keysIn(objects)).toEqual([]);
    expect((await stat('/etc')).isDirectory()).toBe(true);
  });

  it('keeps an object that a crash left with both of its names', async () => {
    const folder = await temporaryFolder();
    const objects = await FolderObjects.open(folder);
    await objects.put('a', bytesOf('x'));
    await link(join(folder, 'a'), join(folder, UNFINISHED, 'left'));
    const reopened = await FolderObjects.open(folder);
    expect(await reopened.get('a')).toEqual(bytesOf('x'));
  });

  it('read-only changes nothing, and refuses to write', async () => {
    const folder = await temporaryFolder();
    const objects = await FolderObjects.openReadOnly(folder);
    const readOnly = { name: 'RangeError', message: `${folder} was opened for reading only` };
    await expect(objects.put('a', bytesOf('x'))).rejects.toMatchObject(readOnly);
    await expect(objects.replace('a', bytesOf('x'))).rejects.toMatchObject(readOnly);
    expect(await keysIn(objects)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('read-only needs a folder', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'x');
    for (const name of ['none', 'file', 'file/below']) {
      await expect(FolderObjects.openReadOnly(join(folder, name))).rejects.toMatchObject({
        code: 'not_found',
        message: `there is no folder ${join(folder, name)}`,
      });
    }
  });

  it('takes a root that is itself reached through a link', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'real'));
    await symlink('real', join(folder, 'current'));
    const objects = await FolderObjects.open(join(folder, 'current'));
    await objects.put('a/b', bytesOf('x'));
    expect(await keysIn(objects)).toEqual(['a/b']);
    expect(await readdir(join(folder, 'real/a'))).toEqual(['b']);
  });

  it('says that the parent is missing, or a file in its place', async () => {
    const folder = await temporaryFolder();
    await expect(FolderObjects.open(join(folder, 'none/archive'))).rejects.toMatchObject({
      code: 'unavailable',
      message: `${join(folder, 'none/archive')}: ENOENT`,
    });
    await writeFile(join(folder, 'file'), 'x');
    await expect(FolderObjects.open(join(folder, 'file'))).rejects.toMatchObject({
      code: 'unavailable',
      message: `${join(folder, 'file')}: ENOTDIR`,
    });
  });

  it('works beside another process on the same folder', async () => {
    const folder = await temporaryFolder();
    const [first, second] = [await FolderObjects.open(folder), await FolderObjects.open(folder)];
    const told = await Promise.all([first, second].map((objects) => objects.put('a/b', bytesOf('x'))));
    expect(told.sort()).toEqual(['created', 'existed']);
    await expect(second.put('a/b', bytesOf('y'))).rejects.toMatchObject({ code: 'object_differs' });
  });
});

describe('a folder without permission', () => {
  it('says so, for reading and for writing', async () => {
    const folder = await temporaryFolder();
    await asOrdinaryUser(folder, async () => {
      const objects = await FolderObjects.open(folder);
      await objects.put('t/a', bytesOf('x'));
      await objects.put('secret/a', bytesOf('x'));
      await chmod(join(folder, 't'), 0o500);
      await chmod(join(folder, 'secret'), 0o000);
      const denied = (key: string) => ({
        code: 'unavailable',
        message: `${join(folder, key)}: not permitted (EACCES): check the folder's permissions`,
        cause: expect.objectContaining({ code: 'EACCES' }),
      });
      await expect(objects.put('t/b', bytesOf('x'))).rejects.toMatchObject(denied('t/b'));
      await expect(objects.replace('t/a', bytesOf('y'))).rejects.toMatchObject(denied('t/a'));
      expect(await objects.get('t/a')).toEqual(bytesOf('x'));
      await expect(objects.get('secret/a')).rejects.toMatchObject(denied('secret/a'));
      await expect(keysIn(objects)).rejects.toMatchObject({ code: 'unavailable' });
      expect(await readdir(join(folder, UNFINISHED))).toEqual([]);
      await chmod(join(folder, UNFINISHED), 0o500);
      await expect(objects.put('b', bytesOf('x'))).rejects.toMatchObject(denied('b'));
      await chmod(join(folder, 'secret'), 0o700);
    });
  });
});

describe('what someone planted', () => {
  const planted = async () => {
    const folder = await temporaryFolder();
    const outside = await temporaryFolder();
    await writeFile(join(outside, 'a'), 'outside');
    const objects = await FolderObjects.open(folder);
    await objects.put('t/a', bytesOf('inside'));
    return { folder, outside, objects };
  };

  it('a link in the place of an object is named, not followed', async () => {
    const { folder, outside, objects } = await planted();
    await symlink(join(outside, 'a'), join(folder, 't/b'));
    const isLink = {
      code: 'store_corrupt',
      message: expect.stringContaining(`${join(folder, 't/b')} is a symbolic link`),
    };
    await expect(objects.get('t/b')).rejects.toMatchObject(isLink);
    await expect(objects.getVersion('t/b', 'null')).rejects.toMatchObject(isLink);
    await expect(objects.put('t/b', bytesOf('outside'))).rejects.toMatchObject(isLink);
    await expect(objects.replace('t/b', bytesOf('x'))).rejects.toMatchObject(isLink);
    expect(await keysIn(objects)).toEqual(['t/a', 't/b']);
    expect(execFileSync('cat', [join(outside, 'a')], { encoding: 'utf8' })).toBe('outside');
  });

  it('a link in the place of a folder is named, not followed, and listed but not entered', async () => {
    const { folder, outside, objects } = await planted();
    await rename(join(folder, 't'), join(folder, 'old'));
    await symlink(outside, join(folder, 't'));
    await symlink('..', join(folder, 'old/loop'));
    const isLink = {
      code: 'store_corrupt',
      message: expect.stringContaining(`${join(folder, 't')} is a symbolic link`),
    };
    await expect(objects.get('t/a')).rejects.toMatchObject(isLink);
    await expect(objects.put('t/b', bytesOf('x'))).rejects.toMatchObject(isLink);
    await expect(objects.put('t/new/b', bytesOf('x'))).rejects.toMatchObject(isLink);
    await expect(objects.replace('t/a', bytesOf('x'))).rejects.toMatchObject(isLink);
    await expect(keysIn(objects, 't/')).rejects.toMatchObject(isLink);
    expect(await keysIn(objects)).toEqual(['old/a', 'old/loop', 't']);
    expect(await readdir(outside)).toEqual(['a']);
    const reopened = await FolderObjects.open(folder);
    await expect(reopened.put('t/new/b', bytesOf('x'))).rejects.toMatchObject(isLink);
    expect(await readdir(outside)).toEqual(['a']);
  });

  it('a link in the place of the folder for unfinished writes stops writes, and the next start', async () => {
    const { folder, outside, objects } = await planted();
    await rm(join(folder, UNFINISHED), { recursive: true });
    await symlink(outside, join(folder, UNFINISHED));
    const isLink = {
      code: 'store_corrupt',
      message: expect.stringContaining(`${join(folder, UNFINISHED)} is a symbolic link`),
    };
    await expect(objects.put('t/b', bytesOf('x'))).rejects.toMatchObject(isLink);
    await expect(objects.replace('t/a', bytesOf('x'))).rejects.toMatchObject(isLink);
    await expect(FolderObjects.open(folder)).rejects.toMatchObject(isLink);
    expect(await objects.get('t/a')).toEqual(bytesOf('inside'));
    expect(await readdir(outside)).toEqual(['a']);
  });

  it('a pipe or a socket does not stop the reader', async () => {
    const { folder, objects } = await planted();
    execFileSync('mkfifo', [join(folder, 't/pipe')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 't/socket'), resolve));
    onTestFinished(() => void server.close());
    for (const key of ['t/pipe', 't/socket']) {
      await expect(objects.get(key)).rejects.toMatchObject({
        code: 'store_corrupt',
        message: `${join(folder, key)} is a special file and not an object`,
      });
    }
    expect(await keysIn(objects)).toEqual(['t/a', 't/pipe', 't/socket']);
  });

  it('a file too large to read is refused, not loaded', async () => {
    const { folder, objects } = await planted();
    await writeFile(join(folder, 't/huge'), '');
    await truncate(join(folder, 't/huge'), 3 * 2 ** 30);
    expect(await Array.fromAsync(objects.list('t/h'))).toEqual([{ key: 't/huge', size: 3 * 2 ** 30 }]);
    await expect(objects.get('t/huge')).rejects.toMatchObject({
      code: 'store_corrupt',
      message: `${join(folder, 't/huge')} is larger than any object can be`,
    });
  });

  it('names that no object can have are listed, wherever they sort, and cannot be read', async () => {
    const { folder, objects } = await planted();
    await mkdir(join(folder, 't/no folder/x'), { recursive: true });
    await writeFile(join(folder, 't/no folder/x/y'), '');
    await writeFile(join(folder, 't/~hidden'), '12');
    await writeFile(join(folder, 't/.DS_Store'), '1');
    await writeFile(join(folder, 't/é'), '1');
    await writeFile(Buffer.concat([Buffer.from(join(folder, 't/x')), Buffer.of(0xff)]), '1');
    expect(await keysIn(objects)).toEqual(['t/.DS_Store', 't/a', 't/no folder', 't/x\ufffd', 't/~hidden', 't/é']);
    for (const key of ['t/no folder', 't/~hidden', 't/é', 't/x\ufffd']) {
      await expect(objects.get(key)).rejects.toThrow(RangeError);
    }
    expect((await Array.fromAsync(objects.versions('t/x'))).map(({ key }) => key)).toEqual(['t/x\ufffd']);
  });
});
