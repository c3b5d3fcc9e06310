import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Runs } from '../../../lib/verify/evidence/number-ranges.ts';

const small = fc.nat(40);

describe('a set of numbers in runs', () => {
  test('answers like a set, in whatever order and how often they were added', () => {
    fc.assert(
      fc.property(fc.array(small, { maxLength: 60 }), small, small, (values, a, b) => {
        const runs = new Runs();
        for (const value of values) runs.add(value);
        const set = new Set(values);
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const range = Array.from({ length: to - from }, (_, at) => from + at);
        const numbers = (pairs: Iterable<readonly [number, number]>): number[] =>
          [...pairs].flatMap(([start, end]) => Array.from({ length: end - start }, (_, at) => start + at));
        const sorted = [...set].sort((x, y) => x - y);
        expect(numbers(runs.pairs())).toEqual(sorted);
        expect(range.filter((value) => runs.has(value))).toEqual(range.filter((value) => set.has(value)));
        expect(runs.next(from)).toBe(sorted.find((value) => value >= from));
        expect(numbers(runs.missing(from, to))).toEqual(range.filter((value) => !set.has(value)));
        expect(numbers(runs.within(from, to).pairs())).toEqual(sorted.filter((value) => value >= from && value < to));
        expect(numbers(runs.beyond(to, 4))).toEqual(sorted.filter((value) => (value + 1) * 4 > to));
      }),
    );
  });

  test('is one run for numbers in a row, however many', () => {
    const runs = new Runs();
    for (let value = 0; value < 100_000; value++) runs.add(value);
    expect(runs.pairs()).toEqual([[0, 100_000]]);
  });

  test('is made of pairs in any order', () => {
    expect(
      Runs.of([
        [5, 7],
        [0, 2],
        [2, 4],
        [6, 9],
      ]).pairs(),
    ).toEqual([
      [0, 4],
      [5, 9],
    ]);
  });
});
