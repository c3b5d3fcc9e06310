import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../lib/privacy/policy.ts';
import { KeyMatcher } from '../../lib/privacy/secret-keys.ts';
import { isCardNumber, redactText, SECRET_PATTERNS, type SecretPattern } from '../../lib/privacy/secret-text.ts';

const KEYS = new KeyMatcher(DEFAULT_POLICY.redactKeys);
const JWT_PART = 'eyJhbGciOiJIUzI1NiJ9';
// Put together here, lest a scanner of this repository takes the test for a leak.
const AWS_KEY = ['AKIA', 'IOSFODNN7EXAMPLE'].join('');
const PEM = [
  '-----BEGIN RSA PRIVATE KEY-----',
  'Proc-Type: 4,ENCRYPTED',
  '',
  'MIIB',
  '-----END RSA PRIVATE KEY-----',
].join('\n');

const FOUND: readonly (readonly [SecretPattern, string, string])[] = [
  // Test numbers that the card networks publish.
  ['card_number', 'card 4111111111111111 declined', 'card [redacted] declined'],
  ['card_number', '4111 1111 1111 1111', '[redacted]'],
  ['card_number', '5555-5555-5555-4444', '[redacted]'],
  ['card_number', '2223003122003222', '[redacted]'],
  ['card_number', '3782 822463 10005', '[redacted]'],
  ['card_number', '6011111111111117,3530111333300000', '[redacted],[redacted]'],
  ['card_number', '30569309025904', '[redacted]'],
  ['card_number', '6200000000000005', '[redacted]'],
  ['bearer_token', 'sent Bearer abcdef.ghijkl-mnopqr_123==', 'sent Bearer [redacted]'],
  ['bearer_token', 'with bEaReR abcdef.ghijkl_123', 'with bEaReR [redacted]'],
  ['assignment', 'Authorization: Bearer abcdef', 'Authorization: Bearer [redacted]'],
  ['bearer_token', 'basic dXNlcjpwYXNzd29yZA==', 'basic [redacted]'],
  ['jwt', `saw ${JWT_PART}.${JWT_PART}.c2ln!`, 'saw [redacted]!'],
  ['jwt', `${JWT_PART}.a.b.c.d`, '[redacted]'],
  ['aws_key', `key ${AWS_KEY}.`, 'key [redacted].'],
  ['aws_key', AWS_KEY.replace('AKIA', 'ASIA'), '[redacted]'],
  ['github_token', `ghp_${'a1B2'.repeat(9)}`, '[redacted]'],
  ['github_token', `github_pat_${'a1_B'.repeat(20)} x`, '[redacted] x'],
  ['private_key', `a ${PEM} b`, 'a [redacted] b'],
  ['private_key', PEM.slice(0, -32), '[redacted]'],
  ['url_credentials', 'postgres://app:s3cr3t:x@db.example:5432/x', 'postgres://[redacted]@db.example:5432/x'],
  ['url_credentials', 'https://oauth2:@git.example/', 'https://[redacted]@git.example/'],
];

describe('secrets inside text', () => {
  it.each(FOUND)('%s: %s becomes %s', (_kind, text, redacted) => {
    expect(redactText(text, SECRET_PATTERNS, KEYS)).toBe(redacted);
  });

  it.each(FOUND)('%s is looked for only where it is asked for', (kind, text, redacted) => {
    expect(redactText(text, [kind], KEYS)).toBe(redacted);
    expect(
      redactText(
        text,
        SECRET_PATTERNS.filter((other) => other !== kind),
        KEYS,
      ),
    ).not.toBe(redacted);
  });

  it('knows a card number that is a number', () => {
    expect(isCardNumber(4111111111111111)).toBe(true);
    expect(
      [4111111111111112, 1732160000000000, 12.5, -4111111111111111, 4.111111111111111e20].filter(isCardNumber),
    ).toEqual([]);
  });
});

describe('what only looks like one', () => {
  it.each([
    ['4111111111111112', 'a wrong check digit'],
    ['1732160000000', 'a time in milliseconds'],
    ['1732160000000008', 'a time in microseconds, with a check digit that fits'],
    ['41111111111111110000', 'a longer number'],
    ['order-4111111111111111', 'a part of a word'],
    ['0.4111111111111111', 'a fraction'],
    ['12345678-1234-4111-8111-111111111111', 'a UUID'],
    ['41111111-1111-4111-8111-111111111111', 'another'],
    ['4111 11111111 1111', 'other groups'],
    ['basic responsibilities', 'words'],
    ['bearer of bad news', 'more words'],
    ['eyJhbGciOiJIUzI1NiJ9', 'a header alone'],
    ['AKIA1234', 'too short for a key'],
    [`X${AWS_KEY}`, 'a part of a longer word'],
    ['-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----', 'a public key'],
    ['https://example.com:8080/@user', 'a port and a path'],
    ['see https://a.example and mail b@c.example', 'an address after a URL'],
    ['ghp_short', 'too short for a token'],
  ])('%s: %s', (text) => {
    expect(redactText(text, SECRET_PATTERNS, KEYS)).toBe(text);
  });
});

describe('redaction of text', () => {
  it('changes nothing that it has redacted already, whatever stands around it', () => {
    const piece = fc.oneof(
      fc.constantFrom(...FOUND.map(([, text]) => text)),
      fc.constantFrom(
        ' ',
        '-',
        '.',
        '@',
        '://',
        'a',
        '4',
        'Bearer ',
        'basic ',
        'password=',
        'token: ',
        'Authorization: ',
        'Cookie: a=',
        '--password ',
        'curl -u a:',
        '"',
        "'",
        ';',
        '&',
        ',',
        '=',
        'eyJ',
        '_',
        '\n',
        '[',
        ']',
        '-----BEGIN PRIVATE KEY-----',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const redacted = redactText(pieces.join(''), SECRET_PATTERNS, KEYS);
        expect(redactText(redacted, SECRET_PATTERNS, KEYS)).toBe(redacted);
      }),
      { numRuns: 1000 },
    );
  });
});
