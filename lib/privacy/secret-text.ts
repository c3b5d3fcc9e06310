/** What stands for what was redacted. */
export const REDACTED = '[redacted]';

/**
 * The kinds of secrets that are found by their looks, inside any text; looked for in this order, so that what one leaves
 * behind is what the next one sees.
 */
export const SECRET_PATTERNS = [
  'private_key',
  'url_credentials',
  'bearer_token',
  'jwt',
  'aws_key',
  'github_token',
  'card_number',
] as const;
/** One of {@link SECRET_PATTERNS}. */
export type SecretPattern = (typeof SECRET_PATTERNS)[number];

/**
 * Finds a kind of secret. Each expression looks at a character a bounded number of times, so time is linear in the text;
 * and no replacement makes a new match out of the text around it, so that what went through once stays as it is.
 */
interface Finder {
  /** Found in every text with such a secret, at a far smaller cost than the expression. */
  readonly hint: RegExp;
  readonly expression: RegExp;
  readonly replacement: string;
}

const FINDERS: Readonly<Record<Exclude<SecretPattern, 'card_number'>, Finder>> = {
  // RFC 7468; also one that was cut off.
  private_key: {
    hint: /-----BEGIN /,
    expression:
      /-----BEGIN [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,32}PRIVATE KEY(?: BLOCK)?-----)?/g,
    replacement: REDACTED,
  },
  // RFC 3986 section 3.2.1. The name goes too: tokens are put in its place.
  url_credentials: {
    hint: /@/,
    expression: /:\/\/[^\s/?#@:"'<>[\]]{1,512}:[^\s/?#@"'<>[\]]{0,512}@/g,
    replacement: `://${REDACTED}@`,
  },
  // RFC 6750 section 2.1 and RFC 7617: the scheme stays, to show what was there. Words (`basic functionality`) have no
  // digits and no capitals within.
  bearer_token: {
    hint: /[Bb]earer|BEARER|[Bb]asic|BASIC/,
    expression: /\b([Bb]earer|BEARER|[Bb]asic|BASIC)(\s+)(?=[A-Za-z._~+/-]+[A-Z0-9=]|\d)[A-Za-z0-9._~+/-]{16,}=*/g,
    replacement: `$1$2${REDACTED}`,
  },
  // RFC 7515 section 7.1, RFC 7516 section 7.1: three or five parts, of which the first is JSON that starts with `{"`.
  jwt: {
    hint: /eyJ/,
    expression: /(?<![\w-])eyJ[\w-]{12,}(?:\.[\w-]*){2,4}/g,
    replacement: REDACTED,
  },
  // IAM user guide, "Unique identifiers": long-term and temporary access keys.
  aws_key: {
    hint: /A[KS]IA/,
    expression: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
    replacement: REDACTED,
  },
  github_token: {
    hint: /gh[pousr]_|github_pat_/,
    expression: /\b(?:gh[pousr]|github_pat)_\w{36,}/g,
    replacement: REDACTED,
  },
};

/** One look for all: most texts hold none. */
const ANY_HINT = new RegExp(
  Object.values(FINDERS)
    .map(({ hint }) => hint.source)
    .join('|'),
);

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
  const hinted = ANY_HINT.test(text);
  let redacted = text;
  for (const pattern of SECRET_PATTERNS) {
    if (!patterns.includes(pattern)) continue;
    if (pattern === 'card_number') {
      if (DIGITS_14.test(redacted)) redacted = redacted.replace(CARD_CANDIDATE, redactCard);
    } else if (hinted) {
      const { hint, expression, replacement } = FINDERS[pattern];
      if (hint.test(redacted)) redacted = redacted.replace(expression, replacement);
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
