import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Fills packages/client, the client without the command line and the server: `node build/client-package.ts`, after
 * build/commonjs.ts. It gets the modules that its entries reach, as they are in dist/lib, and no others.
 */

const ROOT = resolve(import.meta.dirname, '..');
const LIB = join(ROOT, 'dist/lib');
const PACKAGE = join(ROOT, 'packages/client');

/** What a module, or the types of one, imports: by `import`, `export … from`, `import()`, or `require`. */
const IMPORTS = /(?:\bfrom |\bimport\(|\brequire\(|^import )(?<quote>['"])(?<name>[\w@./-]+)\k<quote>/gm;

const { exports, dependencies, peerDependencies } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
const packages = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);

/** The files that the export map names. */
function entriesOf(map: unknown): string[] {
  if (typeof map === 'string') return map.startsWith('./dist/') ? [map.replace('./dist/', '')] : [];
  return typeof map === 'object' && map !== null ? Object.values(map).flatMap(entriesOf) : [];
}

/** The file that an import leads to: types import each other under the names of their sources. */
function target(file: string, name: string): string {
  const path = join(dirname(file), name);
  return file.endsWith('.d.ts') ? path.replace(/\.[jt]s$/, '.d.ts') : path.replace(/\.cjs$/, twinOf(file));
}

const twinOf = (file: string): string => (file.endsWith('.d.cts') ? '.d.cts' : '.cjs');

const found = new Set<string>();

function visit(file: string): void {
  if (found.has(file)) return;
  found.add(file);
  for (const { groups } of readFileSync(join(LIB, file), 'utf8').matchAll(IMPORTS)) {
    const name = groups?.name ?? '';
    if (name.startsWith('.')) visit(target(file, name));
    else if (!name.startsWith('node:') && !packages.has(name)) throw new Error(`dist/lib/${file} imports ${name}`);
  }
}

if (!existsSync(LIB)) throw new Error('there is no dist/lib: run npm run build');
for (const entry of entriesOf(exports)) visit(entry);
rmSync(join(PACKAGE, 'dist'), { recursive: true, force: true });
for (const file of found) {
  const copy = join(PACKAGE, 'dist', file);
  mkdirSync(dirname(copy), { recursive: true });
  cpSync(join(LIB, file), copy);
}
cpSync(join(ROOT, 'LICENSE'), join(PACKAGE, 'LICENSE'));
process.stdout.write(`client: ${found.size} files in ${relative(ROOT, PACKAGE)}\n`);
