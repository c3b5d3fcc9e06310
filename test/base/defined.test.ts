import { expect, it } from 'vitest';
import { defined } from '../../lib/base/defined.ts';
import { unicodeEscape } from '../../lib/base/escape.ts';

it('leaves out what is undefined, and nothing else', () => {
  const from: number | undefined = undefined;
  expect(Object.keys(defined({ from, to: 0, note: '', last: null, is: false }))).toEqual(['to', 'note', 'last', 'is']);
});

it('writes a character as its escape, one beyond U+FFFF as two', () => {
  expect(unicodeEscape('\u0007')).toBe('\\u0007');
  expect(unicodeEscape('\u{e0001}')).toBe('\\udb40\\udc01');
  expect(JSON.parse(`"${unicodeEscape('\u{e0001}')}"`)).toBe('\u{e0001}');
});
