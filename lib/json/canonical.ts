import canonicalize from 'canonicalize';
import { SealtrailError } from '../log/error.ts';

/**
 * The canonical JSON of a value: RFC 8785 (JCS), so that equal data gives equal bytes. Members are sorted by the UTF-16
 * code units of their names (section 3.2.3); numbers and strings are written as ECMAScript does (sections 3.2.2.2 and
 * 3.2.2.3). Members that are undefined are left out, as `JSON.stringify` does.
 *
 * Errors: `invalid_event` for what JCS cannot hold: lone surrogates (section 3.2.2.2), NaN, infinities, circular
 * references, undefined itself.
 *
 * @example
 * canonicalJson({ b: 1e2, a: '\u20ac' }); // {"a":"€","b":100}
 */
export function canonicalJson(value: unknown): string {
  // JCS is defined as what JSON.stringify writes for sorted members, so for plain data sorting is enough;
  // the native writer is several times as fast as one in JavaScript. Anything else takes the general way.
  const sorted = sortMembers(value, 0);
  if (sorted !== NOT_PLAIN) {
    const json = JSON.stringify(sorted);
    // A lone surrogate was escaped, or there is a backslash before `ud`: the general way tells which.
    if (!json.includes('\\ud')) return json;
  }
  return canonicalizeAny(value);
}

function canonicalizeAny(value: unknown): string {
  let json: string | undefined;
  try {
    json = canonicalize(value);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SealtrailError('invalid_event', `this has no canonical JSON: ${why}`, { cause });
  }
  if (json === undefined) throw new SealtrailError('invalid_event', 'undefined has no canonical JSON');
  return json;
}

/** The result of {@link sortMembers} for a value that is not plain, sortable data. */
const NOT_PLAIN: unique symbol = Symbol('not plain');

/** Deeper, or circular, is not plain. */
const MAX_DEPTH = 64;

/**
 * The value with the members of all its objects in canonical order: itself where they are already, else a copy. Not plain
 * are objects with a prototype of their own, and those with a key that does not stay where it is put.
 */
function sortMembers(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : NOT_PLAIN;
    case 'object':
      if (value === null) return null;
      if (depth >= MAX_DEPTH) return NOT_PLAIN;
      return Array.isArray(value) ? sortElements(value, depth) : sortObject(value, depth);
    default:
      return NOT_PLAIN;
  }
}

function sortElements(array: readonly unknown[], depth: number): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < array.length; i++) {
    const sorted = sortMembers(array[i], depth + 1);
    if (sorted === NOT_PLAIN) return NOT_PLAIN;
    if (sorted !== array[i]) {
      copy ??= array.slice();
      copy[i] = sorted;
    }
  }
  return copy ?? array;
}

function sortObject(object: object, depth: number): unknown {
  const prototype = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) return NOT_PLAIN;
  // A plain object: its members can be read by name.
  const members = object as Record<string, unknown>;
  let inOrder = true;
  let previous = '';
  let copy: Record<string, unknown> | undefined;
  for (const key in members) {
    if (isOutOfPlace(key)) return NOT_PLAIN;
    if (key < previous) inOrder = false;
    previous = key;
    const member = members[key];
    if (typeof member === 'string' || member === undefined) continue;
    const sorted = sortMembers(member, depth + 1);
    if (sorted === NOT_PLAIN) return NOT_PLAIN;
    if (sorted === member) continue;
    copy ??= { ...members };
    copy[key] = sorted;
  }
  return inOrder ? (copy ?? members) : inSortedOrder(copy ?? members);
}

function inSortedOrder(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(members).sort()) sorted[key] = members[key];
  return sorted;
}

/** Array indices come first in any object (ECMA-262 section 10.1.11); `__proto__` is not set by assignment. */
function isOutOfPlace(key: string): boolean {
  const first = key.charCodeAt(0);
  if (first >= 0x30 && first <= 0x39) return DIGITS.test(key);
  return key === '__proto__';
}

const DIGITS = /^\d+$/;
