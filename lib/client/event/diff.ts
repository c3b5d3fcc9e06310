import { isObject, ownMember } from '../../log/json.ts';
import { toSerializable } from './to-serializable.ts';

/** At most so many paths are named. */
const MAX_CHANGES = 200;

/**
 * The paths at which two values differ, with what happened there. It holds no values: those are in `changes`, where secrets are
 * taken out by their names. Arrays are compared as a whole.
 *
 * @example
 * diff({ a: 1, b: { c: 2 } }, { a: 1, b: { c: 3 }, d: 4 }); // { 'b.c': 'changed', d: 'added' }
 */
export function diff(before: unknown, after: unknown): Record<string, 'added' | 'removed' | 'changed'> {
  const found: [string, 'added' | 'removed' | 'changed'][] = [];
  compare(toSerializable(before), toSerializable(after), '', found);
  return Object.fromEntries(found);
}

function compare(
  before: unknown,
  after: unknown,
  path: string,
  found: [string, 'added' | 'removed' | 'changed'][],
): void {
  if (found.length >= MAX_CHANGES) return;
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const [was, is] = [ownMember(before, key), ownMember(after, key)];
      compare(was, is, path === '' ? key : `${path}.${key}`, found);
    }
    return;
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  found.push([path, before === undefined ? 'added' : after === undefined ? 'removed' : 'changed']);
}
