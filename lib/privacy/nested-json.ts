import { randomUUID } from 'node:crypto';
import { parseJson } from '../log/json.ts';

/** JSON inside a text, as tool calls, message queues and Kubernetes annotations carry it. */
export interface NestedJson {
  /** The object or list. */
  readonly value: object;
  /** The JSON of what was made of the value, without white space. Numbers have the digits that they had in the text. */
  readonly write: (value: unknown) => string;
}

/** Levels of objects and lists: deeper values are looked at as plain text. */
const MAX_DEPTH = 64;
const SHORTEST = 6;
/** Strings and numbers of JSON text. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs;
/** Marks of numbers that a double may not give back as written. */
const LONG_NUMBER = /\d{16}|\d[.eE]|-0/;

/** The object or list that a text is the JSON of, or undefined where it is none. */
export function parseNested(text: string): NestedJson | undefined {
  if (text.length < SHORTEST || !/^\s{0,64}[{[]/.test(text) || isDeep(text)) return undefined;
  const literals: string[] = [];
  const standIn = randomUUID(); // so that no string of the text is one of ours
  const replaced = LONG_NUMBER.test(text)
    ? text.replace(TOKEN, (token) =>
        token.startsWith('"') || String(Number(token)) === token ? token : `"${standIn}${literals.push(token) - 1}"`,
      )
    : text;
  let value: unknown;
  try {
    value = parseJson(replaced);
  } catch {
    return undefined; // it only begins like JSON
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const ours = new RegExp(`"${standIn}(\\d+)"`, 'g');
  const write = (scrubbed: unknown): string =>
    JSON.stringify(scrubbed).replace(ours, (_, index: string) => literals[Number(index)] ?? '');
  return { value, write };
}

/** True if brackets go deeper than is looked at; those within strings count too, which only makes it more careful. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === 0x7b || c === 0x5b) depth++;
    else if (c === 0x7d || c === 0x5d) depth--;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}
