import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExactNumber } from '../../lib/json/exact-number.ts';

describe('numbers that are kept as they were sent', () => {
  it.each([
    ['0', 'zero'],
    ['-0', 'a sign that has no meaning'],
    ['0.000e-400', 'zero, however it is written'],
    ['1.0', 'zeros that say nothing'],
    ['1500e-2', 'any notation'],
    ['0.1', 'a decimal that the nearest double gives back'],
    ['0.30000000000000004', 'the shortest form of a double, as JavaScript, Python and Go write it'],
    ['0.10000000000000001', 'the form of C, with 17 digits'],
    ['0.1000000000000000055511151231257827', 'more of what the double is'],
    ['9007199254740991', 'the largest integer that has no neighbour'],
    ['-9007199254740991', 'the smallest'],
    ['9.007199254740991e15', 'the same with an exponent'],
    ['5e-324', 'the smallest double'],
    ['2.2250738585072014e-308', 'the smallest normal double'],
    ['1424953923781206.2', 'half of the last digit rounded to even, as JavaScript does (RFC 8785 appendix B)'],
    ['562949953421312.12', 'and as C does'],
    ['562949953421312.13', 'or up'],
    ['2251799813685248.5', 'a half where doubles are halves apart'],
  ])('%s: %s', (literal) => {
    expect(isExactNumber(literal)).toBe(true);
  });
});

describe('numbers that would be changed', () => {
  it.each([
    ['9007199254740992', '2^53 stands for its neighbour too'],
    ['9007199254740993', 'it has no double'],
    ['-9007199254740993', 'nor has this'],
    ['12345678901234567890', 'an identifier of 64 bits'],
    ['1e20', 'beyond 2^53 in any notation, though a double has it'],
    ['1e400', 'it would be infinite'],
    ['-1e400', 'and this'],
    ['1e-400', 'it would be zero'],
    ['3e-324', 'it would be 5e-324'],
    ['0.1234567890123456789', 'its end would be lost'],
    ['2251799813685248.3', 'it would be .5'],
    ['1.00000000000000001', 'it would be 1'],
    ['1e99999999999999999999', 'an exponent that is no number itself'],
    ['-1e-99999999999999999999', 'nor is this'],
    [`0.${'1'.repeat(200)}`, 'two hundred digits'],
  ])('%s: %s', (literal) => {
    expect(isExactNumber(literal)).toBe(false);
  });
});

describe('for any double within ±(2^53 - 1)', () => {
  const double = fc.double({ noNaN: true, min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });

  it('takes what JavaScript writes, and what C writes with 17 digits', () => {
    fc.assert(
      fc.property(double, (number) => {
        expect(isExactNumber(JSON.stringify(number))).toBe(true);
        expect(isExactNumber(number.toExponential(16))).toBe(true);
      }),
    );
  });

  it('takes a decimal just if rounding the double to its digits gives it back', () => {
    // Both as integers times ten to the same power, without any double in between.
    const decimal = fc.tuple(fc.bigInt({ min: 1n, max: 10n ** 25n }), fc.integer({ min: -30, max: -1 }));
    fc.assert(
      fc.property(decimal, ([digits, exponent]) => {
        const literal = `${digits}e${exponent}`;
        fc.pre(Number(literal) <= Number.MAX_SAFE_INTEGER);
        const significant = String(digits).replace(/0+$/, '');
        // The double lies within half a unit of the last digit sent: both taken apart into integers.
        const exact = exactly(Number(literal));
        const unit = exactly(1, exponent + String(digits).length - significant.length);
        const sent = { above: BigInt(significant) * unit.above, below: unit.below };
        const gap = abs(exact.above * sent.below - sent.above * exact.below) * 2n;
        expect(isExactNumber(literal)).toBe(gap * unit.below <= unit.above * exact.below * sent.below);
      }),
    );
  });
});

/** A double times a power of ten, as the fraction that it is. */
function exactly(number: number, power = 0): { above: bigint; below: bigint } {
  let below = 1n;
  let above = number;
  while (!Number.isInteger(above)) {
    above *= 2;
    below *= 2n;
  }
  return power < 0
    ? { above: BigInt(above), below: below * 10n ** BigInt(-power) }
    : { above: BigInt(above) * 10n ** BigInt(power), below };
}

function abs(number: bigint): bigint {
  return number < 0n ? -number : number;
}
