import { describe, expect, it } from 'vitest';
import { assertSameKey } from '../../../functions/deployment/public-key.ts';

/** A key that was replaced is noticed before the functions sign with it. */
describe('an update of the stack', () => {
  it('with the key of the log goes on', () => {
    expect(assertSameKey('4f2a', '4f2a')).toBeUndefined();
  });

  it('with another key in its place is refused', () => {
    expect(() => assertSameKey('4f2a', '99cc')).toThrow(/^the key 4f2a signs this log and cannot be replaced by 99cc/);
  });
});
