import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** docs/compliance.md claims nothing that no test shows, and names no test that is not there. */

const ROOT = join(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs/compliance.md');
const text = readFileSync(PAGE, 'utf8');
const sections = text.split(/^## /m).slice(1);

/** The rows of a section's table: demand, what meets it, what shows it. */
const rowsOf = (section: string): string[][] =>
  [...section.matchAll(/^\| (?!---)(.+) \|$/gm)]
    .map(([, row = '']) => row.split(' | '))
    .filter(([, , shown]) => shown !== 'shown by');

describe('the page on compliance', () => {
  it.each([
    'OWASP logging',
    'SOC 2',
    'ISO 27001',
    'HIPAA',
    'SEC 17a-4',
    'GDPR',
    'EU AI Act',
    'ISO 42001',
    'PCI DSS',
    'DORA',
    'NIS2',
  ])('maps %s, row by row', (name) => {
    const section = sections.find((one) => one.startsWith(`${name}\n`)) ?? expect.fail(`there is no section ${name}`);
    const rows = rowsOf(section);
    expect(rows.length).toBeGreaterThan(4);
    for (const [demand = '', feature = '', shown = '', ...more] of rows) {
      expect({ demand, more }).toEqual({ demand, more: [] });
      expect(feature.length).toBeGreaterThan(5);
      expect({ demand, shown }).toMatchObject({ shown: expect.stringMatching(/^`test\/[^`]+`(, `test\/[^`]+`)*$/) });
    }
    expect(section).toMatch(/^Yours[:,]/m);
  });

  it('names only tests that exist', () => {
    const named = [...text.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(60);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('links only to pages and headings that exist', () => {
    for (const [, file = '', heading] of text.matchAll(/\]\(([\w.-]*)(?:#([\w-]+))?\)/g)) {
      const target = file === '' ? PAGE : join(dirname(PAGE), file);
      expect([file, existsSync(target)]).toEqual([file, true]);
      const headings = readFileSync(target, 'utf8').match(/^#+ .*$/gm) ?? [];
      const slugs = headings.map((line) =>
        line
          .replace(/^#+ /, '')
          .toLowerCase()
          .replace(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      if (heading !== undefined) expect(slugs).toContain(heading);
    }
  });
});
