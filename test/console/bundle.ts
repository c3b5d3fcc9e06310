import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { FOR_BROWSERS } from '../../build/console.ts';
import type { GivenFile } from '../../lib/console/evidence/given-file.ts';
import type * as Judge from '../../lib/console/evidence/judge.ts';
import type * as Sort from '../../lib/console/evidence/sort-files.ts';
import type * as Trust from '../../lib/verify/evidence/trust.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** The page's verification, bundled as for a browser: without anything of Node but what browsers have too. */
export async function pageVerification(): Promise<typeof Judge & typeof Sort & Pick<typeof Trust, 'parseTrustedKeys'>> {
  const outfile = join(await mkdtemp(join(tmpdir(), 'sealtrail-console-')), 'verification.mjs');
  const modules = ['console/evidence/judge.ts', 'console/evidence/sort-files.ts', 'verify/evidence/trust.ts'];
  const contents = modules.map((module) => `export * from './lib/${module}';`).join('\n');
  await build({ ...FOR_BROWSERS, stdin: { contents, resolveDir: ROOT, loader: 'ts' }, outfile });
  return import(pathToFileURL(outfile).href);
}

/** The files of a folder as a page is given them. */
export async function filesOf(folder: string, below = ''): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(below + relative(folder, path).split(sep).join('/'), await readFile(path));
  }
  return files;
}

/** Files in memory as a page is given them. */
export const given = (files: ReadonlyMap<string, Uint8Array>): GivenFile[] =>
  [...files].map(([path, bytes]) => ({
    path,
    size: bytes.length,
    bytes: async () => Uint8Array.from(bytes),
    async *parts() {
      yield Uint8Array.from(bytes);
    },
  }));
