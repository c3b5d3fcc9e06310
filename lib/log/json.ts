import { randomUUID } from 'node:crypto';

/** True if a value is a JSON object: neither null nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object's own member; `__proto__` and the like are ordinary names. */
export function ownMember(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

/** True if a value is a count: a whole number from 0 to 2^53 - 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** A string in JSON text, followed by its colon if it is a key. Linear on text that `JSON.parse` has accepted. */
const STRINGS = /("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?/gs;

/**
 * Parses JSON like `JSON.parse`, without its flaw in V8 13.6, the engine of Node 24. V8 compares a key with the key at the
 * same place of an earlier object of the same shape, and compares the source text instead of the decoded key: after
 * `{"a":1,"\\":1}`, it reads `{"a":1,"\n":1}` as the former. A sender could thereby change the keys of someone else's
 * event. Only keys written with an escape are affected; they get stand-in names during parsing (docs/adr/0017).
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
    // Members keep their order; of duplicate keys the last one wins, as with JSON.parse.
    return Object.fromEntries(Object.entries(member).map(([key, of]) => [keyOf(key), of]));
  });
}
