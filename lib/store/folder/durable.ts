import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './failure.ts';

/** Makes the names in a folder survive a crash of the machine: fsync of a file keeps its bytes, not its name. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  await closing(handle, () => handle.sync());
}

/** Writes a new file, read-only for everybody, whose bytes survive a crash once this resolves; its name may not. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o444);
  await closing(handle, async () => {
    await handle.writeFile(bytes);
    await handle.sync();
  });
}

/** Runs work on a handle and closes it, whatever happens. */
export async function closing<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await handle.close();
  }
}

/**
 * Folders whose names are known to survive a crash, each made or confirmed once. One that was found is confirmed as
 * well: whoever made it may have crashed before the name was on disk.
 */
export class DurableFolders {
  readonly #root: string;
  readonly #known = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes a folder under the root where it is missing, and its parents. */
  ensure(path: string): Promise<void> {
    if (path === this.#root) return Promise.resolve();
    const known = this.#known.get(path);
    if (known) return known;
    const made = this.#make(path).catch((error: unknown) => {
      this.#known.delete(path);
      throw error;
    });
    this.#known.set(path, made);
    return made;
  }

  /** Forgets a folder that turned out to be gone, and so everything above it. */
  forget(path: string): void {
    for (let folder = path; folder.length > this.#root.length; folder = dirname(folder)) this.#known.delete(folder);
  }

  async #make(path: string): Promise<void> {
    const parent = dirname(path);
    await this.ensure(parent);
    try {
      await mkdir(path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    await syncFolder(parent);
  }
}
