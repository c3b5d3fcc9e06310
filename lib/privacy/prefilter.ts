/** The shortest secret that has no `@` and fewer digits than a card: a JWT of a header alone. */
const MIN_SECRET = 17;
/** The digits of the shortest card number. */
const MIN_CARD_DIGITS = 14;

/** What may stand in a text, by the characters it has. */
export const MAY_HOLD_SECRET = 1;
export const MAY_HOLD_ADDRESS = 2;
export const HAS_BRACKET = 4;

/**
 * A cheap first look at a text, so that most need no second: which of the flags above it has. A text without
 * {@link MAY_HOLD_SECRET} is not changed by `redactText`, one without {@link MAY_HOLD_ADDRESS} not by `maskValue`.
 */
export function marksOf(text: string): number {
  let marks = text.length >= MIN_SECRET ? MAY_HOLD_SECRET : 0;
  let colons = 0;
  let dots = 0;
  let digits = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x61 && c <= 0x7a) continue;
    if (c >= 0x30 && c <= 0x39) digits++;
    else if (c === 0x2e) dots++;
    else if (c === 0x3a) colons++;
    else if (c === 0x40) marks |= MAY_HOLD_SECRET | MAY_HOLD_ADDRESS;
    else if (c === 0x25) marks |= MAY_HOLD_ADDRESS;
    else if (c === 0x5b) marks |= HAS_BRACKET;
  }
  if (colons >= 2 || (dots >= 3 && digits >= 4)) marks |= MAY_HOLD_ADDRESS;
  if (digits >= MIN_CARD_DIGITS) marks |= MAY_HOLD_SECRET;
  return marks;
}
