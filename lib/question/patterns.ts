import { SealtrailError } from '../log/error.ts';

/** A filter's value: one value, or a pattern by beginning, end or both. */
export interface ValuePattern {
  /** `any`: every value there is. */
  readonly kind: 'whole' | 'prefix' | 'suffix' | 'part' | 'any';
  readonly text: string;
}

/** The rule of patterns, for error messages. */
const PATTERN_RULE =
  'takes * at the beginning or the end of a value, such as *@example.com or doc-*; \\* is a star itself';

/**
 * Reads a value of a filter. One `*` at its beginning or end stands for any characters, alone for any value. Several stars in a row,
 * as masking leaves them (`a***@example.com`), stand for themselves, and so does `\*`.
 *
 * @throws `invalid_parameter` for a star in the middle
 *
 * @example
 * patternOf('*@example.com');     // { kind: 'suffix', text: '@example.com' }
 * patternOf('a***@example.com');  // { kind: 'whole', text: 'a***@example.com' }
 */
export function patternOf(value: string): ValuePattern {
  const opens = /^\*(?!\*)/.test(value);
  const closes = value.length > 1 && /(?<![*\\])\*$/.test(value);
  const inner = value.slice(opens ? 1 : 0, closes ? -1 : undefined);
  if (/(?<![*\\])\*(?!\*)/.test(inner)) throw new SealtrailError('invalid_parameter', PATTERN_RULE);
  const text = inner.replaceAll('\\*', '*');
  if (opens && text === '') return { kind: 'any', text };
  if (opens) return { kind: closes ? 'part' : 'suffix', text };
  return { kind: closes ? 'prefix' : 'whole', text };
}

/** A value of a filter that stands for one value only, whatever stars are in it. */
export function literalValue(value: string): string {
  try {
    if (patternOf(value).kind === 'whole') return value;
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error;
  }
  return value.replaceAll('*', '\\*');
}

/** True if a value is what a pattern stands for. */
export function fits({ kind, text }: ValuePattern, value: string): boolean {
  switch (kind) {
    case 'whole':
      return value === text;
    case 'prefix':
      return value.startsWith(text);
    case 'suffix':
      return value.endsWith(text);
    case 'part':
      return value.includes(text);
    case 'any':
      return true;
  }
}
