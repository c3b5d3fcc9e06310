import { randomUUID } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../event/durable.ts';

/**
 * Writes or replaces a file: once this resolves it is whole, and before that it is as it was, also after a crash of the machine. Unlike
 * `replaceFile` of the log's own folders it may run in several processes at once, and the client imports nothing of the log's parts.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}.part`; // Two processes may write the same one.
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(dirname(file));
}
