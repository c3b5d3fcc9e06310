import type { Table } from '../../lib/store/ports.ts';
import { MemoryFiles } from '../../lib/testing/memory/files.ts';
import { MemoryTable } from '../../lib/testing/memory/table.ts';

/** The files of the query index that belong to a Table of a test, whichever process looks at it. */

const FILES = new WeakMap<object, MemoryFiles>();

/** The files beside a table. A table that stands before another one must have been introduced by {@link besides}. */
export function filesOf(table: Table): MemoryFiles {
  const key = table instanceof MemoryTable ? table.data : table;
  const known = FILES.get(key);
  if (known !== undefined) return known;
  if (!(table instanceof MemoryTable)) throw new Error('a table that has no files: call besides()');
  const files = new MemoryFiles();
  FILES.set(key, files);
  return files;
}

/** A table that has the same files as another one. */
export function besides<T extends Table>(table: T, other: Table): T {
  FILES.set(table instanceof MemoryTable ? table.data : table, filesOf(other));
  return table;
}
