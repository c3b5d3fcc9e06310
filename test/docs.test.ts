import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The pages lead to each other, and the decisions have one number each. */

const ROOT = join(import.meta.dirname, '..');
const ADR = join(ROOT, 'docs/adr');
const decisions = readdirSync(ADR).filter((name) => /^\d/.test(name));
const pages = [
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'].map((name) => join(ROOT, name)),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(ROOT, 'docs', name)),
];

/** The fragments by which GitHub and npm link to the headings of a page. */
function slugsOf(page: string): string[] {
  const text = readFileSync(page, 'utf8').replaceAll(/^```.*?^```$/gms, '');
  return (text.match(/^#+ .*$/gm) ?? []).map((line) =>
    line
      .replace(/^#+ /, '')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('the pages', () => {
  it.each(pages.map((page) => relative(ROOT, page)))('%s links only to files and headings that exist', (name) => {
    const page = join(ROOT, name);
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)]+))?\)/g)];
    const broken = links.filter(([, file = '', heading]) => {
      const target = file === '' ? page : join(dirname(page), file);
      if (!existsSync(target)) return true;
      return heading !== undefined && !slugsOf(target).includes(heading);
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });
});

describe('the files and names that the pages mention', () => {
  const sources = ['lib', 'functions', 'test'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join(ROOT, folder, name), 'utf8')),
  );

  it.each(pages.map((page) => relative(ROOT, page)))('%s names files of the repository that exist', (name) => {
    const text = readFileSync(join(ROOT, name), 'utf8').replaceAll(/^```.*?^```$/gms, '');
    const named = [
      ...text.matchAll(/`((?:lib|functions|test|bench|build|bin|wasm|docs|examples|packages)\/[\w./@-]*\w\/?)`/g),
    ];
    expect(named.map(([, path = '']) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('docs/architecture.md names constants that the code has', () => {
    const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
    const named = new Set([...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, constant = '']) => constant));
    const missing = [...named].filter((constant) => !sources.some((source) => source.includes(constant)));
    expect({ some: named.size > 5, missing }).toEqual({ some: true, missing: [] });
  });
});

describe('the decisions', () => {
  it('are numbered from 1 without a gap, each in its title too', () => {
    expect(decisions.map((name) => Number(name.slice(0, 4)))).toEqual(decisions.map((_, at) => at + 1));
    for (const [at, name] of decisions.entries()) {
      expect(readFileSync(join(ADR, name), 'utf8').split('\n')[0]).toMatch(new RegExp(`^# ${at + 1}\\. \\S`));
    }
  });

  it('are listed in order, each with a line', () => {
    const index = readFileSync(join(ADR, 'README.md'), 'utf8');
    const listed = [...index.matchAll(/^\| \[(\d+)\]\(([^)]+)\) \| \S.* \|$/gm)].map(([, number, file]) => [
      Number(number),
      file,
    ]);
    expect(listed).toEqual(decisions.map((name, at) => [at + 1, name]));
  });

  it('are referred to by the number and file that they have', () => {
    for (const page of pages) {
      const text = readFileSync(page, 'utf8');
      const numbers = [...text.matchAll(/\bADR (\d+)\b/g)].map(([, number]) => Number(number));
      expect([page, numbers.filter((number) => number < 1 || number > decisions.length)]).toEqual([page, []]);
      for (const [link, number, file = ''] of text.matchAll(/\[ADR (\d+)\]\(([^)]+)\)/g)) {
        expect([page, link, Number(basename(file).slice(0, 4))]).toEqual([page, link, Number(number)]);
      }
    }
  });
});
