import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The shape of the code, as docs/architecture.md draws it. A new arrow is a decision: make it here, on purpose. */

const ROOT = resolve(import.meta.dirname, '..');

/** Which rooms of lib/ a room may import from, besides itself. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  log: [],
  event: ['log'],
  store: ['log'],
  ledger: ['store', 'event', 'log'],
  followers: ['ledger', 'store', 'event', 'log'],
  query: ['followers', 'ledger', 'store', 'event', 'log'],
  verify: ['store', 'event', 'log'],
  export: ['query', 'ledger', 'store', 'event', 'log'],
  api: ['export', 'query', 'verify', 'followers', 'ledger', 'store', 'event', 'log'],
  server: ['api', 'export', 'query', 'verify', 'followers', 'ledger', 'store', 'event', 'log'],
  client: ['log'],
  cli: ['client', 'server', 'verify', 'store', 'event', 'log'],
  stack: ['api', 'store', 'event', 'log'],
};

/** Packages that only certain folders may import: the rest of the code must not know what it runs on. */
const CONFINED: readonly { readonly what: RegExp; readonly to: RegExp }[] = [
  { what: /^node:sqlite$/, to: /^lib\/store\/sqlite\// },
  { what: /^@aws-sdk\/client-/, to: /^lib\/store\// },
  { what: /^@aws-sdk\/credential-/, to: /^lib\/(client|cli|store)\// },
  { what: /^(aws-cdk-lib|constructs)($|\/)/, to: /^(lib\/stack\/|bin\/app\.ts$)/ },
  { what: /^@middy\//, to: /^functions\// },
  { what: /^commander$/, to: /^(lib\/cli\/|bin\/sealtrail\.ts$)/ },
];

interface Import {
  readonly file: string;
  readonly from: string;
}

const sources = [...filesUnder('lib'), ...filesUnder('bin'), ...filesUnder('functions')];
const imports = sources.flatMap(importsOf);

describe('the arrows between the rooms', () => {
  it.each(Object.keys(ARROWS))('lib/%s imports only what stands below it', (room) => {
    const allowed = new Set([room, ...(ARROWS[room] ?? [])]);
    const wrong = imports.filter(
      ({ file, from }) => roomOf(file) === room && isOurs(from) && !allowed.has(target(file, from)),
    );
    expect(wrong).toEqual([]);
  });

  it('names every room there is', () => {
    const rooms = readdirSync(join(ROOT, 'lib')).filter((name) => statSync(join(ROOT, 'lib', name)).isDirectory());
    expect(Object.keys(ARROWS)).toEqual(expect.arrayContaining(rooms));
  });

  it('keeps the bytes and the maths free of everything but node:crypto', () => {
    const outside = imports.filter(
      ({ file, from }) => roomOf(file) === 'log' && !isOurs(from) && from !== 'node:crypto',
    );
    expect(outside).toEqual([]);
  });

  it('lets only the drivers, the handlers, the stack and the command line know their platforms', () => {
    const wrong = imports.filter(({ file, from }) =>
      CONFINED.some(({ what, to }) => what.test(from) && !to.test(file)),
    );
    expect(wrong).toEqual([]);
  });

  it('has no circle among files', () => {
    expect(circle()).toEqual([]);
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

  it('are not named util, helper, manager or common', () => {
    expect(all.filter((file) => /\b(utils?|helpers?|managers?|common)\b/i.test(file))).toEqual([]);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
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

function isOurs(from: string): boolean {
  return from.startsWith('.');
}

function roomOf(file: string): string {
  const [top, room] = file.split('/');
  return top === 'lib' ? (room ?? '') : (top ?? '');
}

function target(file: string, from: string): string {
  return roomOf(
    relative(ROOT, resolve(ROOT, dirname(file), from))
      .split(sep)
      .join('/'),
  );
}

/** The files of one circle of imports, or none. Imports of types count too: they bind readers just the same. */
function circle(): string[] {
  const edges = new Map<string, string[]>();
  for (const { file, from } of imports.filter((found) => isOurs(found.from))) {
    const to = relative(ROOT, resolve(ROOT, dirname(file), from))
      .split(sep)
      .join('/');
    edges.set(file, [...(edges.get(file) ?? []), to]);
  }
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return [];
    for (const next of edges.get(file) ?? []) {
      const found = visit(next, [...path, file]);
      if (found.length > 0) return found;
    }
    finished.add(file);
    return [];
  };
  for (const file of edges.keys()) {
    const found = visit(file, []);
    if (found.length > 0) return found;
  }
  return [];
}
