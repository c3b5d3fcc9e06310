/** A pattern of trail names: the characters of a name, and `*` for any number of any characters. */
export const TRAIL_PATTERN: RegExp = /^[_a-z0-9*][a-z0-9*-]{0,62}$/;
/** The rule of {@link TRAIL_PATTERN}, for error messages. */
export const TRAIL_PATTERN_RULE = 'must be a trail name, in which * stands for any characters, such as payments-*';

/** True if a pattern with `*` matches all of a name. Takes time linear in both: of two stars only the last is retried. */
export function matchesTrail(pattern: string, trail: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  const tail = parts.pop();
  if (tail === undefined) return trail === pattern;
  if (!trail.startsWith(head)) return false;
  let at = head.length;
  for (const part of parts) {
    const found = trail.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return trail.length - tail.length >= at && trail.endsWith(tail);
}
