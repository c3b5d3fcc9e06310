import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { printable, renderTable, truncate } from '../../../lib/cli/output/table.ts';

const columns = [{ title: 'seq', align: 'right', rigid: true }, { title: 'type' }, { title: 'actor' }] as const;

describe('a table', () => {
  it('aligns its columns under their headings', () => {
    expect(
      renderTable(
        columns,
        [
          ['7', 'auth.login', 'alice'],
          ['12', 'data.read', 'bob'],
        ],
        80,
      ),
    ).toEqual([
      'seq  type        actor', //
      '  7  auth.login  alice',
      ' 12  data.read   bob',
    ]);
  });

  it('shortens the widest cells first when the terminal is narrow, and never the rigid ones', () => {
    const rows = [['1234567', 'github.pull_request_review.submitted', 'alice']];
    expect(renderTable(columns, rows, 32)).toEqual([
      'seq      type              actor'.replace('seq    ', '    seq'),
      '1234567  github.pull_requ… alice'.replace('… ', '…  ').replace('requ…', 'req…'),
    ]);
  });

  it('cuts nothing for programs', () => {
    const long = 'x'.repeat(500);
    expect(renderTable(columns, [['1', long, 'a']], Number.POSITIVE_INFINITY)[1]).toContain(long);
  });

  it('counts columns, not characters: Chinese takes two each, an emoji family two in all', () => {
    const lines = renderTable(
      columns,
      [
        ['1', '資料.讀取', 'x'],
        ['2', '👨‍👩‍👧', 'y'],
        ['3', 'plain', 'z'],
      ],
      80,
    );
    const starts = lines.slice(1).map((line) => stringWidth(line.slice(0, line.length - 1)));
    expect(new Set(starts).size).toBe(1);
  });

  it('styles what is already cut and padded', () => {
    const lines = renderTable(
      [{ title: 'a', style: (padded) => `<${padded}>` }],
      [['x'], ['long']],
      80,
      (h) => `[${h}]`,
    );
    expect(lines).toEqual(['[a]', '<x   >', '<long>']);
  });

  it('fits any width that its rigid columns and headings leave room for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.string({ unit: 'grapheme' }), fc.string()), { maxLength: 5 }),
        fc.integer({ min: 30, max: 120 }),
        (rows, width) => {
          for (const line of renderTable(
            columns,
            rows.map(([n, a, b]) => [String(n), a, b]),
            width,
          )) {
            expect(stringWidth(line)).toBeLessThanOrEqual(width);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('what producers wrote', () => {
  it('cannot steer the terminal: escape sequences, line breaks and reading direction are shown as escapes', () => {
    expect(printable('a\u001b[31mred\u0007')).toBe('a\\u001b[31mred\\u0007');
    expect(printable('line\nbreak\u2028\u202edelay')).toBe('line\\u000abreak\\u2028\\u202edelay');
    expect(printable('zwj 👨‍👩‍👧 é ñ 中')).toBe('zwj 👨‍👩‍👧 é ñ 中');
  });

  it('is cut at whole graphemes', () => {
    expect(truncate('naïve café', 7)).toBe('naïve …');
    expect(truncate('👨‍👩‍👧👨‍👩‍👧', 3)).toBe('👨‍👩‍👧…');
    expect(truncate('short', 5)).toBe('short');
  });
});
