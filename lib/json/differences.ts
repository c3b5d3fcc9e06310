import { isObject, ownMember } from '../log/json.ts';

/** The change of a value at a path. */
export type Difference = 'added' | 'removed' | 'changed';

/** At most so many paths are named. */
const MOST = 200;

/** The paths at which two JSON values differ. Arrays are compared as a whole. */
export function differencesOf(before: unknown, after: unknown): Record<string, Difference> {
  const found: [string, Difference][] = [];
  compare(before, after, '', found);
  return Object.fromEntries(found);
}

function compare(before: unknown, after: unknown, path: string, found: [string, Difference][]): void {
  if (found.length >= MOST) return;
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
