import { resolveType } from '../../contract/catalogue.ts';
import { isObject, ownMember } from '../../log/json.ts';

/**
 * Compares a sealed event with the event as sent. A server may add defaults (id, severity, outcome), replace an alias by
 * its type's name, and take out secrets and personal data, marking every place. Any other difference means that the
 * record is not of what happened.
 */

/** Stands in a text for redacted or masked content. */
const MARK = /\[redacted[^\]]*\]|\*\*\*/;
/** Fields that the server may add. */
const ADDED: ReadonlySet<string> = new Set(['id', 'severity', 'outcome', 'redacted']);

/**
 * Finds the first difference between an event as sent and as sealed that no redaction explains.
 *
 * @returns the path of the field, such as `details.items[3].price`, or undefined where all is as sent
 */
export function differenceFromSent(sent: unknown, sealed: unknown): string | undefined {
  if (!isObject(sent) || !isObject(sealed)) return '';
  for (const key of Object.keys(sealed)) if (!Object.hasOwn(sent, key) && !ADDED.has(key)) return key;
  for (const [key, value] of Object.entries(sent)) {
    const isAlias = key === 'type' && typeof value === 'string' && resolveType(value)?.name === sealed.type;
    const found = isAlias ? undefined : difference(value, ownMember(sealed, key), key);
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
    const found = Object.hasOwn(sealed, key) ? difference(value, ownMember(sealed, key), `${path}.${key}`) : undefined;
    if (found !== undefined) return found;
  }
  return Object.keys(sealed)
    .filter((key) => !Object.hasOwn(sent, key) && !MARK.test(key))
    .map((key) => `${path}.${key}`)[0];
}

type Fields = Readonly<Record<string, unknown>>;
