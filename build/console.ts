import { globSync, statSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { minify } from 'terser';

/** Bundles the console into static files: `node build/console.ts`, or nothing with `--if-changed` if they are newer than lib. */

const ROOT = resolve(import.meta.dirname, '..');
const CONSOLE = join(ROOT, 'lib/console');
const PLATFORM = join(CONSOLE, 'platform');

/** What a page does without: WebAssembly, which its policy forbids, worker threads, and the judging of time-stamps. */
const INSTEAD: Readonly<Record<string, string>> = {
  'native.ts': 'native.ts',
  'worker-pool.ts': 'worker-pool.ts',
  'authorities.ts': 'timestamps.ts',
  'check-timestamp.ts': 'timestamps.ts',
};
const withoutNode: Plugin = {
  name: 'without-node',
  setup: ({ onResolve }) =>
    onResolve({ filter: /\/(native\/native|worker-pool|tsp\/authorities|tsp\/check-timestamp)\.ts$/ }, ({ path }) => ({
      path: join(PLATFORM, INSTEAD[basename(path)] ?? ''),
    })),
};

/** How the log's own code is bundled for a browser: what it takes from Node is replaced, and nothing else. */
export const FOR_BROWSERS = {
  bundle: true,
  platform: 'browser',
  format: 'esm',
  target: ['es2024', 'chrome120', 'firefox128', 'safari17'],
  alias: {
    'node:buffer': join(PLATFORM, 'node-buffer.ts'),
    'node:crypto': join(PLATFORM, 'crypto.ts'),
    'node:stream': join(PLATFORM, 'zlib.ts'),
    'node:zlib': join(PLATFORM, 'zlib.ts'),
  },
  plugins: [withoutNode],
  inject: [join(PLATFORM, 'buffer.ts')],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** Files that are served as they are. */
const PLAIN = ['index.html', 'icon.svg'];

/** The most that a browser loads, in bytes after gzip: the page is 22 KB of it, the rest is the verifier, which grows. */
export const MAX_BYTES = 90_000;

/** @returns the bytes of all files together after gzip */
export async function buildConsole(folder: string): Promise<number> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const { metafile } = await build({
    ...FOR_BROWSERS,
    entryPoints: { console: join(CONSOLE, 'view/main.tsx'), style: join(CONSOLE, 'view/style.css') },
    outdir: folder,
    metafile: true,
  });
  // A twentieth smaller than what esbuild makes of it.
  const script = join(folder, 'console.js');
  const { code = '' } = await minify(await readFile(script, 'utf8'), {
    module: true,
    ecma: 2020,
    compress: { passes: 2 },
  });
  await writeFile(script, code);
  for (const name of PLAIN) await copyFile(join(CONSOLE, 'view', name), join(folder, name));
  const names = [...PLAIN, ...Object.keys(metafile.outputs).map((path) => resolve(path))];
  const sizes = await Promise.all(
    names.map(async (name) => gzipSync(await readFile(resolve(folder, name)), { level: 9 }).length),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > MAX_BYTES) throw new Error(`the console has ${bytes} bytes after gzip, the most is ${MAX_BYTES}`);
  return bytes;
}

/** Whether the files that were built are newer than everything that they are built from. */
function isFresh(folder: string): boolean {
  const builtAt = statSync(join(folder, 'console.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = globSync(['lib/**/*', 'build/console.ts', 'package-lock.json'], { cwd: ROOT });
  return sources.every((file) => statSync(join(ROOT, file)).mtimeMs <= builtAt);
}

if (import.meta.main) {
  const folder = join(ROOT, 'dist/console');
  const isQuiet = process.argv.includes('--if-changed');
  if (!isQuiet || !isFresh(folder)) {
    const bytes = await buildConsole(folder);
    if (!isQuiet) process.stdout.write(`console: ${(bytes / 1000).toFixed(1)} KB after gzip\n`);
  }
}
