import type { Objects } from '../../lib/store/ports.ts';
import { objectsOf } from './archive-builder.ts';

/** What worker threads of the tests open: the archive that they are given. */
export function openObjects(args: unknown): Promise<Objects> {
  if (!(args instanceof Map)) throw new RangeError('there is no archive to open');
  return objectsOf(new Map([...args].map(([key, bytes]) => [String(key), Buffer.from(bytes)])));
}
