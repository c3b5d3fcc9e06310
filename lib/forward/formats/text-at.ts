/** The text at a path of an event whose shape was checked when it was sealed, perhaps by another version; undefined where there is none. */
export function textAt(event: unknown, path: readonly string[]): string | undefined {
  let value: unknown = event;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return typeof value === 'string' && value !== '' ? value : undefined;
}
