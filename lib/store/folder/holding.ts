import { randomUUID } from 'node:crypto';
import { link, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../durable-file.ts';
import { absent } from '../system-error.ts';
import type { DurableFolders } from './folders.ts';
import { checkNoLink, statsOf } from './reading.ts';

/** The folder of unfinished writes. No key contains `~`, so no object can be stored there. */
export const UNFINISHED = '~unfinished';

/** The folder of second names of objects under legal hold, which keep their bytes if the first name is removed. */
export const HELD = '~held';

/**
 * Gives a file its second name, or removes it. Durable once this resolves; a crash before that leaves either state. Without
 * a file there is nothing to hold, and an existing second name stays.
 */
export async function holdFile(root: string, folders: DurableFolders, key: string, isHeld: boolean): Promise<void> {
  const [path, held] = [join(root, key), join(root, HELD, key)];
  for (const name of [key, `${HELD}/${key}`]) checkNoLink(root, name);
  const standing = statsOf(path);
  if (!isHeld) {
    await unlink(held).catch(absent);
    if (statsOf(dirname(held)) !== undefined) await syncFolder(dirname(held));
    return;
  }
  if (standing === undefined || !standing.isFile() || statsOf(held)?.ino === standing.ino) return;
  const unfinished = join(root, UNFINISHED, randomUUID());
  await folders.ensure(dirname(unfinished));
  await folders.ensure(dirname(held));
  try {
    await link(path, unfinished);
    // Also replaces the name of an earlier file: the newest checkpoint is overwritten now and then.
    await rename(unfinished, held);
    await syncFolder(dirname(held));
  } finally {
    await unlink(unfinished).catch(absent);
  }
}
