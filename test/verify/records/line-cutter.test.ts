import { describe, expect, test } from 'vitest';
import { recordLine } from '../../../lib/log/record.ts';
import { type Line, LineReader, UNREADABLE } from '../../../lib/verify/records/check-line.ts';
import { LineCutter } from '../../../lib/verify/records/line-cutter.ts';

const record = (seq: number, note: string): string =>
  recordLine(
    { trail: 'orders', seq, prev: Buffer.alloc(32).toString('hex'), receivedAt: 1, submitter: 's' },
    `{"n":${note}}`,
  );

/** A usual line, one with an escape and one with a number that the quick scanner leaves, one of no record, and another usual one. */
const LINES = [record(0, '"é"'), record(1, '"\\u0001"'), record(2, '1e+21'), 'no record', record(4, '5')];

function cut(chunks: readonly Buffer[]): { lines: Line[]; reports: string[]; isWhole: boolean } {
  const lines: Line[] = [];
  const reports: string[] = [];
  const cutter = new LineCutter({
    reader: new LineReader('orders'),
    object: 'a segment',
    report: (kind) => reports.push(kind),
    each: (line) => lines.push(line),
  });
  for (const chunk of chunks) cutter.add(Buffer.from(chunk));
  return { lines, reports, isWhole: cutter.finish() };
}

describe('the lines of a segment', () => {
  const text = Buffer.from(`${LINES.join('\n')}\n`);

  test.each([1, 2, 7, 100, 199, 1000])('are the same in chunks of %i bytes', (size) => {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, n) =>
      text.subarray(n * size, (n + 1) * size),
    );
    const { lines, reports, isWhole } = cut(chunks);
    expect(lines.map(({ leaf }) => leaf.toString())).toEqual(LINES.map((line) => `\0${line}`));
    expect(lines.map(({ length }) => length)).toEqual(LINES.map((line) => Buffer.byteLength(line)));
    expect(lines.map(({ seq }) => seq)).toEqual([0, 1, 2, UNREADABLE, 4]);
    expect(reports).toEqual(['malformed_record']);
    expect(isWhole).toBe(true);
  });

  test('that end without a line feed are handed out, and it is said', () => {
    const { lines, isWhole } = cut([text.subarray(0, -1)]);
    expect([lines.length, isWhole]).toEqual([5, false]);
  });

  test('that are longer than any record come in parts, so that memory stays bounded', () => {
    const { lines, reports } = cut(Array.from({ length: 10 }, () => Buffer.alloc(50_000, 'x')));
    expect(lines.length).toBeGreaterThan(3);
    expect(new Set(reports)).toEqual(new Set(['malformed_record']));
  });
});
