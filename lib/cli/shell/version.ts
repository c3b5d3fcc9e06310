import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version from the nearest package.json above, which is Sealtrail's both in the repository and in the built package. */
export function version(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { version: found }: { version?: unknown } = JSON.parse(readFileSync(file, 'utf8'));
      return String(found);
    }
    if (folder === dirname(folder)) throw new RangeError('there is no package.json above the program');
  }
}
