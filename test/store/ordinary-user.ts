import { chown } from 'node:fs/promises';

/** `nobody` on Linux and, near enough, elsewhere. */
const NOBODY = 65_534;

/**
 * Runs work as a user to whom permissions apply: root may write everywhere. The folder is given to that user first.
 */
export async function asOrdinaryUser<T>(folder: string, work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0 || !process.seteuid) return work();
  await chown(folder, NOBODY, NOBODY);
  process.seteuid(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid(0);
  }
}
