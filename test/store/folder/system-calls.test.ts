import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { FolderObjects, UNFINISHED } from '../../../lib/store/folder/objects.ts';
import { bytesOf } from '../objects.contract.ts';
import { temporaryFolder } from '../temporary.ts';

/** The system calls that the driver made through `node:fs/promises`, and which of them is to fail. */
const system = vi.hoisted(() => ({
  calls: [] as string[],
  failAt: 0,
  failWith: 'EIO',
  /** Counts a call and fails it if its turn has come. */
  enter(call: string): void {
    this.calls.push(call);
    if (this.calls.length !== this.failAt) return;
    throw Object.assign(new Error(`${this.failWith}: planned`), { code: this.failWith });
  },
}));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const wrapped: Record<string, unknown> = { ...real };
  for (const name of ['mkdir', 'link', 'rename', 'unlink', 'lstat', 'realpath', 'readdir', 'rm'] as const) {
    // The arguments and the result are passed through as they are.
    const call = real[name] as (...args: unknown[]) => Promise<unknown>;
    wrapped[name] = async (...args: unknown[]) => {
      system.enter(`${name} ${args.slice(0, 2).map(nameOf).join(' ').trim()}`);
      return call(...args);
    };
  }
  wrapped.open = async (...args: Parameters<typeof real.open>) => {
    const name = nameOf(args[0]);
    system.enter(`open ${name}`);
    const handle = await real.open(...args);
    return {
      writeFile: async (bytes: Uint8Array) => {
        // A disk fills up in the middle of a write.
        await handle.writeFile(bytes.subarray(0, 1));
        system.enter(`write ${name}`);
        await handle.writeFile(bytes.subarray(1));
      },
      sync: async () => {
        system.enter(`sync ${name}`);
        await handle.sync();
      },
      close: () => handle.close(),
    };
  };
  return wrapped;
});

/** The last segment of a path; `tmp` for the random names of unfinished writes. */
function nameOf(path: unknown): string {
  if (typeof path !== 'string') return '';
  return /[0-9a-f-]{36}$/.test(path) ? 'tmp' : basename(path);
}

/** Runs work with the nth system call failing; 0: none. @returns the calls made and the error's code. */
async function run(work: () => Promise<unknown>, failAt = 0, failWith = 'EIO') {
  Object.assign(system, { calls: [], failAt, failWith });
  const told = await work().then(
    () => 'ok',
    (error) => error.code,
  );
  const { calls } = system;
  Object.assign(system, { calls: [], failAt: 0 });
  return { told, calls };
}

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
