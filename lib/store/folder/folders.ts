import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { syncFolder } from '../durable-file.ts';
import { systemCode } from '../system-error.ts';

/** Creates a folder if it is missing; its name survives a crash once this resolves. */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  // Synced even if it existed: its creator may have crashed before its name was on disk.
  await syncFolder(dirname(path));
}

/**
 * The folders under a root whose names are known to survive a crash. Each is created or confirmed once per process, so a
 * put pays no fsync for folders that earlier ones made.
 */
export class DurableFolders {
  readonly #root: string;
  readonly #known = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Creates a folder under the root, and its parents, if missing.
   *
   * @throws SealtrailError `store_corrupt` if a symbolic link is in its place, `object_differs` if an object is.
   */
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

  /** Forgets a folder that has disappeared, and its parents, so that the next `ensure` creates them again. */
  forget(path: string): void {
    for (let folder = path; folder.length > this.#root.length; folder = dirname(folder)) this.#known.delete(folder);
  }

  async #make(path: string): Promise<void> {
    await this.ensure(dirname(path));
    await makeFolder(path);
    const stats = await lstat(path);
    if (stats.isDirectory()) return;
    if (stats.isSymbolicLink()) throw linkError(path);
    throw new SealtrailError('object_differs', `${path} is an object, so no object can be stored below it`);
  }
}

/** The error for a symbolic link, which could make the store read or write anywhere. */
export function linkError(path: string): SealtrailError {
  return new SealtrailError('store_corrupt', `${path} is a symbolic link, which no folder of objects holds: remove it`);
}
