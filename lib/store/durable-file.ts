import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Writes a new file whose bytes survive a crash once this resolves. Its name may not: for that its folder needs
 * {@link syncFolder}.
 *
 * @param mode permission bits; the process's umask may take some away.
 */
export async function writeSynced(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const handle = await open(path, 'wx', mode);
  await closing(handle, async () => {
    await handle.writeFile(bytes);
    await handle.sync();
  });
}

/** Makes the names in a folder survive a crash of the machine: fsync of a file keeps its bytes, not its name. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  await closing(handle, () => handle.sync());
}

/** Runs work on a handle and closes it, whatever happens. */
export async function closing<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await handle.close();
  }
}
