import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SegmentIndex, segmentKey } from '../../../lib/verify/evidence/segment-index.ts';

const DAY = Date.UTC(2026, 10, 21);

const segments = fc.array(
  fc.tuple(fc.nat(60), fc.nat(8)).map(([first, more]) => ({ first, last: first + more, day: DAY })),
  { maxLength: 20 },
);

describe('the index of segments', () => {
  test('finds those that hold some records, whatever gaps and overlaps there are', () => {
    fc.assert(
      fc.property(segments, fc.nat(70), fc.nat(20), (all, from, more) => {
        const index = SegmentIndex.of(all);
        const to = from + more;
        const inOrder = all.toSorted((a, b) => a.first - b.first || a.last - b.last);
        expect([...index.all()]).toEqual(inOrder);
        expect([...index.overlapping(from, to)]).toEqual(
          inOrder.filter(({ first, last }) => first < to && last >= from),
        );
        const held = all.flatMap(({ first, last }) => (last >= from ? [Math.max(first, from)] : []));
        expect(index.next(from)).toBe(held.length === 0 ? undefined : Math.min(...held));
        expect(index.end()).toBe(Math.max(0, ...all.map(({ last }) => last + 1)));
        expect(index.length).toBe(all.length);
      }),
    );
  });

  test('names a segment by its day and its records', () => {
    expect(segmentKey('orders', { first: 5, last: 17, day: DAY })).toBe(
      'orders/records/dt=2026-11-21/0000000000000005-0000000000000017.jsonl.gz',
    );
  });
});
