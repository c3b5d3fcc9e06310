/**
 * The parts of SigV4's canonical request (AWS, "Create a signed AWS API request", step 1), over strings that hold one
 * byte in each character, as node's parser gives them (latin1). Where signers in the field read the specification
 * differently, the functions here return every reading, the standard one first.
 *
 * More than one reading must not let a signature pass for a request that means something else. So every reading `r`
 * of a target means the same as the target: its segments and pairs, percent-decoded, are those of `r`, percent-decoded.
 * The one exception is the standard path, which is encoded twice; to keep it apart from the others, a path with an
 * encoded percent sign (`%25`) has no other reading.
 */

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/; // RFC 3986 section 2.3
const PLAIN_PATH = /^(?:\/[A-Za-z0-9\-_~][A-Za-z0-9\-._~]*)+$/;

/**
 * The forms in which signers write a path.
 *
 * 1. AWS for services other than S3, the SDKs and curl from 8 on: normalised, then percent-encoded once more.
 * 2. curl before 8: as it was sent. 3. As it was sent, with what should have been encoded encoded.
 */
export function canonicalPaths(path: string): readonly string[] {
  if (PLAIN_PATH.test(path)) return [path];
  const forms = [percentEncode(normalizePath(path), true)];
  if (!path.includes('%25')) {
    forms.push(path);
    const decoded = percentDecode(path);
    if (decoded !== undefined && !/%2f/i.test(path)) forms.push(percentEncode(decoded, true));
  }
  return [...new Set(forms)];
}

/**
 * The forms in which signers write a query.
 *
 * 1. AWS and the SDKs: names and values encoded, sorted by name, then by value. 2. curl before 8: as it was sent.
 * 3. botocore, for a query that is part of the URL: as it was sent, sorted.
 */
export function canonicalQueries(query: string): readonly string[] {
  if (query === '') return [''];
  const sent = query.split('&').map((pair): Pair => {
    const equals = pair.indexOf('=');
    return equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
  });
  const forms = new Set<string>();
  const encoded = sent.map(([name, value]) => [recode(name), recode(value)] as const);
  // A malformed escape sequence has no standard form; what was sent can still be what was signed.
  if (encoded.every(isPair)) forms.add(joinSorted(encoded));
  forms.add(query);
  forms.add(joinSorted(sent));
  return [...forms];
}

/** `name:value` with a line feed, for one signed header and all its values in the order of arrival. */
export function canonicalHeader(name: string, values: readonly string[]): string {
  return `${name}:${values.map(trimAll).join(',')}\n`;
}

type Pair = readonly [name: string, value: string];

const isPair = (pair: readonly [string | undefined, string | undefined]): pair is Pair =>
  pair[0] !== undefined && pair[1] !== undefined;

function joinSorted(pairs: readonly Pair[]): string {
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...pairs]
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** Encodes in the standard way what may be encoded in any. A plus stands for a space, as it does for who reads the query. */
function recode(text: string): string | undefined {
  if (UNRESERVED.test(text)) return text;
  const decoded = percentDecode(text.replaceAll('+', ' '));
  return decoded === undefined ? undefined : percentEncode(decoded, false);
}

/** Removes `.`, `..` and empty segments; a trailing slash stays, unless nothing is left before it. */
function normalizePath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  return kept.length === 0 ? '/' : `/${kept.join('/')}${path.endsWith('/') ? '/' : ''}`;
}

/**
 * Escapes all bytes but the unreserved ones, in upper-case hexadecimal. Not `encodeURIComponent`: a request's path need not be
 * UTF-8, so these are bytes, one a character.
 */
function percentEncode(bytes: string, keepSlashes: boolean): string {
  return bytes.replace(keepSlashes ? /[^A-Za-z0-9\-._~/]/g : /[^A-Za-z0-9\-._~]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
}

/** The bytes meant, or undefined where a percent sign begins no escape sequence. */
function percentDecode(text: string): string | undefined {
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) return undefined;
  return text.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** "Trimall": no white space around a value, and a single space for each run of it inside. */
function trimAll(value: string): string {
  // Not String.trim(), which would take a trailing 0xA0, half of a UTF-8 character, for a space.
  return value.replace(/[ \t\r\n]+/g, ' ').replace(/^ | $/g, '');
}
