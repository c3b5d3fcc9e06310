import type { Holds } from './key-rules.ts';
import { isSeparator } from './prefilter.ts';
import type { KeyMatcher } from './secret-keys.ts';
import { AUTH_SCHEME, canBeCredential, isSecretValue, REDACTED } from './secret-value.ts';

/**
 * Secrets that stand beside their name in a text: `DB_PASSWORD=x`, `"password": "x"` in JSON that was cut off,
 * `?access_token=x`, `Server=db;Password=x y;`, `Cookie: a=b`, `--password x`, `curl -u me:x`.
 *
 * Each `=` and `:` is looked at once, with at most {@link MAX_NAME_LENGTH} characters before it and, where the name is that
 * of a secret, {@link MAX_VALUE_LENGTH} after it: time is linear in the text.
 */
export function redactAssignments(text: string, keys: KeyMatcher): string {
  const edits: Edit[] = [];
  let done = 0;
  for (let at = separatorFrom(text, 0); at >= 0; at = separatorFrom(text, at + 1)) {
    if (at < done) continue;
    const edit = editAt(text, at, keys);
    if (edit === undefined) continue;
    edits.push(edit);
    done = edit.end;
  }
  const assigned = edits.length === 0 ? text : edited(text, edits);
  return assigned.includes('-') ? redactOptions(assigned, keys) : assigned;
}

/** The part to replace by `[redacted]`. */
interface Edit {
  readonly start: number;
  readonly end: number;
}

const MAX_NAME_LENGTH = 64;
const MAX_VALUE_LENGTH = 4096;

function edited(text: string, edits: readonly Edit[]): string {
  let out = '';
  let done = 0;
  for (const { start, end } of edits) {
    out += text.slice(done, start) + REDACTED;
    done = end;
  }
  return out + text.slice(done);
}

const EQUALS = 0x3d;
const COLON = 0x3a;

function separatorFrom(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === EQUALS || (c === COLON && isSeparator(text, at))) return at;
  }
  return -1;
}

/** Letters of a name; quotes and escapes that may stand around it. */
const NAME_CHARACTER = /[\p{L}\p{N}\p{Cf}_$.[\]-]/u;
const ASCII_NAME = Uint8Array.from({ length: 128 }, (_, c) => (NAME_CHARACTER.test(String.fromCharCode(c)) ? 1 : 0));

function isInName(text: string, at: number): boolean {
  const c = text.charCodeAt(at);
  return c < 128 ? ASCII_NAME[c] === 1 : NAME_CHARACTER.test(text.charAt(at));
}

