import { resolveType } from '../../contract/catalogue.ts';
import { isObject, ownMember } from '../../log/json.ts';

/**
 * Compares a sealed event with the event as sent. A server may add defaults (id, severity, outcome), replace an alias by
 * its type's name, take out secrets and personal data, and keep what does not fit in another form, marking every place.
 * Any other difference means that the record is not of what happened.
 */

const { hasOwn, keys } = Object;
const { isArray } = Array;

/** Stands in a text for redacted or masked content. */
const MARK = /\[redacted[^\]]*\]|\*\*\*/;
/** Where the server puts what fits nowhere; `details.unfit2` where that is taken. */
const UNFIT = 'details.unfit';
/** Fields that the server may add. */
const ADDED: ReadonlySet<string> = new Set(['id', 'severity', 'outcome', 'redacted', 'converted']);

/**
 * Finds the first difference between an event as sent and as sealed that no redaction explains.
 *
 * @returns the path of the field, such as `details.items[3].price`, or undefined where all is as sent
 */
export function differenceFromSent(sent: unknown, sealed: unknown): string | undefined {
  if (!isObject(sent) || !isObject(sealed)) return '';
  const { converted } = sealed;
  const isConverted: IsConverted = (path) => isArray(converted) && (converted.includes(path) || path.startsWith(UNFIT));
  for (const key of keys(sealed)) {
    if (!hasOwn(sent, key) && !ADDED.has(key) && !isConverted(key) && !isConverted(`${key}.unfit`)) return key;
  }
  for (const [key, value] of Object.entries(sent)) {
    const isAlias = key === 'type' && typeof value === 'string' && resolveType(value)?.name === sealed.type;
    const found = isAlias ? undefined : difference(value, ownMember(sealed, key), key, isConverted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** True if the record says of a place that it is not as it was sent. */
type IsConverted = (path: string) => boolean;

const PLAIN = /^[A-Za-z_$][\w$-]*$/;

function difference(sent: unknown, sealed: unknown, path: string, isConverted: IsConverted): string | undefined {
  if (isConverted(path) || (typeof sealed === 'string' && MARK.test(sealed))) return undefined;
  const isList = isArray(sent);
  if (!isList && !isObject(sent)) return sent === sealed ? undefined : path;
  // Of a list, the members are its items.
  if (isList ? !isArray(sealed) || sealed.length !== sent.length : !isObject(sealed)) return path;
  return differenceOfMembers(sent as Fields, sealed as Fields, path, isConverted);
}

/** Keys are data too: one that is not there must have been replaced by one that is marked. */
function differenceOfMembers(sent: Fields, sealed: Fields, path: string, isConverted: IsConverted): string | undefined {
  /** Paths are written as the server writes them. */
  const at = (key: string): string =>
    PLAIN.test(key) ? `${path}.${key}` : `${path}[${isArray(sent) ? key : JSON.stringify(key)}]`;
  const lacking = (one: Fields, other: Fields): string[] =>
    keys(one).filter((key) => !hasOwn(other, key) && !isConverted(at(key)));
  const missing = lacking(sent, sealed);
  const marked = keys(sealed).filter((key) => MARK.test(key));
  if (missing.length > marked.length) return at(missing[0] ?? '');
  for (const key of keys(sent)) {
    const found = hasOwn(sealed, key) && difference(ownMember(sent, key), ownMember(sealed, key), at(key), isConverted);
    if (found) return found;
  }
  const extra = lacking(sealed, sent).find((key) => !MARK.test(key));
  return extra === undefined ? undefined : at(extra);
}

type Fields = Readonly<Record<string, unknown>>;
