import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { UNFINISHED } from '../../../lib/store/folder/holding.ts';
import { FolderObjects } from '../../../lib/store/folder/objects.ts';
import { bytesOf } from '../../../lib/testing/contracts/objects-driver.ts';
import { run } from '../system-calls.ts';
import { temporaryFolder } from '../temporary.ts';

// Imported in the factory, which runs before the imports above are there.
vi.mock('node:fs/promises', async (importOriginal) =>
  (await import('../system-calls.ts')).recorded(await importOriginal()),
);

describe('what is on disk when a write is acknowledged', () => {
  it('put: the bytes before the name, the name before the answer, and each new folder in the one above it', async () => {
    const root = join(await temporaryFolder(), 'root');
    const objects = await FolderObjects.open(root);
    const { told, calls } = await run(() => objects.put('a/b/c', bytesOf('xyz')));
    expect(told).toBe('ok');
    expect(calls).toEqual([
      'mkdir a',
      'open root',
      'sync root',
      'lstat a',
      'mkdir b',
      'open a',
      'sync a',
      'lstat b',
      'open tmp',
      'write tmp',
      'sync tmp',
      'link tmp c',
      'open b',
      'sync b',
      'unlink tmp',
    ]);
    const next = await run(() => objects.put('a/b/d', bytesOf('xyz')));
    expect(next.calls).toEqual(['open tmp', 'write tmp', 'sync tmp', 'link tmp d', 'open b', 'sync b', 'unlink tmp']);
  });

  it('put of what exists: the name as well, since a crash may have come before it was on disk', async () => {
    const objects = await FolderObjects.open(join(await temporaryFolder(), 'root'));
    await objects.put('a/b', bytesOf('xyz'));
    const { calls } = await run(() => objects.put('a/b', bytesOf('xyz')));
    expect(calls.slice(-4)).toEqual(['link tmp b', 'open a', 'sync a', 'unlink tmp']);
  });

  it('replace: the bytes before the new name, the name before the answer', async () => {
    const objects = await FolderObjects.open(join(await temporaryFolder(), 'root'));
    await objects.replace('a/b', bytesOf('old'));
    const { calls } = await run(() => objects.replace('a/b', bytesOf('new')));
    expect(calls).toEqual(['open tmp', 'write tmp', 'sync tmp', 'rename tmp b', 'open a', 'sync a', 'unlink tmp']);
  });

  it('opening: the root and the folder for unfinished writes', async () => {
    const { calls } = await run(async () => FolderObjects.open(join(await temporaryFolder(), 'root')));
    expect(calls.filter((call) => /mkdir|sync/.test(call)).slice(0, 4)).toEqual([
      'mkdir root',
      expect.stringMatching(/^sync sealtrail-/),
      `mkdir ${UNFINISHED}`,
      'sync root',
    ]);
  });
});

describe('a system call that fails', () => {
  const writes = {
    put: (objects: FolderObjects) => objects.put('a/b/c', bytesOf('xyz')),
    replace: (objects: FolderObjects) => objects.replace('a/b/c', bytesOf('xyz')),
  };
  it.each([
    ['put', 'EIO', 'unavailable'],
    ['put', 'ENOSPC', 'store_full'],
    ['replace', 'EIO', 'unavailable'],
    ['replace', 'EDQUOT', 'store_full'],
  ] as const)(
    'of a %s, any one, with %s, gives %s and leaves all or nothing; the next try succeeds',
    async (name, fault, code) => {
      let failAt = 1;
      for (; ; failAt++) {
        const root = join(await temporaryFolder(), 'root');
        const objects = await FolderObjects.open(root);
        const { told, calls } = await run(() => writes[name](objects), failAt, fault);
        if (failAt > calls.length) break;
        const at = `failing at ${calls.at(failAt - 1)}`;
        expect([at, told]).toEqual([at, code]);
        expect([undefined, bytesOf('xyz')]).toContainEqual(await objects.get('a/b/c'));
        await writes[name](objects);
        expect(await objects.get('a/b/c')).toEqual(bytesOf('xyz'));
        const reopened = await FolderObjects.open(root);
        expect(await Array.fromAsync(reopened.list(''))).toEqual([{ key: 'a/b/c', size: 3 }]);
        expect(await readdir(join(root, UNFINISHED))).toEqual([]);
      }
      expect(failAt).toBeGreaterThan(14);
    },
  );

  it('of opening, any one, is told, and the next try succeeds', async () => {
    let failAt = 1;
    for (; ; failAt++) {
      const root = join(await temporaryFolder(), 'root');
      await mkdir(join(root, UNFINISHED), { recursive: true });
      await mkdir(join(root, UNFINISHED, 'left'));
      const { told, calls } = await run(() => FolderObjects.open(root), failAt);
      if (failAt > calls.length) break;
      expect(told).toBe('unavailable');
      expect(await Array.fromAsync((await FolderObjects.open(root)).list(''))).toEqual([]);
      expect(await readdir(join(root, UNFINISHED))).toEqual([]);
    }
    expect(failAt).toBeGreaterThan(8);
  });
});
