import { redactAssignments } from './assignments.ts';
import {
  MAY_HOLD_CARD,
  MAY_HOLD_SCHEME,
  MAY_HOLD_SECRET,
  MAY_HOLD_TOKEN,
  MAY_HOLD_USERINFO,
  MAY_NAME_SECRET,
  marksOf,
} from './prefilter.ts';
import type { KeyMatcher } from './secret-keys.ts';
import { REDACTED } from './secret-value.ts';
import { SECRET_ADDRESSES, TOKEN_FORMATS } from './token-formats.ts';

/**
 * The kinds of secrets that are found inside any text; looked for in this order, so that what one leaves behind is what
 * the next one sees.
 */
export const SECRET_PATTERNS = [
  'private_key',
  'url_credentials',
  'assignment',
  'bearer_token',
  'jwt',
  'aws_key',
  'github_token',
  'service_token',
  'card_number',
] as const;
/** One of {@link SECRET_PATTERNS}. */
export type SecretPattern = (typeof SECRET_PATTERNS)[number];

/**
 * Finds a kind of secret. Each expression looks at a character a bounded number of times, so time is linear in the text.
 */
interface Finder {
  /** Every text with such a secret has one of these marks. */
  readonly marks: number;
  /** Found in every text with such a secret, at a far smaller cost than the expression. */
  readonly hint: RegExp;
  readonly redact: (text: string, keys: KeyMatcher) => string;
}

const replacing =
  (expression: RegExp, replacement: string) =>
  (text: string): string =>
    text.replace(expression, replacement);

/** No letter or digit before a token: it is none in the middle of a word. */
const NOT_IN_A_WORD = '(?<![A-Za-z0-9])';
const GITHUB = /(?<![A-Za-z0-9])(?:gh[pousr]|github_pat)_\w{36,}/g;
const SERVICE_TOKEN = new RegExp(`${NOT_IN_A_WORD}(?:${TOKEN_FORMATS.map(({ source }) => source).join('|')})`, 'g');
/** The first characters of every format, or others that it must have: far fewer texts have them. */
const SERVICE_HINT = new RegExp([...TOKEN_FORMATS, ...SECRET_ADDRESSES].map(({ hint }) => hint).join('|'));
const SECRET_ADDRESS = new RegExp(SECRET_ADDRESSES.map(({ source }) => source).join('|'), 'g');

/** 14 to 16 digits, together or in the groups that cards show; not part of a longer number, word or UUID. */
const CARD_CANDIDATE =
  /(?<![A-Za-z0-9.-])(?<!(?<!card|cc|pan)_)(?:\d{14,16}|\d{4}([ .\u00a0-])\d{4}\1\d{4}\1\d{4}|\d{4}([ .\u00a0-])\d{6}\2\d{4,5})(?![\w-]|\.\d)/g;
/** ISO/IEC 7812 issuers by first digits: Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay. */
const CARD_ISSUER =
  /^(?:4\d{15}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14})$/;
const DIGITS_14 = /\d(?:[ .\u00a0-]?\d){13}/;

