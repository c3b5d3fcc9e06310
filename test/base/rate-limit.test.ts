import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../lib/base/rate-limit.ts';

describe('a limit of two a second, three at once', () => {
  it('lets three through, then one every half second, and saves up no more than three', () => {
    let now = 1_000;
    const limit = new RateLimit(2, 3, () => now);
    const take = (times: number) => Array.from({ length: times }, () => limit.take()).filter(Boolean).length;
    expect(take(10)).toBe(3);
    now += 499;
    expect(take(10)).toBe(0);
    now += 1;
    expect(take(10)).toBe(1);
    now += 1_000;
    expect(take(10)).toBe(2);
    now += 3_600_000;
    expect(take(10)).toBe(3);
  });
});
