import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a new file whose bytes survive a crash once this resolves. For its name to survive as well, call
 * {@link syncFolder} on its folder.
 *
 * @param mode permission bits, further limited by the umask.
 */
export async function writeSynced(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  await closing(handle, async () => {
    await handle.writeFile(bytes);
    await handle.sync();
  });
}

/**
 * Writes or replaces a file atomically. Once this resolves, it survives a crash of the machine; a crash before that
 * leaves the old file. Only one process may write a file at a time.
 *
 * @param mode permission bits, further limited by the umask.
 */
export async function replaceFile(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const beside = `${path}.new`;
  await rm(beside, { force: true }); // left by a crash
  await writeSynced(beside, bytes, mode);
  await rename(beside, path);
  await syncFolder(dirname(path));
}

/** Makes the names in a folder survive a crash of the machine: fsync of a file covers its bytes, not its name. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  await closing(handle, () => handle.sync());
}

/** Runs work on a handle, then closes it in any case. */
export async function closing<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await handle.close();
  }
}
