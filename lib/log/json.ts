import { randomUUID } from 'node:crypto';

/** Whether a value is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object's own member: `__proto__` and its like are names as any other. */
export function ownMember(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

/** Whether a value is a count: a whole number from 0 that a double keeps exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** A string in JSON text, with the colon behind it where it is a key. Linear in a text that `JSON.parse` has taken. */
const STRINGS = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/gs;

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
  const keys: string[] = [];
  const standIn = randomUUID(); // so that no key in the text begins with it
  const replaced = text.replace(STRINGS, (token, string: string, colon?: string) =>
    colon && string.includes('\\') ? `"${standIn}${keys.push(JSON.parse(string)) - 1}":` : token,
  );
  if (keys.length === 0) return value;
  const keyOf = (key: string) => (key.startsWith(standIn) ? keys[Number(key.slice(standIn.length))] : key);
  return JSON.parse(replaced, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    // Members keep their places; of those that come to the same key the last one counts, as with JSON.parse.
    return Object.fromEntries(Object.entries(member).map(([key, of]) => [keyOf(key), of]));
  });
}
