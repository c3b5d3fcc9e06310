import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { expect, it } from 'vitest';

/** Code that only tests use is no part of the product. knip cannot see it, since a test is a use to it as well. */

const ROOT = resolve(import.meta.dirname, '..');
const sources = ['lib', 'functions', 'bin'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => pathTo(entry.parentPath, entry.name)),
);
/** Files of which every export is used: entries of the package, modules loaded as a whole, and those that bundles put in another's place. */
const whole = new Set<string>([
  'lib/store/lambda-credentials.ts',
  ...sources.filter((file) => file.startsWith('lib/console/platform/')),
]);
/** `file#name` of every export that another file imports or hands on. */
const imported = new Set<string>();

for (const [, entry = ''] of read('package.json').matchAll(/"\.\/dist\/([\w/.-]+)\.js"/g)) whole.add(`${entry}.ts`);
for (const file of sources) {
  const text = read(file);
  for (const [, names = '', from = ''] of text.matchAll(/^(?:import|export)\s+([^;'"]+?)\s+from\s+'(\.[^']+)'/gm)) {
    const target = pathTo(dirname(join(ROOT, file)), from);
    if (names.includes('*')) whole.add(target);
    for (const [name] of names.matchAll(/(?<!\bas )\b(?!type\b|as\b)[\w$]+/g)) imported.add(`${target}#${name}`);
  }
  for (const [, from = ''] of text.matchAll(/import\(\s*'(\.[^']+)'/g))
    whole.add(pathTo(dirname(join(ROOT, file)), from));
}

it('finds no export that nothing but tests uses', () => {
  const unused = sources
    .filter((file) => file.startsWith('lib/') && !whole.has(file))
    .flatMap((file) => {
      const text = read(file);
      const pattern = /^export (?:abstract )?(?:async )?(?:const|function\*?|class|interface|type) ([\w$]+)/gm;
      return [...text.matchAll(pattern)]
        .map(([, name = '']) => name)
        .filter((name) => !imported.has(`${file}#${name}`) && text.split(new RegExp(`\\b${name}\\b`)).length === 2)
        .map((name) => `${file}: ${name}`);
    });
  expect(unused).toEqual([]);
});

it('finds no file of the package that nothing but tests needs, besides sealtrail/testing', () => {
  const entries = [...read('package.json').matchAll(/"\.\/dist\/([\w/.-]+)\.js"/g)].map(
    ([, entry = '']) => `${entry}.ts`,
  );
  const isTesting = (file: string): boolean => file.startsWith('lib/testing/');
  const isWhole = (file: string): boolean =>
    /^(?:bin|functions)\/|^lib\/console\/platform\//.test(file) ||
    ['lib/store/lambda-credentials.ts', 'lib/console/view/main.tsx'].includes(file);
  const needed = new Set<string>();
  const visit = (file: string): void => {
    if (needed.has(file) || !sources.includes(file)) return;
    needed.add(file);
    // Imports, and the modules of workers, which are named by their files.
    for (const [, from = ''] of read(file).matchAll(/'(\.{1,2}\/[^']+\.tsx?)'/g))
      visit(pathTo(dirname(join(ROOT, file)), from));
  };
  for (const file of [...entries, ...sources].filter((name) => entries.includes(name) || isWhole(name))) {
    if (!isTesting(file)) visit(file);
  }
  expect(sources.filter((file) => file.startsWith('lib/') && !isTesting(file) && !needed.has(file))).toEqual([]);
  expect([...needed].filter(isTesting)).toEqual([]);
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function pathTo(folder: string, name: string): string {
  return relative(ROOT, resolve(folder, name)).split(sep).join('/');
}
