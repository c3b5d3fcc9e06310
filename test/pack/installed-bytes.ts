import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of all files in a folder. */
export const installedBytes = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const file = lstatSync(join(folder, name));
    return file.isFile() ? sum + file.size : sum;
  }, 0);
