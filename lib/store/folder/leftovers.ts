import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Leftover } from '../ports.ts';
import { absent } from '../system-error.ts';
import { HELD, UNFINISHED } from './holding.ts';
import { statsOf } from './reading.ts';

/** Yields what stands in a folder of objects and is no object: unfinished writes, stray second names, empty folders. */
export async function* leftoversIn(root: string): AsyncGenerator<Leftover, void, void> {
  for (const top of [UNFINISHED, HELD]) {
    const stats = statsOf(join(root, top));
    if (stats !== undefined && !stats.isDirectory()) yield { name: top, what: 'link or special file' };
  }
  yield* within(root, '');
}

async function* within(root: string, base: string): AsyncGenerator<Leftover, void, void> {
  const entries = (await readdir(join(root, base), { withFileTypes: true }).catch(absent)) ?? [];
  const isStores = base === '' || base === `${UNFINISHED}/` || base === `${HELD}/`;
  if (entries.length === 0 && !isStores) yield { name: base, what: 'empty folder' };
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = base + entry.name;
    if (entry.isDirectory()) yield* within(root, `${name}/`);
    else if (name.startsWith(`${UNFINISHED}/`)) yield { name, what: 'unfinished write' };
    else if (name.startsWith(`${HELD}/`) && !isSecondName(root, name)) yield { name, what: 'second name of no object' };
  }
}

/** True if a file under `~held` is the same file as the object that it is named for. */
function isSecondName(root: string, name: string): boolean {
  const object = statsOf(join(root, name.slice(HELD.length + 1)));
  return object !== undefined && object.ino === statsOf(join(root, name))?.ino;
}
