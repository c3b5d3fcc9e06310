import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isSegment } from '../object-key.ts';
import { systemCode } from '../system-error.ts';

/** Something that stands in the folder. */
export interface Found {
  readonly key: string;
  readonly size: number;
  /** Unix milliseconds. */
  readonly modifiedAt: number;
}

/** Where a name that is not UTF-8 was decoded. */
const UNDECODABLE = '\ufffd';

/**
 * Yields what stands under a folder, in ascending order of the key's bytes, one folder's names in memory at a time.
 * Links and special files, and names that no object can have, are yielded as they stand and not entered or followed.
 *
 * @param skip names at the top that are not part of the store.
 */
export async function* walk(root: string, prefix: string, after: string, skip: string): AsyncGenerator<Found> {
  const slash = prefix.lastIndexOf('/');
  yield* walkFolder(root, prefix.slice(0, slash + 1), { prefix, after, skip });
}

interface Limits {
  readonly prefix: string;
  readonly after: string;
  readonly skip: string;
}

/** @param base the folder's key with its final slash; empty for the root. */
async function* walkFolder(root: string, base: string, limits: Limits): AsyncGenerator<Found> {
  for (const { name, isFolder } of await namesIn(join(root, base))) {
    const key = base + name;
    if (key === limits.skip) continue;
    if (isFolder && isSegment(name)) {
      const inside = `${key}/`;
      const mayMatch = inside.startsWith(limits.prefix) || limits.prefix.startsWith(inside);
      const mayFollow = inside > limits.after || limits.after.startsWith(inside);
      if (mayMatch && mayFollow) yield* walkFolder(root, inside, limits);
    } else if (key.startsWith(limits.prefix) && key > limits.after) {
      const found = await describe(root, key);
      if (found) yield found;
    }
  }
}

interface Name {
  readonly name: string;
  readonly isFolder: boolean;
}

async function namesIn(folder: string): Promise<Name[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown): Dirent[] => {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  });
  const sorted = entries.map((entry) => {
    const isFolder = entry.isDirectory();
    // A folder sorts as the keys in it do: `a-b` comes before `a/b`, since '-' is before '/'.
    return { name: entry.name, isFolder, order: Buffer.from(isFolder ? `${entry.name}/` : entry.name) };
  });
  return sorted.sort((a, b) => Buffer.compare(a.order, b.order));
}

async function describe(root: string, key: string): Promise<Found | undefined> {
  // Its real name is not known, and it must not go unseen.
  if (key.includes(UNDECODABLE)) return { key, size: 0, modifiedAt: 0 };
  try {
    const { size, mtimeMs } = await lstat(join(root, key));
    return { key, size, modifiedAt: Math.trunc(mtimeMs) };
  } catch (error) {
    // Removed since its name was read.
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
