import { describe, expect, it } from 'vitest';
import { fits, patternOf } from '../../lib/question/patterns.ts';

const isFound = (pattern: string, value: string): boolean => fits(patternOf(pattern), value);

describe('a value of a filter', () => {
  it.each([
    ['alice', 'alice', true],
    ['alice', 'alice2', false],
    ['doc-*', 'doc-7', true],
    ['doc-*', 'my doc-7', false],
    ['*@example.com', 'bob@example.com', true],
    ['*@example.com', 'bob@example.community', false],
    ['*doc*', 'my doc-7', true],
    ['*', 'anything', true],
    // As masking leaves them.
    ['a***@example.com', 'a***@example.com', true],
    ['a***@example.com', 'alice@example.com', false],
    ['***@example.com', '***@example.com', true],
    ['203.0.113.***', '203.0.113.***', true],
    ['203.0.113.***', '203.0.113.7', false],
    ['203.0.*', '203.0.113.***', true],
    // Stars themselves.
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a\\*b', 'a*b', true],
    ['C:\\dir', 'C:\\dir', true],
  ])('%s finds %s: %s', (pattern, value, expected) => {
    expect(isFound(pattern, value)).toBe(expected);
  });

  it.each(['a*b', '*a*b*', 'a*b***'])('%s is refused: a star in the middle stands for nothing', (pattern) => {
    expect(() => patternOf(pattern)).toThrow(
      expect.objectContaining({
        code: 'invalid_parameter',
        message: expect.stringContaining('at the beginning or the end'),
      }),
    );
  });
});
