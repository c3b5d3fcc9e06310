import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/**
 * Makes an empty folder that is removed, with what is in it, when the running test ends. Its path has no links.
 *
 * @example
 * const folder = await temporaryFolder();
 */
export async function temporaryFolder(): Promise<string> {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  return folder;
}

/** For `beforeAll` and the like, where no test is running: the caller removes the folder. */
export async function makeFolder(): Promise<string> {
  return mkdtemp(join(await realpath(tmpdir()), 'sealtrail-'));
}

/** Makes a folder at once, and has the caller register its removal: `folderUntil(afterAll)`. */
export function folderUntil(cleanUp: (task: () => void) => void): string {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'sealtrail-'));
  cleanUp(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Removes a folder and what is in it. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}
