import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupBy } from '../../lib/base/group-by.ts';

describe('groupBy', () => {
  it('does what Map.groupBy does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 })), (values) => {
        const keyOf = (value: number) => (value === 0 ? Number.NaN : Math.abs(value));
        expect([...groupBy(values, keyOf)]).toEqual([...Map.groupBy(values, keyOf)]);
      }),
    );
  });
});
