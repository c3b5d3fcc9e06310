import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Line, UNREADABLE } from '../../../lib/verify/records/check-line.ts';
import { SegmentAligner } from '../../../lib/verify/records/segment-aligner.ts';

const lineOf = (seq: number): Line => new Line(Buffer.alloc(1), 0, 1, '', seq, 0, '');

/** What becomes of lines that say they are these records, in a segment of records 10 to 19. */
function align(...seqs: readonly number[]): {
  placed: (readonly [number, number])[];
  reports: string[];
  overfull: boolean;
} {
  const placed: (readonly [number, number])[] = [];
  const reports: string[] = [];
  const aligner = new SegmentAligner(
    10,
    19,
    (seq, line) => placed.push([seq, line.seq]),
    (kind, seq, _, lastSeq) =>
      reports.push(`${kind} ${seq}${lastSeq === undefined || lastSeq === seq ? '' : `-${lastSeq}`}`),
  );
  for (const seq of seqs) aligner.add(lineOf(seq));
  aligner.finish();
  return { placed, reports, overfull: aligner.isOverfull };
}

const all = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
const inPlace = (seqs: readonly number[]): (readonly [number, number])[] => seqs.map((seq) => [seq, seq] as const);

describe('the lines of a segment', () => {
  test('stand where they say, when all are there', () => {
    expect(align(...all)).toEqual({ placed: inPlace(all), reports: [], overfull: false });
  });

  test.each([
    ['the first', 10, 10],
    ['one in the middle', 14, 14],
    ['several in the middle', 12, 16],
    ['the last', 19, 19],
    ['the last but one', 18, 18],
    ['all but one', 11, 19],
  ])('without %s: it is missing, and the others are not blamed', (_, from, to) => {
    const rest = all.filter((seq) => seq < from || seq > to);
    expect(align(...rest)).toEqual({
      placed: inPlace(rest),
      reports: [`missing_records ${from}${from === to ? '' : `-${to}`}`],
      overfull: false,
    });
  });

  test.each([
    ['twice in a row', [10, 11, 11, 12, 13, 14, 15, 16, 17, 18, 19], ['wrong_seq 11']],
    ['again later', [10, 11, 12, 13, 11, 14, 15, 16, 17, 18, 19], ['wrong_seq 11']],
    ['too early', [10, 13, 11, 12, 13, 14, 15, 16, 17, 18, 19], ['wrong_seq 11']],
  ])('with one %s: it takes no one’s place', (_, seqs, reports) => {
    expect(align(...seqs)).toEqual({ placed: inPlace(all), reports, overfull: false });
  });

  test('with a wrong number on one of them: it stands where it stands', () => {
    const { placed, reports } = align(10, 11, 99, 13, 14, 5, 16, 17, 18, 19);
    expect(placed).toContainEqual([12, 99]);
    expect(placed).toContainEqual([15, 5]);
    expect(reports).toEqual(['wrong_seq 12', 'wrong_seq 15']);
  });

  test('with one that is no record: in its place, unless the next one is due there', () => {
    expect(align(10, UNREADABLE, 12, 13, 14, 15, 16, 17, 18, 19)).toMatchObject({
      placed: expect.arrayContaining([[11, UNREADABLE]]),
      reports: [],
    });
    expect(align(10, UNREADABLE, 11, 12, 13, 14, 15, 16, 17, 18, 19)).toEqual({
      placed: inPlace(all),
      reports: [],
      overfull: false,
    });
  });

  test('beyond the last are reported once, and what follows is not looked at', () => {
    expect(align(...all, 20, 21, 22)).toEqual({ placed: inPlace(all), reports: ['wrong_range 20'], overfull: true });
    expect(align(...all, UNREADABLE)).toEqual({ placed: inPlace(all), reports: ['wrong_range 19'], overfull: true });
  });

  test('none at all', () => {
    expect(align()).toEqual({ placed: [], reports: ['missing_records 10-19'], overfull: false });
  });

  test('whatever they say, each place is taken at most once, in order, and any difference is reported', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 8, max: 22 }), fc.constant(UNREADABLE)), { maxLength: 14 }),
        (seqs) => {
          const { placed, reports } = align(...seqs);
          const places = placed.map(([seq]) => seq);
          expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
          expect(places.every((seq) => seq >= 10 && seq <= 19)).toBe(true);
          const isRight = seqs.filter((seq) => seq !== UNREADABLE).join() === all.join();
          if (!seqs.includes(UNREADABLE)) expect(reports.length === 0).toBe(isRight);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
