import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildConsole } from '../../build/console.ts';

const FOLDER = join(resolve(import.meta.dirname, '../..'), 'dist/console');

/** Has the console built where a server looks for it. */
export async function builtConsole(): Promise<void> {
  if (!existsSync(join(FOLDER, 'index.html'))) await buildConsole(FOLDER);
}
