import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { SealtrailError } from '../log/error.ts';
import { FolderObjects } from '../store/folder/objects.ts';
import type { Objects } from '../store/ports.ts';

/**
 * Opens what a user names as an archive, for reading only. Also the module that verification's worker threads open it with.
 *
 * @param source a folder; `s3://bucket[/prefix]` is refused as long as there is no driver for it
 * @throws `usage`, `not_found`, `unavailable`
 */
export async function openObjects(source: unknown): Promise<Objects> {
  if (typeof source !== 'string') throw new RangeError('an archive is named by text');
  if (source.startsWith('s3://')) {
    throw new SealtrailError(
      'usage',
      `reading a bucket directly is not built in yet; copy it first: aws s3 sync ${source} FOLDER`,
    );
  }
  return FolderObjects.openReadOnly(source);
}

/** The archive inside, where a user names a whole data folder; undefined for anything else. */
export async function archiveWithin(source: string): Promise<string | undefined> {
  try {
    await access(join(source, 'config.json'));
    await access(join(source, 'archive'));
    return join(source, 'archive');
  } catch {
    return undefined; // an archive itself, or nothing at all: opening it tells
  }
}
