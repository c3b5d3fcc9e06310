import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { closing, syncFolder } from '../durable-file.ts';
import { checkObjectKey, checkObjectPrefix } from '../object-key.ts';
import type { Downloads, DownloadWriter } from '../ports.ts';
import { folderError } from './failure.ts';
import { DurableFolders, linkError, makeFolder } from './folders.ts';
import { UNFINISHED } from './holding.ts';
import { checkNoLink, statsOf } from './reading.ts';

/** Only the owner reads what was exported: whoever may have it gets it from the server. */
const OWNER_ONLY = 0o600;
/** Bytes that are read at a time. */
const READ_BYTES = 262_144;

/** A finished file. */
export interface OpenDownload {
  readonly bytes: number;
  /** From its beginning. Nothing is open before the first chunk is asked for, or after the last. */
  chunks(): AsyncGenerator<Uint8Array, void, void>;
}

/** Downloads as files in a folder, which one process may use at a time. */
export class FolderDownloads implements Downloads {
  readonly #root: string;
  readonly #folders: DurableFolders;

  private constructor(root: string) {
    this.#root = root;
    this.#folders = new DurableFolders(root);
  }

  /**
   * Opens a folder, which is made where it is missing, and removes what a crash left unfinished.
   *
   * @throws `unavailable`, `store_full`
   */
  static async open(dir: string): Promise<FolderDownloads> {
    const path = resolve(dir);
    return attempt(path, async () => {
      await makeFolder(path);
      const root = await realpath(path);
      await rm(join(root, UNFINISHED), { recursive: true, force: true });
      return new FolderDownloads(root);
    });
  }

  async create(key: string): Promise<DownloadWriter> {
    checkObjectKey(key);
    const unfinished = join(this.#root, UNFINISHED, randomUUID());
    return attempt(unfinished, async () => {
      await this.#folders.ensure(dirname(unfinished));
      const handle = await open(unfinished, 'wx', OWNER_ONLY);
      return new FileWriter(handle, unfinished, () => this.#publish(key, unfinished));
    });
  }

  async remove(prefix: string): Promise<void> {
    checkObjectPrefix(prefix);
    if (!prefix.endsWith('/')) throw new RangeError(`not a folder of files: ${prefix}`);
    const path = join(this.#root, prefix);
    await attempt(path, async () => {
      checkNoLink(this.#root, prefix);
      await rm(path, { recursive: true, force: true });
      this.#folders.forget(path.slice(0, -1));
    });
  }

  /** A finished file; undefined where there is none. @throws `store_corrupt` for a symbolic link, `unavailable` */
  async read(key: string): Promise<OpenDownload | undefined> {
    checkObjectKey(key);
    const path = join(this.#root, key);
    return attempt(path, async () => {
      checkNoLink(this.#root, key);
      const stats = statsOf(path);
      if (stats?.isSymbolicLink()) throw linkError(path);
      return stats?.isFile() ? { bytes: stats.size, chunks: () => chunksOf(path) } : undefined;
    });
  }

  async #publish(key: string, unfinished: string): Promise<void> {
    const path = join(this.#root, key);
    checkNoLink(this.#root, key);
    await this.#folders.ensure(dirname(path));
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  }
}

class FileWriter implements DownloadWriter {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #publish: () => Promise<void>;
  #isOpen = true;

  constructor(handle: FileHandle, path: string, publish: () => Promise<void>) {
    this.#handle = handle;
    this.#path = path;
    this.#publish = publish;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await attempt(this.#path, () => this.#handle.writeFile(bytes));
  }

  async finish(): Promise<void> {
    await attempt(this.#path, async () => {
      this.#isOpen = false;
      await closing(this.#handle, () => this.#handle.sync());
      await this.#publish();
    });
  }

  async abandon(): Promise<void> {
    await attempt(this.#path, async () => {
      if (this.#isOpen) await this.#handle.close();
      this.#isOpen = false;
      await rm(this.#path, { force: true });
    });
  }
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array, void, void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw folderError(error, path);
  }
}
