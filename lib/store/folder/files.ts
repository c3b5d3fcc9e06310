import { randomUUID } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { open, realpath, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SealtrailError } from '../../log/error.ts';
import { syncFolder } from '../durable-file.ts';
import { checkByteRange, checkDownloadFolder, checkObjectKey } from '../object-key.ts';
import type { DownloadWriter, Files, ObjectEntry } from '../ports.ts';
import { absent } from '../system-error.ts';
import { attempt } from './failure.ts';
import { FileWriter } from './file-writer.ts';
import { DurableFolders, linkError, makeFolder } from './folders.ts';
import { UNFINISHED } from './holding.ts';
import { checkNoLink, statsOf } from './reading.ts';
import { walk } from './walk.ts';

/** Only the owner of the process reads the files. */
const OWNER_ONLY = 0o600;
/** Reads between yields to the event loop: one takes about 20 microseconds. */
const TURN = 32;

/**
 * Files in a folder, used by one process at a time.
 *
 * @example
 * const files = await FolderFiles.open('data/index');
 */
export class FolderFiles implements Files {
  readonly #root: string;
  readonly #folders: DurableFolders;
  #reads = 0;

  private constructor(root: string) {
    this.#root = root;
    this.#folders = new DurableFolders(root);
  }

  /**
   * Opens a folder, creating it if necessary, and removes files that a crash left unfinished.
   *
   * @throws `unavailable`, `store_full`
   */
  static async open(dir: string): Promise<FolderFiles> {
    const path = resolve(dir);
    return attempt(path, async () => {
      await makeFolder(path);
      const root = await realpath(path);
      await rm(join(root, UNFINISHED), { recursive: true, force: true });
      return new FolderFiles(root);
    });
  }

  /**
   * The same for another thread of the process that has the folder open: what lies unfinished there is being written.
   *
   * @throws `unavailable`, `store_full`
   */
  static async join(dir: string): Promise<FolderFiles> {
    const path = resolve(dir);
    return attempt(path, async () => new FolderFiles(await realpath(path)));
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

  async read(key: string, from: number, length: number): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    checkByteRange(from, length);
    const path = join(this.#root, key);
    return attempt(path, async () => {
      if (++this.#reads % TURN === 0) await turn();
      checkNoLink(this.#root, key);
      return readRange(path, from, length);
    });
  }

  async *list(prefix: string): AsyncIterable<ObjectEntry> {
    checkDownloadFolder(prefix);
    checkNoLink(this.#root, prefix);
    const limits = { prefix, after: '', skip: [UNFINISHED] };
    for await (const { key, size } of walk(this.#root, limits)) yield { key, size };
  }

  async remove(key: string): Promise<void> {
    checkObjectKey(key);
    const path = join(this.#root, key);
    await attempt(path, async () => {
      checkNoLink(this.#root, key);
      await unlink(path).catch(absent);
    });
  }

  async #publish(key: string, unfinished: string): Promise<void> {
    const path = join(this.#root, key);
    checkNoLink(this.#root, key);
    await this.#folders.ensure(dirname(path));
    const standing = statsOf(path);
    if (standing?.isSymbolicLink()) throw linkError(path);
    if (standing?.isDirectory()) throw new SealtrailError('object_differs', `${key} is a folder of other files`);
    await rename(unfinished, path);
    await syncFolder(dirname(path));
  }
}

/** @throws SealtrailError `store_corrupt` for a special file; the system's error for a link */
function readRange(path: string, from: number, length: number): Uint8Array | undefined {
  const descriptor = opened(path);
  if (descriptor === undefined) return undefined;
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) return undefined;
    if (!stats.isFile()) throw new SealtrailError('store_corrupt', `${path} is a special file`);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, stats.size - from)));
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(descriptor, bytes, done, bytes.length - done, from + done);
      if (read === 0) return bytes.subarray(0, done);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

function opened(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return absent(error);
  }
}
