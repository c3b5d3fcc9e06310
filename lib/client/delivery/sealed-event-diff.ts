/**
 * Whether a sealed event says what was sent. A server may add what was left out (id, severity, outcome), replace an
 * alias by its type's name, and take secrets and personal data out; it marks every place where it did. Anything else is a
 * record of something that did not happen.
 */

/** What stands in a text for something that was redacted or masked. */
const MARK = /\[redacted[^\]]*\]|\*\*\*/;
/** What the server may add to an event. */
const ADDED: ReadonlySet<string> = new Set(['id', 'severity', 'outcome', 'redacted']);

/**
 * Finds the first difference between an event as sent and as sealed that no redaction explains.
 *
 * @param typeName the name that a type's alias stands for; types that it does not know stay as they are
 * @returns the path of the field, such as `details.items[3].price`, or undefined where all is as sent
 */
export function differenceFromSent(
  sent: unknown,
  sealed: unknown,
  typeName: (type: string) => string = (type) => type,
): string | undefined {
  if (!isObject(sent) || !isObject(sealed)) return '';
  for (const key of Object.keys(sealed)) if (!Object.hasOwn(sent, key) && !ADDED.has(key)) return key;
  for (const [key, value] of Object.entries(sent)) {
    const due = key === 'type' && typeof value === 'string' ? typeName(value) : value;
    const found = key === 'type' && due === sealed.type ? undefined : difference(due, own(sealed, key), key);
    if (found !== undefined) return found;
  }
  return undefined;
}

function difference(sent: unknown, sealed: unknown, path: string): string | undefined {
  if (typeof sealed === 'string' && MARK.test(sealed)) return undefined;
  if (Array.isArray(sent)) {
    if (!Array.isArray(sealed) || sealed.length !== sent.length) return path;
    for (const [i, value] of sent.entries()) {
      const found = difference(value, sealed[i], `${path}[${i}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (isObject(sent)) return isObject(sealed) ? differenceOfObjects(sent, sealed, path) : path;
  return sent === sealed ? undefined : path;
}

/** Keys are data too: one that is not there must have been replaced by one that is marked. */
function differenceOfObjects(sent: Fields, sealed: Fields, path: string): string | undefined {
  const missing = Object.keys(sent).filter((key) => !Object.hasOwn(sealed, key));
  const marked = Object.keys(sealed).filter((key) => MARK.test(key));
  if (missing.length > marked.length) return `${path}.${missing[0]}`;
  for (const [key, value] of Object.entries(sent)) {
    const found = Object.hasOwn(sealed, key) ? difference(value, own(sealed, key), `${path}.${key}`) : undefined;
    if (found !== undefined) return found;
  }
  return Object.keys(sealed)
    .filter((key) => !Object.hasOwn(sent, key) && !MARK.test(key))
    .map((key) => `${path}.${key}`)[0];
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of the object itself: `__proto__` is a name like any other. */
function own(fields: Fields, key: string): unknown {
  return Object.getOwnPropertyDescriptor(fields, key)?.value;
}