const QUOTE = /["'`\\]/;

interface Name {
  readonly text: string;
  readonly isQuoted: boolean;
  /** The character before it: `?` and `&` in a query, `;` in a connection string. */
  readonly before: string;
}

function nameBefore(text: string, separator: number): Name | undefined {
  let end = separator;
  while (end > 0 && separator - end < 3 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  const quoted = end;
  while (end > 0 && quoted - end < 8 && QUOTE.test(text.charAt(end - 1))) end--;
  const isQuoted = /["']/.test(text.slice(end, quoted));
  let start = end;
  while (start > 0 && end - start < MAX_NAME_LENGTH && isInName(text, start - 1)) start--;
  if (end - start < 2) return undefined;
  return { text: text.slice(start, end), isQuoted, before: start === 0 ? '' : text.charAt(start - 1) };
}

/** Names that are those of credentials in a query only: elsewhere they are words. */
const IN_QUERY: ReadonlySet<string> = new Set([
  'sig',
  'signature',
  'x-amz-signature',
  'x-goog-signature',
  'code',
  'key',
]);
/** Headers whose whole line is secret. */
const COOKIE_LINE = /(?:^|[-_])cookie2?$/i;
const AUTHORIZATION_LINE = /authorization$/i;

function editAt(text: string, separator: number, keys: KeyMatcher): Edit | undefined {
  const name = nameBefore(text, separator);
  const holds = name && heldBy(name, keys);
  if (name === undefined || holds === undefined) return undefined;
  const start = valueStart(text, separator);
  if (start === undefined) return undefined;
  if (text[start] === '[') return bracketEdit(text, start + 1, holds);
  if (/[{(]|\$[({]/.test(text.slice(start, start + 2))) return undefined; // an object, a call, a reference
  const opening = /^\\{0,7}["'`]/.exec(text.slice(start, start + 8))?.[0];
  if (opening !== undefined) return quotedEdit(text, start + opening.length, opening, holds);
  const isColon = text.charCodeAt(separator) === COLON;
  if (isColon && !name.isQuoted) {
    if (COOKIE_LINE.test(name.text)) return cookieEdit(text, start, name.before);
    if (AUTHORIZATION_LINE.test(name.text)) return authorizationEdit(text, start, name.before);
  }
  const isLoose = !name.isQuoted && (isColon || start > separator + 1);
  return unquotedEdit(text, start, name, { holds, isLoose });
}

const isInQuery = ({ before }: Name): boolean => before === '?' || before === '&';

function heldBy(name: Name, keys: KeyMatcher): Holds | undefined {
  const { holds } = keys.verdict(name.text);
  return holds ?? (isInQuery(name) && IN_QUERY.has(name.text.toLowerCase()) ? 'credential' : undefined);
}

/** Where the value after a separator begins; undefined where it is none, or is redacted already. */
function valueStart(text: string, separator: number): number | undefined {
  let start = separator + 1;
  // `==`, `=>`, `:=` and `::` are code, not values.
  if (/[=:>]/.test(text.charAt(start))) return undefined;
  while (start - separator < 8 && (text[start] === ' ' || text[start] === '\t')) start++;
  return text.startsWith(REDACTED, start) ? undefined : start;
}

/** @param how.isLoose whether the name and the value may as well be prose or code */
function unquotedEdit(
  text: string,
  start: number,
  name: Name,
  { holds, isLoose }: { readonly holds: Holds; readonly isLoose: boolean },
): Edit | undefined {
  // `password: click here.` is prose, `token = next()` code, and `secret:prod/db` the end of an ARN.
  if (isLoose && name.before === ':') return undefined;
  const whole = text.slice(start, unquotedEnd(text, start, name, isInQuery(name)));
  const value = isLoose ? whole.replace(/[.!?]{1,3}$/, '') : whole;
  if (value === '' || !isSecretValue(holds, value)) return undefined;
  if (isLoose && (value.includes('(') || !looksChosen(value))) return undefined;
  return { start, end: start + value.length };
}

/** True if a text was made to be hard to guess: it is more than a word. */
function looksChosen(value: string): boolean {
  if (CODE.test(value)) return false;
  return /[\p{N}]/u.test(value) || /[^\p{L}.,:;!?'"-]/u.test(value) || canBeCredential(value);
}

/** `password=[x]` is a value, `secrets=["a", …]` a list. */
function bracketEdit(text: string, start: number, holds: Holds): Edit | undefined {
  const value = text.slice(start, start + endOf(text.slice(start, start + MAX_VALUE_LENGTH), /[\]\s"',{[]/));
  if (text[start + value.length] !== ']' || !isSecretValue(holds, value) || !looksChosen(value)) return undefined;
  return { start, end: start + value.length };
}

/** `ec2.HttpTokens.REQUIRED,` */
const CODE = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*){1,16}[,;]?$/;

function quotedEdit(text: string, start: number, opening: string, holds: Holds): Edit | undefined {
  const limit = Math.min(text.length, start + MAX_VALUE_LENGTH);
  const isBare = opening.length === 1;
  let end = start;
  while (end < limit && !text.startsWith(opening, end)) end += isBare && text[end] === '\\' ? 2 : 1;
  end = Math.min(end, limit);
  const value = text.slice(start, end);
  return value.includes(REDACTED) || !isSecretValue(holds, value) ? undefined : { start, end };
}

/** Where a header's line ends: with the quotes around it, if it has such. */
function lineEnd(text: string, start: number, before: string): number {
  const rest = text.slice(start, start + MAX_VALUE_LENGTH);
  return start + endOf(rest, before === '"' ? /[\r\n"]/ : before === "'" ? /[\r\n']/ : /[\r\n]/);
}

/** RFC 6265 section 4: pairs. `Cookie: accepted` has none. */
function cookieEdit(text: string, start: number, before: string): Edit | undefined {
  const end = lineEnd(text, start, before);
  return text.slice(start, end).includes('=') ? { start, end } : undefined;
}

/** The scheme stays, to show what was there. */
function authorizationEdit(text: string, start: number, before: string): Edit | undefined {
  const end = lineEnd(text, start, before);
  const value = text.slice(start, end);
  if (value.includes('(')) return undefined;
  if (AUTH_SCHEME.test(value)) {
    const scheme = /^\S+\s+/.exec(value)?.[0] ?? '';
    return value.startsWith(REDACTED, scheme.length) ? undefined : { start: start + scheme.length, end };
  }
  const first = value.slice(0, endOf(value, /[\s,;]/));
  return canBeCredential(first) ? { start, end: start + first.length } : undefined;
}

/** Where a value ends that has no quotes: by what it is in. */
function unquotedEnd(text: string, start: number, { before }: Name, isQuery: boolean): number {
  const rest = text.slice(start, start + MAX_VALUE_LENGTH);
  if (before === ';' && rest.includes(';')) return start + endOf(rest, /[;\r\n"'`]/); // of a connection string
  const end = endOf(rest, isQuery ? /[\s&#"'`<>\\]/ : /[\s&;"'`<>\\)}\]]/);
  // A comma ends it where another name or the end of a sentence follows.
  const comma = /,(?=\s|$|[\w.-]{1,64}[=:])/.exec(rest.slice(0, end + 1));
  return start + (comma !== null && comma.index < end ? comma.index : end);
}

function endOf(text: string, end: RegExp): number {
  const index = text.search(end);
  return index < 0 ? text.length : index;
}

// -------------------------------------------------------------------------------------------------- command lines

/** `--password x` and `-password x`; `--password=x` has a separator. */
const OPTION = /(?<!\S)(--?[A-Za-z][\w-]{2,40}[ \t]{1,4})(["']?)([^\s"'-][^\s"']{0,255})\2/g;
/** `curl -u user:password`, `--user`, `--proxy-user`. */
const USER_OPTION = /(?<!\S)((?:-u|--user|--proxy-user)[ =]?["']?[^\s:"']{0,128}:)(?!\[redacted\]|\/\/)[^\s"']{1,256}/g;
const HAS_TRANSFER_TOOL = /\b(?:curl|wget|http|httpie)\b/;

function redactOptions(text: string, keys: KeyMatcher): string {
  const named = text.replace(OPTION, (whole: string, option: string, quote: string, value: string) => {
    const { holds } = keys.verdict(option);
    if (holds === undefined || value.startsWith(REDACTED) || !isSecretValue(holds, value)) return whole;
    return `${option}${quote}${REDACTED}${quote}`;
  });
  return HAS_TRANSFER_TOOL.test(named) ? named.replace(USER_OPTION, `$1${REDACTED}`) : named;
}
