/** A JSON number (RFC 8259 section 6), in parts: sign, integer digits, fraction digits, exponent. */
const NUMBER = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** `toPrecision` takes at most this many digits. */
const MAX_DIGITS = 100;

/**
 * True if a double holds a JSON number as it was sent. It does when
 *
 * - the number lies within ±(2^53 - 1): beyond, neighbouring integers share a double, so that some ids would be kept
 *   and others silently changed (RFC 7493 section 2.2); this holds in every notation, since there every double is
 *   an integer;
 * - the nearest double, rounded to as many significant digits as were sent, gives those digits back. So `0.1`,
 *   `0.30000000000000004` and `1.50` pass, and so does C's `%.17g` (`0.10000000000000001`); `1e-400`, which would
 *   become 0, and `0.1234567890123456789`, whose end would be lost, do not.
 *
 * `-0` is 0: the value is kept, and canonical JSON has no sign for it (RFC 8785 section 3.2.2.3).
 *
 * @param literal a JSON number, as it stands in the text
 */
export function isExactNumber(literal: string): boolean {
  const value = Number(literal);
  if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) return false;
  const sent = decimalOf(literal);
  if (sent.digits === '') return true;
  if (sent.digits.length > MAX_DIGITS) return false;
  if (isSame(decimalOf(value.toPrecision(sent.digits.length)), sent)) return true;
  // toPrecision rounds a half up; JSON.stringify and C round it to even (RFC 8785 appendix B, note 4).
  return isSame(decimalOf(value.toPrecision(MAX_DIGITS)), { ...sent, digits: `${sent.digits}5` });
}

/** A decimal as `0.<digits>` times ten to the `exponent`, without leading or trailing zeros; zero has no digits. */
interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

function isSame(one: Decimal, other: Decimal): boolean {
  return one.digits === other.digits && one.exponent === other.exponent;
}

function decimalOf(literal: string): Decimal {
  const match = NUMBER.exec(literal);
  if (match === null) throw new RangeError('not a JSON number');
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const all = whole + fraction;
  let start = 0;
  while (all.charCodeAt(start) === ZERO) start++;
  let end = all.length;
  while (end > start && all.charCodeAt(end - 1) === ZERO) end--;
  return { digits: all.slice(start, end), exponent: whole.length - start + Number(exponent) };
}

const ZERO = 0x30;
