import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesTrail, TRAIL_PATTERN } from '../../lib/contract/trail-pattern.ts';

describe('a pattern of trail names', () => {
  it.each([
    ['orders', 'orders'],
    ['*', 'orders'],
    ['*', '_system'],
    ['orders-*', 'orders-'],
    ['orders-*', 'orders-eu'],
    ['*-eu', 'orders-eu'],
    ['*-eu', '-eu'],
    ['o*-*u', 'orders-de-eu'],
    ['a**b', 'ab'],
    ['*a*a', 'aa'],
  ])('%s matches %s', (pattern, trail) => {
    expect(matchesTrail(pattern, trail)).toBe(true);
  });

  it.each([
    ['orders', 'orders-eu'],
    ['orders', 'order'],
    ['orders-*', 'orders'],
    ['orders-*', 'my-orders-eu'],
    ['*-eu', 'orders-eu-1'],
    ['eu*eu', 'eu'],
    ['a*b*c', 'ac'],
    ['*a*a', 'a'],
    ['', 'orders'],
    ['orders.', 'ordersx'],
  ])('%s does not match %s', (pattern, trail) => {
    expect(matchesTrail(pattern, trail)).toBe(false);
  });

  it('matches what the expression with .* for each star matches', () => {
    const letters = fc.constantFrom('a', 'b', '-');
    const pattern = fc.array(fc.oneof(letters, fc.constant('*')), { maxLength: 8 }).map((parts) => parts.join(''));
    const trail = fc.array(letters, { maxLength: 10 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, trail, (glob, name) => {
        expect(matchesTrail(glob, name)).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(name));
      }),
      { numRuns: 1000 },
    );
  });

  it('finds in time that it does not match, however many stars it has', () => {
    expect(matchesTrail(`${'a*'.repeat(31)}b`, 'a'.repeat(100_000))).toBe(false);
  });

  it.each(['orders', '*', 'payments-*', '_system', '*-eu', 'a*b', '9'])('may be %j', (pattern) => {
    expect(TRAIL_PATTERN.test(pattern)).toBe(true);
  });

  it.each(['', 'Orders', 'a_b', '-a', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(64)])('may not be %j', (pattern) => {
    expect(TRAIL_PATTERN.test(pattern)).toBe(false);
  });
});
