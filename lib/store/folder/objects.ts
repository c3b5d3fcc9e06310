import { randomUUID } from 'node:crypto';
import { link, lstat, readdir, realpath, rename, rm, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { SealtrailError } from '../../log/error.ts';
import { syncFolder, writeSynced } from '../durable-file.ts';
import { checkObjectKey, checkObjectPrefix } from '../object-key.ts';
import type { Leftover, ObjectEntry, Objects, ObjectVersion, Retention } from '../ports.ts';
import { absent, systemCode } from '../system-error.ts';
import { attempt, folderError } from './failure.ts';
import { DurableFolders, linkError, makeFolder } from './folders.ts';
import { HELD, holdFile, UNFINISHED } from './holding.ts';
import { leftoversIn } from './leftovers.ts';
import { checkNoLink, readObject, statsOf } from './reading.ts';
import { type Found, walk } from './walk.ts';

/** The version of every object, since a folder keeps only one. S3 uses the same in buckets without versioning. */
const ONLY_VERSION = 'null';

/** Objects never change: the folder's nearest equivalent of a lock. */
const READ_ONLY = 0o444;

/**
 * Objects as read-only files in a folder. README.md beside this file says what that guarantees.
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
   * Opens a folder for reading and writing. Creates it if it is missing (its parent must exist) and removes files that a
   * crash left unfinished.
   *
   * @throws SealtrailError `unavailable` if the folder cannot be created or written, `store_full`.
   */
  static async open(dir: string): Promise<FolderObjects> {
    const path = resolve(dir);
    return attempt(path, async () => {
      await makeFolder(path);
      const root = await realpath(path);
      const folders = new DurableFolders(root);
      const unfinished = join(root, UNFINISHED);
      await folders.ensure(unfinished);
      for (const name of await readdir(unfinished)) await rm(join(unfinished, name), { recursive: true, force: true });
      return new FolderObjects(root, folders);
    });
  }

  /**
   * Opens an existing folder for reading only: nothing in it is created, removed or changed, and `put` and `replace` throw
   * a `RangeError`.
   *
   * @throws SealtrailError `not_found` if there is no such folder, `unavailable` if it cannot be read.
   */
  static async openReadOnly(dir: string): Promise<FolderObjects> {
    const path = resolve(dir);
    return attempt(path, async () => {
      const root = await realpath(path).catch(absent);
      if (root === undefined || !(await lstat(root)).isDirectory()) {
        throw new SealtrailError('not_found', `there is no folder ${path}`);
      }
      return new FolderObjects(root, undefined);
    });
  }

  /** A folder cannot lock, so only the legal hold of `retention` takes effect. */
  async put(key: string, bytes: Uint8Array, retention?: Retention): Promise<'created' | 'existed'> {
    const stored = await this.#write(key, bytes, async (unfinished, path) => {
      try {
        // Unlike rename, link never replaces an existing file.
        await link(unfinished, path);
        return 'created';
      } catch (error) {
        if (systemCode(error) !== 'EEXIST') throw error;
        this.#compare(key, bytes);
        return 'existed';
      }
    });
    // After a crash between the two, the retried put adds the hold.
    if (retention?.isHeld === true) await this.hold(key, ONLY_VERSION, true);
    return stored;
  }

  /** As for {@link put}. */
  async replace(key: string, bytes: Uint8Array, retention?: Retention): Promise<void> {
    await this.#write(key, bytes, async (unfinished, path) => {
      const standing = statsOf(path);
      if (standing?.isSymbolicLink()) throw linkError(path);
      if (standing && !standing.isFile()) throw taken(key);
      await rename(unfinished, path);
    });
    if (retention?.isHeld === true) await this.hold(key, ONLY_VERSION, true);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    this.#checkOpen();
    return attempt(join(this.#root, key), async () => {
      // Reading is synchronous: yield, so that reading a thousand objects does not block others.
      await turn();
      return readObject(this.#root, key);
    });
  }

  async *list(prefix: string, options: { readonly after?: string } = {}): AsyncIterable<ObjectEntry> {
    for await (const { key, size } of this.#walk(prefix, options.after)) yield { key, size };
  }

  async *versions(prefix: string, options: { readonly after?: string } = {}): AsyncIterable<ObjectVersion> {
    for await (const found of this.#walk(prefix, options.after)) {
      yield { ...found, version: ONLY_VERSION, isLatest: true, isDeleteMarker: false };
    }
  }

  async getVersion(key: string, version: string): Promise<Uint8Array | undefined> {
    const bytes = await this.get(key);
    return version === ONLY_VERSION ? bytes : undefined;
  }

  /**
   * Gives an object a second name under `~held`, or removes it. Removing the object's file then removes a name and not the
   * bytes: `ln` restores it.
   */
  async hold(key: string, version: string, isHeld: boolean): Promise<void> {
    checkObjectKey(key);
    this.#checkOpen();
    if (version !== ONLY_VERSION) return;
    const folders = this.#writable();
    await attempt(join(this.#root, key), () => holdFile(this.#root, folders, key, isHeld));
  }

  async isHeld(key: string, version: string): Promise<boolean> {
    checkObjectKey(key);
    this.#checkOpen();
    const [standing, held] = [key, `${HELD}/${key}`].map((name) => statsOf(join(this.#root, name)));
    return version === ONLY_VERSION && standing !== undefined && held?.ino === standing.ino;
  }

  async *leftovers(): AsyncIterable<Leftover> {
    this.#checkOpen();
    yield* leftoversIn(this.#root);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #writable(): DurableFolders {
    if (!this.#folders) throw new RangeError(`${this.#root} was opened for reading only`);
    return this.#folders;
  }

  async *#walk(prefix: string, after = ''): AsyncGenerator<Found> {
    checkObjectPrefix(prefix);
    this.#checkOpen();
    try {
      checkNoLink(this.#root, prefix);
      yield* walk(this.#root, { prefix, after, skip: [UNFINISHED, HELD] });
    } catch (error) {
      throw folderError(error, join(this.#root, prefix));
    }
  }

  /**
   * Writes the whole object under a name that no key can have, then lets `publish` give it its own. A crash before that
   * leaves a file that the next `open` removes; a crash after it leaves the object, whose name survives once the folder is
   * synced.
   */
  async #write<T>(
    key: string,
    bytes: Uint8Array,
    publish: (unfinished: string, path: string) => Promise<T>,
  ): Promise<T> {
    checkObjectKey(key);
    this.#checkOpen();
    const folders = this.#writable();
    const path = join(this.#root, key);
    const unfinished = join(this.#root, UNFINISHED, randomUUID());
    return attempt(path, async () => {
      try {
        for (const name of [key, `${UNFINISHED}/`]) checkNoLink(this.#root, name);
        await folders.ensure(dirname(unfinished));
        await folders.ensure(dirname(path));
        await writeSynced(unfinished, bytes, READ_ONLY);
        const result = await publish(unfinished, path);
        await syncFolder(dirname(path));
        return result;
      } catch (error) {
        // A folder disappeared meanwhile: the next attempt creates it again.
        if (systemCode(error) === 'ENOENT') {
          folders.forget(dirname(path));
          folders.forget(dirname(unfinished));
        }
        throw error;
      } finally {
        await unlink(unfinished).catch(absent);
      }
    });
  }

  #compare(key: string, bytes: Uint8Array): void {
    const standing = readObject(this.#root, key);
    if (standing === undefined) throw taken(key);
    if (Buffer.compare(standing, bytes) !== 0) {
      throw new SealtrailError('object_differs', `${key} already holds other bytes`);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealtrailError('unavailable', 'the folder is closed');
  }
}

function taken(key: string): SealtrailError {
  return new SealtrailError('object_differs', `${key} is a folder of other objects`);
}
