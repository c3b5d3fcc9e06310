import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';

/**
 * Puts a CommonJS twin beside each module of the client and of what it stands on, with its types: `node build/commonjs.ts`,
 * after tsc. File by file, so that `require` loads no more than `import` does.
 */

const ROOT = resolve(import.meta.dirname, '..');
const ROOMS = ['log', 'client'] as const;

const besideEachOther: Plugin = {
  name: 'beside-each-other',
  setup: (context) => {
    context.onResolve({ filter: /^\.\.?\// }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: path.replace(/\.ts$/, '.cjs'), external: true },
    );
  },
};

async function makeCode(room: string): Promise<void> {
  const source = join(ROOT, 'lib', room);
  await build({
    entryPoints: (await readdir(source)).filter((name) => name.endsWith('.ts')).map((name) => join(source, name)),
    outdir: join(ROOT, 'dist/lib', room),
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

/** The same types, for a module that is required: its imports lead to such modules again. */
async function makeTypes(room: string): Promise<void> {
  const folder = join(ROOT, 'dist/lib', room);
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.d.ts'))) {
    const types = await readFile(join(folder, name), 'utf8');
    const twin = types.replace(/(\b(?:from |import\()['"]\.[^'"]*)\.ts(['"])/g, '$1.cjs$2');
    await writeFile(join(folder, `${basename(name, '.d.ts')}.d.cts`), twin);
  }
}

for (const room of ROOMS) {
  await makeCode(room);
  await makeTypes(room);
}
