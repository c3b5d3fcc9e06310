import type { Objects } from '../../lib/store/ports.ts';
import { objectsOf } from './archive-builder.ts';

/**
 * What worker threads of the tests open: the archive that they are given. With `threads` they count there how many of them
 * opened it, and how many came to their end by themselves: a thread that is terminated runs nothing any more.
 */
export function openObjects(args: unknown): Promise<Objects> {
  if (isCounted(args)) {
    const { archive, threads } = args;
    Atomics.add(threads, 0, 1);
    process.on('exit', () => Atomics.add(threads, 1, 1));
    return openObjects(archive);
  }
  if (!(args instanceof Map)) throw new RangeError('there is no archive to open');
  return objectsOf(new Map([...args].map(([key, bytes]) => [String(key), Buffer.from(bytes)])));
}

const isCounted = (args: unknown): args is { archive: unknown; threads: Int32Array } =>
  typeof args === 'object' && args !== null && 'threads' in args && args.threads instanceof Int32Array;
