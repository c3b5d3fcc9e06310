import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CSV_HEADER, csvRow } from '../../lib/question/csv.ts';

const line = (event: object, more: object = {}) =>
  JSON.stringify({
    event: { id: 'e-1', severity: 'info', type: 'a.b', ...event },
    prev: '0'.repeat(64),
    receivedAt: Date.UTC(2026, 10, 21, 10, 0, 0, 5),
    seq: 7,
    submitter: 'app',
    trail: 'orders',
    v: 1,
    ...more,
  });

/** RFC 4180 as a reader applies it: quotes doubled inside quotes, everything else as it stands. */
function readRow(row: string): string[] {
  expect(row.endsWith('\r\n')).toBe(true);
  const cells: string[] = [];
  for (let at = 0; at < row.length - 2; ) {
    if (row[at] === '"') {
      let cell = '';
      for (at++; row[at] !== '"' || row[at + 1] === '"'; at++) {
        cell += row[at];
        if (row[at] === '"') at++;
      }
      cells.push(cell);
      at += 2;
    } else {
      const end = /[,\r]/.exec(row.slice(at))?.index ?? 0;
      cells.push(row.slice(at, at + end));
      at += end + 1;
    }
  }
  return cells;
}

const columns = CSV_HEADER.trimEnd().split(',');
const cellOf = (row: string, column: string) => readRow(`${row.slice(0, -2)},\r\n`)[columns.indexOf(column)];

describe('a row of CSV', () => {
  it('has a cell for every column, times as RFC 3339 and objects as JSON', () => {
    const row = csvRow(line({ actor: { id: 'alice', ip: '10.0.0.1' }, details: { a: [1, 'x'] } }));
    expect(cellOf(row, 'seq')).toBe('7');
    expect(cellOf(row, 'receivedAt')).toBe('2026-11-21T10:00:00.005Z');
    expect(cellOf(row, 'actorId')).toBe('alice');
    expect(cellOf(row, 'details')).toBe('{"a":[1,"x"]}');
    expect(cellOf(row, 'tenant')).toBe('');
  });

  it('gives back any text, quotes, commas and line ends included', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (description) => {
        const cell = cellOf(csvRow(line({ description })), 'description');
        expect(cell === description || cell === `'${description}`).toBe(true);
      }),
    );
  });

  it.each([
    '=1+1',
    '+1',
    '-1',
    '@SUM(A1)',
    '\t=1',
    '\r=1',
    '\n=1',
    '=HYPERLINK("http://x","y")',
    ' =1',
    '\u00a0=1',
    '\u200b=1',
    '\ufeff+1',
  ])('makes %j harmless to a spreadsheet', (text) => {
    expect(cellOf(csvRow(line({ description: text })), 'description')).toBe(`'${text}`);
  });

  it.each(['\v', '\f', '\x1c', '\x1d', '\x1e', '\x85', '\u2028', '\u2029'])(
    'quotes a text with %j, which some readers take for the end of a row',
    (separator) => {
      const row = csvRow(line({ description: `a${separator}b` }));
      expect(row).toContain(`,"a${separator}b",`);
    },
  );

  it('leaves numbers alone: only text can be run', () => {
    expect(cellOf(csvRow(line({}, { seq: 0 })), 'seq')).toBe('0');
  });

  it('takes names such as __proto__ and constructor for data', () => {
    const row = csvRow(line({ details: JSON.parse('{"__proto__":{"x":1}}') }));
    expect(cellOf(row, 'details')).toBe('{"__proto__":{"x":1}}');
  });

  it('is refused for a line that is no record', () => {
    expect(() => csvRow('{}')).toThrow(expect.objectContaining({ code: 'malformed_record' }));
  });
});
