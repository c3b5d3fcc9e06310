import { open } from 'node:fs/promises';

/** Makes the names in a folder survive a crash of the machine: fsync of a file covers its bytes, not its name. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
