import { describe, expect, it } from 'vitest';
import { isMaskedIp, maskValue } from '../../lib/privacy/mask.ts';
import { maskTags } from '../../lib/privacy/mask-tag.ts';

const tag = maskTags(Buffer.alloc(32, 1));
const other = maskTags(Buffer.alloc(32, 2));

describe('tags of masked addresses', () => {
  it('tell people apart who are masked alike, and one person never from herself', () => {
    const people = Array.from({ length: 20_000 }, (_, i) => `u${i}@example.com`);
    const masked = people.map((person) => maskValue(person, tag));
    expect(new Set(masked).size).toBe(people.length);
    expect(masked[0]).toMatch(/^(?:u)?\*\*\*~[a-z2-7]{12}@example\.com$/);
    expect(maskValue('mail from U7@Example.com', tag).slice(-32, -12)).toContain(
      maskValue('u7@example.com', tag).slice(3, 16),
    );
  });

  it('are the same for every writing of an address', () => {
    const tagOf = (address: string): string => /~[a-z2-7]{12}/.exec(maskValue(address, tag))?.[0] ?? '';
    expect(tagOf('2001:db8::1')).toBe(tagOf('2001:0DB8:0:0:0:0:0:1'));
    expect(tagOf('::ffff:203.0.113.7')).toBe(tagOf('203.0.113.7'));
    expect(tagOf('203.0.113.7')).not.toBe(tagOf('203.0.113.8'));
    expect(isMaskedIp(maskValue('203.0.113.7', tag))).toBe(true);
    expect(isMaskedIp(maskValue('2001:db8::1', tag))).toBe(true);
  });

  it('are another log’s in another log, and need a secret that is one', () => {
    expect(maskValue('alice@example.com', tag)).not.toBe(maskValue('alice@example.com', other));
    expect(() => maskTags(Buffer.alloc(16))).toThrow(RangeError);
  });

  it.each([
    'alice@example.com',
    'from 203.0.113.7:80, [2001:db8::1]:443 by a@b.cc@d.ee and x%40y.zz.',
    '::1 ::ffff:1.2.3.4 1.2.3.4',
    'a***@example.com 203.0.113.*** 2001:db8:0:***',
  ])('stay as they are, with this tag, another or none: %s', (text) => {
    const masked = maskValue(text, tag);
    for (const again of [maskValue(masked, tag), maskValue(masked, other), maskValue(masked)])
      expect(again).toBe(masked);
  });
});
