import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { CLIENT_FOLDERS } from './client-folders.ts';

/**
 * Makes a CommonJS twin of each module of the client and its dependencies, with types: `node build/commonjs.ts`, after tsc.
 * File by file, so that `require` loads no more than `import` does.
 */

const ROOT = resolve(import.meta.dirname, '..');

const besideEachOther: Plugin = {
  name: 'beside-each-other',
  setup: (context) => {
    context.onResolve({ filter: /^\.\.?\// }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, '.cjs'), external: true },
    );
  },
};

async function filesUnder(folder: string, suffix: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith(suffix)).map((name) => join(folder, name));
}

async function makeCode(folder: string): Promise<void> {
  const source = join(ROOT, 'lib', folder);
  await build({
    entryPoints: await filesUnder(source, '.ts'),
    outbase: source,
    outdir: join(ROOT, 'dist/lib', folder),
    outExtension: { '.js': '.cjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    plugins: [besideEachOther],
    logLevel: 'warning',
  });
}

/** Makes the types of the CommonJS modules, which import such modules again. */
async function makeTypes(folder: string): Promise<void> {
  for (const file of await filesUnder(join(ROOT, 'dist/lib', folder), '.d.ts')) {
    const types = await readFile(file, 'utf8');
    const twin = types.replace(/(\b(?:from |import\()['"]\.[^'"]*)\.ts(['"])/g, '$1.cjs$2');
    await writeFile(file.replace(/\.d\.ts$/, '.d.cts'), twin);
  }
}

for (const folder of CLIENT_FOLDERS) {
  await makeCode(folder);
  await makeTypes(folder);
}
