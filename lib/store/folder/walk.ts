import { type Dirent, opendirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isSegment } from '../object-key.ts';
import { absent } from '../system-error.ts';
import { statsOf } from './reading.ts';

/** A file found in the folder. */
export interface Found {
  readonly key: string;
  readonly size: number;
  /** Unix milliseconds. */
  readonly modifiedAt: number;
}

/** Limits of a walk. */
export interface Limits {
  /** Only keys that start with it. */
  readonly prefix: string;
  /** Only keys above it. */
  readonly after: string;
  /** Names at the top that are not part of the store. */
  readonly skip: readonly string[];
}

/** Node's replacement for bytes that are not UTF-8: the real name is unknown. */
const UNDECODABLE = '\ufffd';
/** Names processed before yielding to the event loop. */
const TURN = 256;

/**
 * Yields the files under a folder in ascending byte order of their keys, with the names of one folder and its parents in
 * memory. Links, special files and names that are not keys are yielded too, so that nothing stays hidden, but never
 * followed or entered.
 */
export async function* walk(root: string, limits: Limits): AsyncGenerator<Found> {
  yield* walkFolder(root, limits.prefix.slice(0, limits.prefix.lastIndexOf('/') + 1), limits);
}

/** @param base the folder's key with its final slash; empty for the root. */
async function* walkFolder(root: string, base: string, limits: Limits): AsyncGenerator<Found> {
  let sinceTurn = 0;
  for (const { name, isFolder } of await namesIn(join(root, base))) {
    const key = base + name;
    if (limits.skip.includes(key)) continue;
    if (isFolder && isSegment(name)) {
      if (mayHold(`${key}/`, limits)) yield* walkFolder(root, `${key}/`, limits);
    } else if (key.startsWith(limits.prefix) && key > limits.after) {
      const found = describe(root, key);
      if (found) yield found;
    }
    if (++sinceTurn % TURN === 0) await turn();
  }
}

/** True if keys that start with `base` can be within the limits. */
function mayHold(base: string, { prefix, after }: Limits): boolean {
  return (base.startsWith(prefix) || prefix.startsWith(base)) && (base > after || after.startsWith(base));
}

interface Name {
  readonly name: string;
  readonly isFolder: boolean;
}

async function namesIn(folder: string): Promise<Name[]> {
  const names: (Name & { readonly order: Buffer })[] = [];
  for await (const entry of entriesOf(folder)) {
    const isFolder = entry.isDirectory();
    // A folder sorts like the keys in it: `a-b` comes before `a/b`, since '-' comes before '/'.
    names.push({ name: entry.name, isFolder, order: Buffer.from(isFolder ? `${entry.name}/` : entry.name) });
  }
  return names.sort((a, b) => Buffer.compare(a.order, b.order));
}

async function* entriesOf(folder: string): AsyncGenerator<Dirent> {
  await turn();
  const opened = openFolder(folder);
  if (!opened) return;
  try {
    let count = 0;
    for (let entry = opened.readSync(); entry; entry = opened.readSync()) {
      yield entry;
      if (++count % TURN === 0) await turn();
    }
  } finally {
    opened.closeSync();
  }
}

function openFolder(folder: string) {
  try {
    return opendirSync(folder, { bufferSize: TURN });
  } catch (error) {
    return absent(error);
  }
}

function describe(root: string, key: string): Found | undefined {
  if (key.includes(UNDECODABLE)) return { key, size: 0, modifiedAt: 0 };
  const stats = statsOf(join(root, key));
  // Undefined if it was removed since its name was read.
  return stats && { key, size: stats.size, modifiedAt: Math.trunc(stats.mtimeMs) };
}
