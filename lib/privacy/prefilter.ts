/** The possible contents of a text, by its characters: a name beside a secret, a token, a card number, a scheme, an `@`. */
export const MAY_NAME_SECRET = 1;
export const MAY_HOLD_TOKEN = 2;
export const MAY_HOLD_CARD = 4;
export const MAY_HOLD_SCHEME = 8;
export const MAY_HOLD_USERINFO = 16;
/** Any of the above. */
export const MAY_HOLD_SECRET: number =
  MAY_NAME_SECRET | MAY_HOLD_TOKEN | MAY_HOLD_CARD | MAY_HOLD_SCHEME | MAY_HOLD_USERINFO;
export const MAY_HOLD_ADDRESS = 32;
export const HAS_BRACKET = 64;
export const MAY_BE_JSON = 128;

/** The digits of the shortest card number. */
const MIN_CARD_DIGITS = 14;
/** The shortest run of letters, digits, `_` and `-` in a token that shows by itself. */
const MIN_RUN = 16;
/** The length of a secret AWS key, which may have `/` and `+` in it. */
const AWS_SECRET_LENGTH = 40;
/** The dashes before the label of a private key (RFC 7468). */
const MIN_DASHES = 5;
/** `Basic dXNlcjpw` is about the shortest secret that only a word before it gives away. */
const SHORTEST_SCHEME = 10;
const SCHEME = /basic|bearer/i;

const IN_RUN = 1;
const IS_DIGIT = 2;
/** The marks of a run that is no word: a digit, a capital, `_`, `-`. */
const IS_MIXED = 4;
const IN_AWS_SECRET = 8;
const IN_HEX = 16;

/** Classes of ASCII characters. */
const CLASSES = Uint8Array.from({ length: 128 }, (_, c) => {
  const character = String.fromCharCode(c);
  const is = (expression: RegExp, flag: number): number => (expression.test(character) ? flag : 0);
  return (
    is(/[\w-]/, IN_RUN) |
    is(/\d/, IS_DIGIT) |
    is(/[A-Z0-9_-]/, IS_MIXED) |
    is(/[A-Za-z0-9/+]/, IN_AWS_SECRET) |
    is(/[0-9a-f-]/, IN_HEX)
  );
});

/**
 * A cheap first look at a text, so that most need no second: which of the flags above it has. A text without
 * {@link MAY_HOLD_SECRET} is not changed by `redactText`, one without {@link MAY_HOLD_ADDRESS} not by `maskValue`, one
 * without {@link MAY_BE_JSON} is no JSON of an object or list.
 */
// biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one pass over every text of every event; in parts it would be several
export function marksOf(text: string): number {
  let marks = opensJson(text.charCodeAt(0)) ? MAY_BE_JSON : 0;
  if (text.charCodeAt(0) === DASH) marks |= MAY_NAME_SECRET;
  let colons = 0;
  let dots = 0;
  let digits = 0;
  let spaces = 0;
  let dashes = 0;
  let run = 0;
  let wideRun = 0;
  let mixed = 0;
  let hex = IN_HEX;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const kind = c < 128 ? (CLASSES[c] ?? 0) : 0;
    hex &= kind;
    if ((kind & IN_AWS_SECRET) !== 0) wideRun++;
    else {
      if (wideRun === AWS_SECRET_LENGTH) marks |= MAY_HOLD_TOKEN;
      wideRun = 0;
    }
    if ((kind & IN_RUN) !== 0) {
      mixed |= kind & IS_MIXED;
      if ((kind & IS_DIGIT) !== 0) digits++;
      else if (c === DASH && ++dashes >= MIN_DASHES) marks |= MAY_HOLD_TOKEN;
      if (++run >= MIN_RUN && mixed !== 0) marks |= MAY_HOLD_TOKEN;
      continue;
    }
    run = 0;
    mixed = 0;
    if (c === SPACE) {
      spaces++;
      if (text.charCodeAt(i + 1) === DASH) marks |= MAY_NAME_SECRET;
    } else if (c === DOT) dots++;
    else if (c === COLON) {
      colons++;
      if (isSeparator(text, i)) marks |= MAY_NAME_SECRET;
    } else if (c === EQUALS) marks |= MAY_NAME_SECRET;
    else if (c === AT) marks |= MAY_HOLD_ADDRESS | MAY_HOLD_USERINFO;
    else if (c === PERCENT) marks |= MAY_HOLD_ADDRESS;
    else if (c === OPEN_BRACKET) marks |= HAS_BRACKET;
    else if (c < SPACE) spaces++;
  }
  if (wideRun === AWS_SECRET_LENGTH) marks |= MAY_HOLD_TOKEN;
  // A digest or UUID: no token is of hexadecimal digits alone.
  if (hex !== 0 && dashes < MIN_DASHES) marks &= ~MAY_HOLD_TOKEN;
  if (colons >= 2 || (dots >= 3 && digits >= 4)) marks |= MAY_HOLD_ADDRESS;
  if (digits >= MIN_CARD_DIGITS) marks |= MAY_HOLD_CARD;
  if (spaces > 0 && text.length >= SHORTEST_SCHEME && SCHEME.test(text)) marks |= MAY_HOLD_SCHEME;
  return marks;
}

/** True if a colon may stand between a name and its value: not that of a URL or of a time. */
export function isSeparator(text: string, colon: number): boolean {
  const next = text.charCodeAt(colon + 1);
  return next !== SLASH && !(isDigit(next) && isDigit(text.charCodeAt(colon - 1)));
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

/** A bracket or white space. */
function opensJson(c: number): boolean {
  return c === OPEN_BRACE || c === OPEN_BRACKET || c <= SPACE;
}

const SPACE = 0x20;
const PERCENT = 0x25;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const EQUALS = 0x3d;
const AT = 0x40;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
