/**
 * Escapes characters as `\uXXXX`, like JSON (RFC 8259 section 7).
 *
 * @example
 * unicodeEscape('\u202e'); // '\\u202e'
 */
export const unicodeEscape = (text: string): string =>
  Array.from({ length: text.length }, (_, at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
