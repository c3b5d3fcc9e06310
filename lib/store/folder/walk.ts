import { type Dirent, opendirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isSegment } from '../object-key.ts';
import { absent } from '../system-error.ts';
import { statsOf } from './reading.ts';

/** Something that stands in the folder. */
export interface Found {
  readonly key: string;
  readonly size: number;
  /** Unix milliseconds. */
  readonly modifiedAt: number;
}

/** What a walk passes over. */
export interface Limits {
  /** Only keys that start with it. */
  readonly prefix: string;
  /** Only keys above it. */
  readonly after: string;
  /** Names at the top that are not part of the store. */
  readonly skip: readonly string[];
}

/** What Node puts for bytes that are not UTF-8: the real name is not known. */
const UNDECODABLE = '\ufffd';
/** Names read or looked at before the event loop gets its turn. */
const TURN = 256;

/**
 * Yields what stands under a folder in ascending order of the key's bytes, holding the names of one folder and those
 * above it in memory. Links, special files and names that no object can have are yielded as they stand, so that nothing
 * goes unseen, and never followed or entered.
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

/** Whether keys that start with `base` can be within the limits. */
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
    // A folder sorts as the keys in it do: `a-b` comes before `a/b`, since '-' comes before '/'.
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
  // Undefined: removed since its name was read.
  return stats && { key, size: stats.size, modifiedAt: Math.trunc(stats.mtimeMs) };
}
