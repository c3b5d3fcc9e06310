import { randomUUID } from 'node:crypto';

/** A string in JSON text, with the colon behind it where it is a key. Linear in a text that `JSON.parse` has taken. */
const STRINGS = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?/gs;

/**
 * What a JSON text means: `JSON.parse`, but for its flaw in V8 13.6, the engine of Node 24. That compares a key with the
 * one that came in this place in an object of the same shape before, and compares what is written, not what is meant: once
 * it has read `{"a":1,"\\":1}`, it reads `{"a":1,"\n":1}` as the former. Whoever may send one event could so change the keys
 * of another's. Only keys that are written with an escape are concerned; those stand under other names while the text is
 * read (docs/adr/0017).
 *
 * @throws SyntaxError as `JSON.parse`
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!text.includes('\\')) return value;
  const standIns = new Map<string, string>();
  const prefix = randomUUID(); // so that no key in the text can be one
  const replaced = text.replace(STRINGS, (token) => {
    if (!token.endsWith(':') || !token.includes('\\')) return token;
    const key: string = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)); // a string, and alone
    const standIn = `${prefix}${standIns.size}`;
    standIns.set(standIn, key);
    return `"${standIn}":`;
  });
  if (standIns.size === 0) return value;
  return JSON.parse(replaced, (_, member: unknown) => renamed(member, standIns));
}

/** Members keep their places; of those that come to the same name the last one counts, as with `JSON.parse`. */
function renamed(member: unknown, standIns: ReadonlyMap<string, string>): unknown {
  if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
  const entries = Object.entries(member);
  if (!entries.some(([key]) => standIns.has(key))) return member;
  return Object.fromEntries(entries.map(([key, of]) => [standIns.get(key) ?? key, of]));
}
