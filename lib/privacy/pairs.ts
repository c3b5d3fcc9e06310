import { REDACTED } from './secret-value.ts';

/**
 * Places where a name is a value: `{"name": "Authorization", "value": "…"}`, as headers, parameters and environments are
 * logged by HAR, OpenTelemetry, CloudFormation and Lambda; `{"field": "password", "old": …, "new": …}`, as changes are.
 */

/** The part of a member in such an object. */
export type Role = 'name' | 'value';

const ROLES: ReadonlyMap<string, Role> = new Map<string, Role>([
  ...['name', 'key', 'field', 'header', 'parameter', 'param', 'property', 'variable', 'attribute', 'option', 'k'].map(
    (word): [string, Role] => [word, 'name'],
  ),
  ...['value', 'values', 'val', 'v', 'old', 'new', 'before', 'after', 'from', 'to', 'previous', 'current', 'data'].map(
    (word): [string, Role] => [word, 'value'],
  ),
]);

/** The role that the last word of a key gives it: `parameterKey` is a name, `oldValue` a value. */
export function roleOf(words: readonly string[]): Role | undefined {
  return ROLES.get(words.at(-1) ?? '');
}

/** True if a list is one of `[name, value]` pairs, as `Object.entries` makes it. */
export function isEntries(list: readonly unknown[]): list is [string, unknown][] {
  return (
    list.length > 0 && list.every((item) => Array.isArray(item) && item.length === 2 && typeof item[0] === 'string')
  );
}

/**
 * True if a list may be names and values in turn (raw headers), or an option and its value (a command line). One in which
 * something was redacted has been looked at.
 */
export function isTexts(list: readonly unknown[]): list is string[] {
  return list.length > 1 && list.every((item) => typeof item === 'string' && item !== REDACTED);
}

/** True if a text is the name of an option, whose value comes next: `--password`. */
export function isOptionName(text: string): boolean {
  return /^--?\p{L}[\p{L}\p{N}\p{Cf}_-]{0,64}$/u.test(text);
}
