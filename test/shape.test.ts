import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PREFIX } from '../lib/ledger/items/layout.ts';

/** The shape of the code, as the table in docs/architecture.md draws it. A new arrow is a decision: make it there, on purpose. */

const ROOT = resolve(import.meta.dirname, '..');

/** Which folders a folder may import from, by the rows of docs/architecture.md. Those of `lib` are named without it. */
const ARROWS: ReadonlyMap<string, readonly string[]> = new Map(
  read('docs/architecture.md')
    .split('\n## Folders\n')[1]
    ?.split('\n## ')[0]
    ?.split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, folder = '', , arrows = ''] = line.split('|').map((cell) => cell.trim());
      return [folder.slice(1, -1), [...arrows.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)] as const;
    }),
);
/** More files in one folder are a sack. `lib/log` is the exception: it is flat so that an auditor reads it as one. */
const MAX_FILES = 16;

/** Packages that only certain folders may import: the rest of the code must not know what it runs on. */
const CONFINED: readonly { readonly what: RegExp; readonly to: RegExp }[] = [
  { what: /^node:sqlite$/, to: /^lib\/store\/sqlite\// },
  { what: /^@aws-sdk\/client-/, to: /^lib\/store\// },
  { what: /^@aws-sdk\/credential-/, to: /^lib\/(client|cli|store)\// },
  { what: /^(aws-cdk-lib|constructs)($|\/)/, to: /^(lib\/stack\/|bin\/app\.ts$)/ },
  { what: /^(pkijs|asn1js)$/, to: /^lib\/tsp\// },
  { what: /^cborg$/, to: /^lib\/cose\// },
  { what: /^@middy\//, to: /^functions\// },
  { what: /^(vitest|fast-check)$/, to: /^lib\/testing\/contracts\// },
  { what: /^commander$/, to: /^(lib\/cli\/|bin\/sealtrail\.ts$)/ },
];

/** A string, template or regular expression that begins with a partition's prefix, and any `partition: 'name'`. */
const PARTITION_LITERAL = new RegExp(
  `['"\`^(|](?:${Object.values(PREFIX)
    .map((prefix) => prefix.slice(0, -1))
    .join('|')})\\)?\\\\?/|\\bpartition\\b\\s*[:=]=*\\s*['"\`]\\w`,
  'gi',
);

interface Import {
  readonly file: string;
  readonly from: string;
}

const sources = [...filesUnder('lib'), ...filesUnder('bin'), ...filesUnder('functions')];
const imports = sources.flatMap(importsOf);

describe('the arrows between the folders', () => {
  it('are drawn for every folder there is, and for no other', () => {
    expect([...ARROWS.keys()].sort()).toEqual([...new Set(sources.map(folderOf))].sort());
  });

  it.each([...ARROWS])('%s imports what its row says, and nothing else', (folder, allowed) => {
    const found = imports.filter(({ file, from }) => folderOf(file) === folder && isRelative(from));
    const used = new Set(found.map(({ file, from }) => target(file, from)));
    used.delete(folder);
    expect([...used].sort()).toEqual([...allowed].sort());
  });

  it('point one way', () => {
    expect(circle(ARROWS)).toEqual([]);
  });

  it('keeps the bytes and the maths free of everything but node:crypto', () => {
    const outside = imports.filter(
      ({ file, from }) => folderOf(file) === 'log' && !isRelative(from) && from !== 'node:crypto',
    );
    expect(outside).toEqual([]);
  });

  it('lets only the drivers, the handlers, the stack and the command line know their platforms', () => {
    const wrong = imports.filter(({ file, from }) =>
      CONFINED.some(({ what, to }) => what.test(from) && !to.test(file)),
    );
    expect(wrong).toEqual([]);
  });

  it('names the partitions of the Table in layout.ts alone, so that policies, filters and monitors cannot drift from it', () => {
    const stray = sources
      .filter((file) => file !== 'lib/ledger/items/layout.ts' && !/^lib\/(store|testing)\//.test(file))
      .flatMap(
        (file) =>
          read(file)
            .match(PARTITION_LITERAL)
            ?.map((literal) => `${file}: ${literal}`) ?? [],
      );
    expect(stray).toEqual([]);
  });

  it('calls a limit MAX_ or MIN_, and a check that throws assertX', () => {
    const others = sources.flatMap((file) =>
      [...read(file).matchAll(/\b(?:(?:MOST|LEAST)_[A-Z_]+|function demand[A-Z]\w*)/g)].map(
        ([name]) => `${file}: ${name}`,
      ),
    );
    expect(others).toEqual([]);
  });

  it('has no circle among files', () => {
    expect(circle(importGraph())).toEqual([]);
  });
});

describe('the files', () => {
  const all = [...sources, ...filesUnder('test'), ...filesUnder('bench')];

  it('can be read in one sitting: at most 400 lines', () => {
    const long = all
      .map((file) => [file, read(file).split('\n').length - 1] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it('are few enough in each folder to be seen at once', () => {
    const counts = new Map<string, number>();
    for (const file of sources) counts.set(folderOf(file), (counts.get(folderOf(file)) ?? 0) + 1);
    counts.delete('log');
    expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
  });

  it('have doc comments that say first what the thing is', () => {
    const riddle = /\/\*\*[\s*]*(?:What|Whether|Whoever|Told|Asked)\b[^\n]*/g;
    const found = sources.flatMap((file) => [...read(file).matchAll(riddle)].map(([text]) => `${file}: ${text}`));
    expect(found).toEqual([]);
  });

  it('are not named util, helper, manager or common', () => {
    expect(all.filter((file) => /\b(utils?|helpers?|managers?|common)\b/i.test(file))).toEqual([]);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function importsOf(file: string): Import[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s[^;'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g;
  return [...read(file).matchAll(pattern)].map((match) => ({ file, from: match[1] ?? match[2] ?? match[3] ?? '' }));
}

function isRelative(from: string): boolean {
  return from.startsWith('.');
}

/** The folder of a file as its row names it. */
function folderOf(file: string): string {
  const folder = dirname(file);
  return folder.startsWith('lib/') ? folder.slice('lib/'.length) : folder;
}

function pathOf(file: string, from: string): string {
  return relative(ROOT, resolve(ROOT, dirname(file), from))
    .split(sep)
    .join('/');
}

function target(file: string, from: string): string {
  return folderOf(pathOf(file, from));
}

/** Imports of types count too: they bind readers just the same. */
function importGraph(): Map<string, readonly string[]> {
  const edges = new Map<string, string[]>();
  for (const { file, from } of imports.filter((found) => isRelative(found.from))) {
    edges.set(file, [...(edges.get(file) ?? []), pathOf(file, from)]);
  }
  return edges;
}

/** One circle of a graph, or none. */
function circle(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const finished = new Set<string>();
  const visit = (node: string, path: readonly string[]): string[] => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (finished.has(node)) return [];
    for (const next of edges.get(node) ?? []) {
      const found = visit(next, [...path, node]);
      if (found.length > 0) return found;
    }
    finished.add(node);
    return [];
  };
  for (const node of edges.keys()) {
    const found = visit(node, []);
    if (found.length > 0) return found;
  }
  return [];
}
