import { type Difference, differencesOf } from '../../json/differences.ts';
import { toSerializable } from './to-serializable.ts';

/**
 * The paths at which two values differ, with what happened there. It holds no values: those are in `changes`, where secrets are
 * taken out by their names. Arrays are compared as a whole.
 *
 * @example
 * diff({ a: 1, b: { c: 2 } }, { a: 1, b: { c: 3 }, d: 4 }); // { 'b.c': 'changed', d: 'added' }
 */
export function diff(before: unknown, after: unknown): Record<string, Difference> {
  return differencesOf(toSerializable(before), toSerializable(after));
}