const FINDERS: Readonly<Record<SecretPattern, Finder>> = {
  // RFC 7468, also one that was cut off; and PuTTY's format.
  private_key: {
    marks: MAY_HOLD_TOKEN | MAY_NAME_SECRET,
    hint: /-----BEGIN |PuTTY-User-Key-File-/,
    redact: (text) => text.replace(PEM, REDACTED).replace(PUTTY, REDACTED),
  },
  url_credentials: { marks: MAY_HOLD_USERINFO, hint: /:\/\//, redact: redactUserinfo },
  assignment: { marks: MAY_NAME_SECRET, hint: /[=:-]/, redact: redactAssignments },
  // RFC 6750 section 2.1: the scheme stays, to show what was there, and is written in any case (RFC 9110 section 11.1).
  bearer_token: {
    marks: MAY_HOLD_SCHEME | MAY_NAME_SECRET,
    hint: /bearer|basic|digest/i,
    redact: (text) =>
      text.replace(BEARER, `$1${REDACTED}`).replace(BASIC, redactBasic).replace(DIGEST, `$1${REDACTED}`),
  },
  // RFC 7515 section 7.1, RFC 7516 section 7.1: three or five parts, of which the first is JSON that starts with `{"`.
  jwt: { marks: MAY_HOLD_TOKEN, hint: /eyJ/, redact: replacing(/(?<![\w-])eyJ[\w-]{12,}(?:\.[\w-]*){2,4}/g, REDACTED) },
  // IAM user guide, "Unique identifiers": access keys; and the secret ones, which have no prefix.
  aws_key: {
    marks: MAY_HOLD_TOKEN,
    hint: /A[KSBC][IC]A|[A-Za-z0-9/+]{40}/,
    redact: (text) =>
      text.replace(/\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g, REDACTED).replace(AWS_SECRET, redactAwsSecret),
  },
  github_token: { marks: MAY_HOLD_TOKEN, hint: /gh[pousr]_|github_pat_/, redact: replacing(GITHUB, REDACTED) },
  service_token: {
    marks: MAY_HOLD_TOKEN,
    hint: SERVICE_HINT,
    redact: (text) =>
      text.replace(SERVICE_TOKEN, REDACTED).replace(SECRET_ADDRESS, (_whole, ...groups: (string | undefined)[]) => {
        return `${groups.slice(0, SECRET_ADDRESSES.length).find((group) => group !== undefined) ?? ''}${REDACTED}`;
      }),
  },
  card_number: { marks: MAY_HOLD_CARD, hint: DIGITS_14, redact: (text) => text.replace(CARD_CANDIDATE, redactCard) },
};

const PEM =
  /-----BEGIN [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----)?/g;
/** As a whole: its public part is of no use without the rest. Also one that was cut off. */
const PUTTY = /PuTTY-User-Key-File-\d:(?:[^P]|P(?!rivate-MAC:|uTTY-User-Key-File-))*(?:Private-MAC: ?[0-9a-fA-F]*)?/g;
/** In prose, words follow (`bearer of bad news`): a token has a digit. */
const BEARER = /\b(bearer\s{1,4})(?=[A-Za-z._~+/=-]{0,64}\d)[A-Za-z0-9._~+/-]{8,}=*/gi;
const BASIC = /\b(basic\s{1,4})([A-Za-z0-9+/]{4,}={0,2})/gi;
const DIGEST = /\b(digest\s{1,4})(?=[^\n]{0,512}\bresponse=)[^\n]{1,2048}/gi;

/** RFC 7617: base64 of `user:password`. Words after `basic` decode to no text with a colon in it. */
function redactBasic(whole: string, scheme: string, encoded: string): string {
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a password may hold none
  return /^[^\u0000-\u001f\u007f\ufffd:]*:[^\u0000-\u001f\u007f\ufffd]*$/.test(decoded)
    ? `${scheme}${REDACTED}`
    : whole;
}

const AWS_SECRET = /(?<![A-Za-z0-9/+._-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=._-])/g;

/** Of 39 places, random base64 changes between capitals, small letters and digits at 25, and names of classes at half as many. */
const MIN_CHANGES = 19;

/** 30 random bytes in base64: no digest (hexadecimal), no path (long words), no text that someone encoded. */
function redactAwsSecret(candidate: string): string {
  const count = (expression: RegExp): number => candidate.match(expression)?.length ?? 0;
  const changes = count(/(?<=[a-z])[^a-z]|(?<=[A-Z])[^A-Z]|(?<=\d)\D|(?<=[/+])[^/+]/g);
  if (changes < MIN_CHANGES || count(/[A-Z]/g) < 5 || count(/[a-z]/g) < 5 || count(/\//g) > 4) return candidate;
  return /^[\x20-\x7e]*$/.test(Buffer.from(candidate, 'base64').toString('latin1')) ? candidate : REDACTED;
}

// ---------------------------------------------------------------------------------------------- credentials in URLs

/** RFC 3986 section 3.2: where an authority ends, and what ends a URL in text. */
const AUTHORITY_END = /[\s/?#"'<>[\]\\]/;
const URL_END = /[\s"'<>[\]\\]/;
const MAX_USERINFO_LENGTH = 512;

/**
 * `://user:password@host`: what stands before the last `@` of the authority (RFC 3986 section 3.2.1). The name goes too:
 * tokens are put in its place. Passwords that hold an unescaped `/`, `?` or `#` are found where no port is read instead.
 */
function redactUserinfo(text: string): string {
  const lastAt = text.lastIndexOf('@');
  let out = '';
  let done = 0;
  for (let at = text.indexOf('://'); at >= 0 && at < lastAt; at = text.indexOf('://', at + 3)) {
    const start = at + 3;
    if (start < done) continue;
    const end = userinfoEnd(text.slice(start, start + MAX_USERINFO_LENGTH));
    if (end === undefined) continue;
    out += `${text.slice(done, start)}${REDACTED}`;
    done = start + end;
  }
  return out + text.slice(done);
}

/** The index of the `@` after a name and password, if there are such. */
function userinfoEnd(rest: string): number | undefined {
  const strict = rest.slice(0, indexOrEnd(rest, AUTHORITY_END));
  const colon = strict.indexOf(':');
  if (colon < 0) return undefined;
  const at = strict.lastIndexOf('@');
  if (at > colon) return at;
  // `host:8080/@user` has a port; `u:p/ss@db` has none.
  if (at >= 0 || /^\d{1,5}$/.test(strict.slice(colon + 1))) return undefined;
  const loose = rest.slice(0, indexOrEnd(rest, URL_END));
  const found = loose.indexOf('@', colon);
  return found > colon && /^[A-Za-z0-9][\w.-]*(?:[:/?,]|$)/.test(loose.slice(found + 1)) ? found : undefined;
}

function indexOrEnd(text: string, expression: RegExp): number {
  const index = text.search(expression);
  return index < 0 ? text.length : index;
}

// ------------------------------------------------------------------------------------------------------------ cards

/** True if a number is that of a payment card. */
export function isCardNumber(number: number): boolean {
  return number >= 1e13 && number < 1e16 && redactCard(String(number)) === REDACTED;
}

function redactCard(candidate: string): string {
  const digits = candidate.replace(/[ .\u00a0-]/g, '');
  return CARD_ISSUER.test(digits) && passesLuhn(digits) ? REDACTED : candidate;
}

/** ISO/IEC 7812-1 annex B: every second digit from the right is doubled; the sum of all digits ends in 0. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    sum += i % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return sum % 10 === 0;
}

// ------------------------------------------------------------------------------------------------------------- all

/** Redacts again: a redacted text may form one more secret with its surroundings; never for long. */
const MAX_PASSES = 4;

/**
 * A text with the chosen kinds of secrets replaced by `[redacted]`. What went through once stays as it is.
 *
 * @param keys tells which names in `name=value` are those of secrets
 * @param marks what `marksOf` says of the text
 *
 * @example
 * redactText('card 4111 1111 1111 1111', ['card_number'], keys); // card [redacted]
 */
export function redactText(
  text: string,
  patterns: readonly SecretPattern[],
  keys: KeyMatcher,
  marks: number = marksOf(text),
): string {
  let redacted = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    // What was taken out changes what is there.
    const next = redactOnce(redacted, patterns, keys, pass === 0 ? marks : MAY_HOLD_SECRET);
    if (next === redacted) break;
    redacted = next;
  }
  return redacted;
}

function redactOnce(text: string, patterns: readonly SecretPattern[], keys: KeyMatcher, marks: number): string {
  let redacted = text;
  for (const pattern of SECRET_PATTERNS) {
    const finder = FINDERS[pattern];
    if ((marks & finder.marks) === 0 || !patterns.includes(pattern)) continue;
    if (finder.hint.test(redacted)) redacted = finder.redact(redacted, keys);
  }
  return redacted;
}
