import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { SealtrailError } from '../../log/error.ts';
import { absent } from '../system-error.ts';
import { linkError } from './folders.ts';

// Reading is synchronous: a cached file takes 10 microseconds this way and 250 through Node's thread pool, and a verifier
// reads thousands a second. The callers yield to the event loop in between.

/**
 * Reads an object.
 *
 * @returns undefined if there is none, or a folder.
 * @throws SealtrailError `store_corrupt` for a link or a special file, or a link on the way.
 */
export function readObject(root: string, key: string): Uint8Array | undefined {
  checkNoLink(root, key);
  const path = join(root, key);
  const descriptor = openObject(path);
  if (descriptor === undefined) return undefined;
  try {
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) return undefined;
    if (!stats.isFile()) throw new SealtrailError('store_corrupt', `${path} is a special file and not an object`);
    const { buffer, byteOffset, length } = readFileSync(descriptor);
    return new Uint8Array(buffer, byteOffset, length);
  } finally {
    closeSync(descriptor);
  }
}

/** @throws SealtrailError `store_corrupt` if a folder on the way to a key is a symbolic link, naming it. */
export function checkNoLink(root: string, key: string): void {
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
    const folder = join(root, key.slice(0, slash));
    const stats = statsOf(folder);
    if (stats === undefined) return;
    if (stats.isSymbolicLink()) throw linkError(folder);
  }
}

/** The stats of a path, without following links; undefined if nothing is there. */
export function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return absent(error);
  }
}

function openObject(path: string): number | undefined {
  try {
    // Without O_NONBLOCK a planted pipe would block the reader for ever.
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return absent(error);
  }
}
