import fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareBytes, lowerBound } from '../../../lib/testing/memory/byte-order.ts';

const text = fc.string({ unit: 'binary' });
const sign = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

it('orders texts as their UTF-8 bytes are ordered', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(sign(a, b));
    }),
  );
  // Where UTF-16 order differs: U+FFFD is one unit, U+1F600 two that are below it.
  expect(compareBytes('\ufffd', '\u{1f600}')).toBeLessThan(0);
  expect('\ufffd' < '\u{1f600}').toBe(false);
});

it('finds where a text belongs', () => {
  fc.assert(
    fc.property(fc.array(text), text, (texts, wanted) => {
      const sorted = texts.toSorted(sign);
      expect(lowerBound(sorted, wanted)).toBe(sorted.filter((each) => sign(each, wanted) < 0).length);
    }),
  );
});
