import { randomUUID } from 'node:crypto';
import { link, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../durable-file.ts';
import { absent } from '../system-error.ts';
import type { DurableFolders } from './folders.ts';
import { checkNoLink, statsOf } from './reading.ts';

/** Where unfinished writes stand. `~` is in no key, so that no object can get there. */
export const UNFINISHED = '~unfinished';

/** Second names of objects under legal hold, by which their bytes outlive the removal of the first. */
export const HELD = '~held';

/**
 * Gives a file its second name, or takes it away. Durable when it resolves; a crash before that leaves one or the other.
 * Where there is no file, there is nothing to hold, and what was held stays.
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
    // Over the name of an earlier file, too: the newest checkpoint is replaced now and then.
    await rename(unfinished, held);
    await syncFolder(dirname(held));
  } finally {
    await unlink(unfinished).catch(absent);
  }
}
