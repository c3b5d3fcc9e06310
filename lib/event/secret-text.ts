/** What stands for what was redacted. */
export const REDACTED = '[redacted]';

/** The kinds of secrets that are found by their looks, inside any text. */
export const SECRET_PATTERNS = [
  'card_number',
  'bearer_token',
  'jwt',
  'aws_key',
  'github_token',
  'private_key',
  'url_credentials',
] as const;
/** One of {@link SECRET_PATTERNS}. */
export type SecretPattern = (typeof SECRET_PATTERNS)[number];

/**
 * Finds a kind of secret. A replacement leaves the text around it as it was, and each expression looks at a character a
 * bounded number of times, so time is linear in the text.
 */
interface Finder {
  /** A word that a text with such a secret holds: most texts are told apart by this alone. */
  readonly hint: string;
  readonly expression: RegExp;
  /** What to put in the place of a match; the match itself where it is no secret after all. */
  readonly replace: (match: string, ...groups: string[]) => string;
}

const redact = (): string => REDACTED;

const FINDERS: Readonly<Record<Exclude<SecretPattern, 'card_number'>, Finder>> = {
  // RFC 6750 section 2.1 and RFC 7617: the scheme stays, to show what was there.
  bearer_token: {
    hint: 'e',
    expression: /\b(bearer|basic)(\s+)[A-Za-z0-9._~+/-]{16,}=*/gi,
    replace: (_match, scheme = '', space = '') => `${scheme}${space}${REDACTED}`,
  },
  // RFC 7519: the header's and the claims' first bytes are `{"`.
  jwt: { hint: 'eyJ', expression: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, replace: redact },
  // IAM user guide, "Unique identifiers": long-term and temporary access keys.
  aws_key: { hint: 'A', expression: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, replace: redact },
  github_token: {
    hint: '_',
    expression: /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{36,})\b/g,
    replace: redact,
  },
  // RFC 7468, with whatever the text was cut down to.
  private_key: {
    hint: '-----BEGIN ',
    expression: /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,32}PRIVATE KEY-----)?/g,
    replace: redact,
  },
  // RFC 3986 section 3.2.1: the user's name goes too, tokens are put in its place.
  url_credentials: {
    hint: '://',
    expression: /(:\/\/)[^\s/?#@"'<>[\]]{1,512}:[^\s/?#@"'<>[\]]{1,512}@/g,
    replace: () => `://${REDACTED}@`,
  },
};

/** 14 to 16 digits, together or in the groups that cards show; not part of a longer number, word or UUID. */
const CARD_CANDIDATE =
  /(?<![\w.-])(?:\d{14,16}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{4,5})(?![\w-]|\.\d)/g;
/** ISO/IEC 7812 issuers by first digits: Visa, Mastercard, American Express, Discover, JCB, Diners Club, UnionPay. */
const CARD_ISSUER =
  /^(?:4\d{15}|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|6(?:011|4[4-9]\d|5\d\d)\d{12}|35\d{14}|3(?:0[0-5]|[68]\d)\d{11}|62\d{14})$/;
const DIGITS_14 = /\d(?:[ -]?\d){13}/;

/**
 * A text with the chosen kinds of secrets replaced by `[redacted]`.
 *
 * @example
 * redactText('card 4111 1111 1111 1111', ['card_number']); // card [redacted]
 */
export function redactText(text: string, patterns: readonly SecretPattern[]): string {
  let redacted = text;
  for (const pattern of patterns) {
    if (pattern === 'card_number') {
      if (DIGITS_14.test(redacted)) redacted = redacted.replace(CARD_CANDIDATE, redactCard);
    } else {
      const { hint, expression, replace } = FINDERS[pattern];
      if (redacted.includes(hint)) redacted = redacted.replace(expression, replace);
    }
  }
  return redacted;
}

/** Whether a number is that of a payment card. */
export function isCardNumber(number: number): boolean {
  return number >= 1e13 && number < 1e16 && redactCard(String(number)) === REDACTED;
}

function redactCard(candidate: string): string {
  const digits = candidate.replace(/[ -]/g, '');
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
