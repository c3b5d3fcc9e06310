import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskValue } from '../../lib/privacy/mask.ts';
import { parseNested } from '../../lib/privacy/nested-json.ts';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';
import { HAS_BRACKET, MAY_BE_JSON, MAY_HOLD_ADDRESS, MAY_HOLD_SECRET, marksOf } from '../../lib/privacy/prefilter.ts';
import { KeyMatcher } from '../../lib/privacy/secret-keys.ts';
import { redactText, SECRET_PATTERNS } from '../../lib/privacy/secret-text.ts';
import { REDACTED } from '../../lib/privacy/secret-value.ts';

const KEYS = new KeyMatcher(DEFAULT_POLICY.redactKeys);

const piece = fc.oneof(
  fc.constantFrom(
    'a@b.cc',
    'a%40b.cc',
    '::1',
    'fe80::1',
    '1.2.3.4',
    '10.0.0.1',
    '4111111111111111',
    '30569309025904',
    '://a:b@',
  ),
  fc.constantFrom(['AKIA', 'A'.repeat(16)].join(''), 'bearer 0123456789abcdef', 'basic 0123456789abcdef', REDACTED),
  fc.constantFrom(
    `ghp_${'a'.repeat(36)}`,
    `sk-${'a1'.repeat(16)}`,
    'password=x1',
    '--password x1',
    ' -u me:x1 ',
    'curl',
    '{"a":1}',
    '["ab"]',
    'Basic YTpiYw==',
    'eyJaaaaaaaaaaaa..',
    '-----BEGIN PRIVATE KEY-----',
    '@',
    '.',
    ':',
    '%',
    '[',
    '1',
    ' ',
  ),
  fc.string({ maxLength: 3 }),
);
const text = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''));

describe('the first look at a text', () => {
  it('misses nothing that a second look would change', () => {
    fc.assert(
      fc.property(text, (value) => {
        const marks = marksOf(value);
        if ((marks & MAY_HOLD_SECRET) === 0) expect(redactText(value, SECRET_PATTERNS, KEYS)).toBe(value);
        if ((marks & MAY_HOLD_ADDRESS) === 0) expect(maskValue(value)).toBe(value);
        if ((marks & MAY_BE_JSON) === 0) expect(parseNested(value)).toBeUndefined();
        if ((marks & HAS_BRACKET) === 0) expect(value).not.toContain(REDACTED);
      }),
      { numRuns: 5000 },
    );
  });

  it.each(['', 'alice', 'invoice.paid', '2026-11-21', '12.5', 'a/b_c-d', 'EUR', '#1234'])(
    'needs no second for %j',
    (value) => {
      expect(marksOf(value)).toBe(0);
    },
  );
});
