import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { checkObjectKey, checkObjectPrefix } from '../object-key.ts';
import type { ObjectEntry, Objects, ObjectVersion, Retention } from '../ports.ts';
import { closing, DurableFolders, syncFolder, writeSynced } from './durable.ts';
import { folderError, systemCode } from './failure.ts';
import { walk } from './walk.ts';

/** The version of every object: a folder keeps only one. S3 says the same where versioning was never turned on. */
export const ONLY_VERSION = 'null';
/** Where unfinished writes stand. `~` is in no key, so that no object can get there. */
export const UNFINISHED = '~unfinished';

/**
 * Objects as read-only files in a folder; see README.md beside this file.
 *
 * @example
 * const objects = await FolderObjects.open('data/archive');
 * await objects.put('orders/checkpoints/7', bytes);
 */
export class FolderObjects implements Objects {
  readonly #root: string;
  readonly #folders: DurableFolders | undefined;
  #closed = false;

  private constructor(root: string, folders: DurableFolders | undefined) {
    this.#root = root;
    this.#folders = folders;
  }

  /**
   * Opens a folder for reading and writing, makes it where it is missing (its parent must exist) and removes what a
   * crash left unfinished.
   */
  static async open(dir: string): Promise<FolderObjects> {
    const path = resolve(dir);
    return attempt(`the folder ${path}`, async () => {
      await makeFolder(path);
      const root = await realpath(path);
      await makeFolder(join(root, UNFINISHED));
      for (const name of await readdir(join(root, UNFINISHED))) await unlink(join(root, UNFINISHED, name));
      return new FolderObjects(root, new DurableFolders(root));
    });
  }

  /**
   * Opens a folder that must exist for reading only; nothing in it is changed. `put` and `replace` throw a `RangeError`.
   *
   * @throws SealtrailError `not_found` where there is no such folder.
   */
  static async openReadOnly(dir: string): Promise<FolderObjects> {
    const path = resolve(dir);
    return attempt(`the folder ${path}`, async () => {
      const root = await realpath(path).catch(() => path);
      const stats = await lstat(root).catch(absent);
      if (!stats?.isDirectory()) throw new SealtrailError('not_found', `there is no folder ${path}`);
      return new FolderObjects(root, undefined);
    });
  }

  /** A folder cannot lock: `retention` is not kept. */
  async put(key: string, bytes: Uint8Array, _retention?: Retention): Promise<'created' | 'existed'> {
    return this.#write(key, bytes, async (unfinished, path) => {
      try {
        // link, unlike rename, does not replace what is there.
        await link(unfinished, path);
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
        await this.#compare(key, bytes);
        return 'existed';
      } finally {
        await unlink(unfinished);
      }
      return 'created';
    });
  }

  /** A folder cannot lock: `retention` is not kept. */
  async replace(key: string, bytes: Uint8Array, _retention?: Retention): Promise<void> {
    await this.#write(key, bytes, async (unfinished, path) => {
      const standing = await lstat(path).catch(absent);
      if (standing && !standing.isFile()) {
        await unlink(unfinished);
        throw notAFile(key, standing);
      }
      await rename(unfinished, path);
    });
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    this.#checkOpen();
    return attempt(`object ${key}`, () => this.#read(key));
  }

  async *list(prefix: string, options: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    for await (const { key, size } of this.#walk(prefix, options.after)) yield { key, size };
  }

  async *versions(prefix: string): AsyncIterable<ObjectVersion> {
    for await (const found of this.#walk(prefix)) {
      yield { ...found, version: ONLY_VERSION, isLatest: true, isDeleteMarker: false };
    }
  }

  async getVersion(key: string, version: string): Promise<Uint8Array | undefined> {
    const bytes = await this.get(key);
    return version === ONLY_VERSION ? bytes : undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  async *#walk(prefix: string, after = ''): AsyncGenerator<{ key: string; size: number; modifiedAt: number }> {
    checkObjectPrefix(prefix);
    this.#checkOpen();
    try {
      await this.#checkNoLink(join(this.#root, prefix.slice(0, prefix.lastIndexOf('/') + 1)));
      yield* walk(this.#root, prefix, after, UNFINISHED);
    } catch (error) {
      throw folderError(error, `the list of ${JSON.stringify(prefix)}`);
    }
  }

  /** @param publish gives the finished file its name. After it the name is made to survive a crash. */
  async #write<T>(
    key: string,
    bytes: Uint8Array,
    publish: (unfinished: string, path: string) => Promise<T>,
  ): Promise<T> {
    checkObjectKey(key);
    this.#checkOpen();
    const folders = this.#folders;
    if (!folders) throw new RangeError(`${this.#root} was opened for reading only`);
    const path = join(this.#root, key);
    const unfinished = join(this.#root, UNFINISHED, randomUUID());
    return attempt(`object ${key}`, async () => {
      await folders.ensure(dirname(path));
      await this.#checkNoLink(dirname(path));
      await writeSynced(unfinished, bytes);
      const result = await publish(unfinished, path);
      await syncFolder(dirname(path));
      return result;
    });
  }

  async #compare(key: string, bytes: Uint8Array): Promise<void> {
    const standing = await this.#read(key);
    if (standing === undefined || Buffer.compare(standing, bytes) !== 0) {
      throw new SealtrailError('object_differs', `${key} already holds other bytes`);
    }
  }

  async #read(key: string): Promise<Uint8Array | undefined> {
    const path = join(this.#root, key);
    const stats = await lstat(path).catch(absent);
    if (stats === undefined || stats.isDirectory()) return undefined;
    if (!stats.isFile()) throw notAFile(key, stats);
    await this.#checkNoLink(dirname(path));
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return closing(handle, async () => {
      if (!(await handle.stat()).isFile()) throw notAFile(key, stats);
      return new Uint8Array(await handle.readFile());
    });
  }

  /** @throws SealtrailError `store_corrupt` where a folder under the root is a link, naming it. */
  async #checkNoLink(folder: string): Promise<void> {
    const real = await realpath(folder).catch(absent);
    if (real === undefined || real === resolve(folder)) return;
    let path = resolve(folder);
    let linked = path;
    for (; path.length > this.#root.length; path = dirname(path)) {
      if ((await lstat(path)).isSymbolicLink()) linked = path;
    }
    throw new SealtrailError('store_corrupt', `${linked} is a symbolic link, which no folder of objects holds`);
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', 'the folder is closed');
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  await syncFolder(dirname(path));
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw folderError(error, what);
  }
}

/** For `catch`: what is not there is undefined. */
function absent(error: unknown): undefined {
  const code = systemCode(error);
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}

function notAFile(key: string, stats: Stats): SealtrailError {
  const what = stats.isSymbolicLink() ? 'a symbolic link' : stats.isDirectory() ? 'a folder' : 'a special file';
  return new SealtrailError('store_corrupt', `${key} is ${what} and not an object`);
}
