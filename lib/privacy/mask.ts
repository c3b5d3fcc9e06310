import { isIPv4, isIPv6 } from 'node:net';

/**
 * Masking replaces the personal part of e-mail and IP addresses and leaves enough to work with:
 *
 * | sent | kept |
 * |---|---|
 * | `alice@example.com` | `a***@example.com` |
 * | `203.0.113.7` | `203.0.113.***` |
 * | `2001:DB8:85a3::8a2e:370:7334` | `2001:db8:85a3:***` (the first 48 bits, always written out) |
 * | `::ffff:203.0.113.7` | `203.0.113.***` |
 *
 * Behind the stars stands a tag where the log has a secret for it (`a***~k3f9xq2m7abc@example.com`, see mask-tag.ts), so
 * that people whose addresses look alike stay apart. Masking is deterministic and idempotent, so a query for the original
 * value, masked the same way, finds it. Version numbers, UUIDs, times and MAC addresses stay as they are.
 */

/** The tag of an address, with what parts it from the stars; empty where there is none. */
export type MaskTag = (address: string) => string;

const NO_TAG: MaskTag = () => '';

/** The marks in place of masked text. */
const STARS = '***';

/**
 * A text with every e-mail and IP address in it masked.
 *
 * @example
 * maskValue('alice@example.com from 203.0.113.7'); // a***@example.com from 203.0.113.***
 *
 * @param tag tells people apart whose addresses are masked alike
 */
export function maskValue(text: string, tag: MaskTag = NO_TAG): string {
  let masked = text;
  // IPv6 before IPv4, which may be the end of it; both before e-mail, whose local part may be one.
  if (masked.includes(':')) masked = masked.replace(IPV6_CANDIDATE, (candidate) => maskIpv6(candidate, tag));
  if (masked.includes('.'))
    masked = masked.replace(IPV4_CANDIDATE, (candidate, offset, whole) => maskIpv4(candidate, offset, whole, tag));
  if (masked.includes('@')) masked = maskEmails(masked, '@', tag);
  if (masked.includes(ENCODED_SIGN)) masked = maskEmails(masked, ENCODED_SIGN, tag);
  return masked;
}

/** True if a text is an IP address as {@link maskValue} leaves it. */
export function isMaskedIp(text: string): boolean {
  return MASKED_IP.test(text);
}

const MASKED_IP = /^(?:(?:\d{1,3}\.){3}|(?:[0-9a-f]{1,4}:){3})\*\*\*(?:~[a-z2-7]{12})?$/;

// -------------------------------------------------------------------------------------------------------- e-mail

/** The characters of a local part (RFC 5321 `Atom`, RFC 6531), without those that rather end a word; and the stars. */
const LOCAL = /[\p{L}\p{N}._+*~%-]/u;
const LETTER = /\p{L}/u;
/** The labels of a domain name (RFC 5321 `Domain`, RFC 6531). */
const DOMAIN = /[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/uy;
/** The text after the sign in `package@1.2.3-rc.one`. */
const VERSION_START = /^v?\d+\.\d+\.\d/;
/** The last label of a domain is no number, and no single letter. */
const TOP_LEVEL = /\.(?=[^.]*\p{L})[^.]{2,}$/u;

/** `@`, as it stands in a URL (RFC 3986 section 2.1). */
const ENCODED_SIGN = '%40';

/**
 * Masks the local parts before `sign`. It looks around each sign once, so that time is linear in the text; a pattern for
 * the whole address would try again at every character.
 */
function maskEmails(text: string, sign: string, tag: MaskTag): string {
  let out = '';
  let done = 0;
  for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + sign.length)) {
    const start = localStart(text, done, at);
    const domain = domainAt(text, at + sign.length);
    if (start === at || domain === undefined) continue;
    const local = text.slice(start, at);
    out += text.slice(done, start) + maskLocal(local, () => tag(`${local}@${domain}`.toLowerCase()));
    done = at;
  }
  return out + text.slice(done);
}

/** Where the local part starts that ends at `end`, but not before `from`. */
function localStart(text: string, from: number, end: number): number {
  let start = end;
  while (start > from && isLocal(text, start - 1, from) && !text.endsWith(ENCODED_SIGN, start)) start--;
  return start;
}

/** An apostrophe counts within a name (`o'brien`), and not as a quote in front of one. */
function isLocal(text: string, at: number, from: number): boolean {
  if (LOCAL.test(text.charAt(at))) return true;
  return text.charAt(at) === "'" && at > from && LETTER.test(text.charAt(at - 1));
}

function domainAt(text: string, at: number): string | undefined {
  DOMAIN.lastIndex = at;
  const domain = DOMAIN.exec(text)?.[0];
  return domain !== undefined && TOP_LEVEL.test(domain) && !VERSION_START.test(domain) ? domain : undefined;
}

/** The first character, unless it is half of the whole. `git@` is the account that all users of a Git server share. */
function maskLocal(local: string, tag: () => string): string {
  if (local === 'git' || MASKED_LOCAL.test(local)) return local;
  return (local.length > 2 ? local.charAt(0) : '') + STARS + tag();
}

const MASKED_LOCAL = /^.?\*\*\*(?:~[a-z2-7]{12})?$/u;

// ------------------------------------------------------------------------------------------------------------ IP

/** Four small numbers, not within a longer version or OID, nor before a pre-release (`1.2.3.4-rc`). */
const IPV4_CANDIDATE = /(?<![A-Za-z0-9.*]|[A-Za-z]-)(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9]|\.\d|[-+][A-Za-z])/g;
/** The text before a version of four numbers: `Chrome/1.2.3.4` (but not `//1.2.3.4`), `version 1.2.3.4`. */
const BEFORE_VERSION = /(?:(?:^|[\s(;,"'])[A-Za-z][\w.-]*\/|(?<![A-Za-z])v(?:er|ersion)?[\s:=.#"']*)$/i;
/** How far back to look for it. */
const LOOK_BACK = 40;

function maskIpv4(candidate: string, offset: number, text: string, tag: MaskTag): string {
  if (!isIPv4(candidate) || BEFORE_VERSION.test(text.slice(Math.max(0, offset - LOOK_BACK), offset))) return candidate;
  return maskQuad(candidate) + tag(candidate);
}

function maskQuad(address: string): string {
  return address.slice(0, address.lastIndexOf('.') + 1) + STARS;
}

/** Two or more colons among hexadecimal groups; with a zone (RFC 4007), which goes with the rest. */
const IPV6_CANDIDATE = /(?<![\w:.*])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f:.]*(?:%\w+)?(?![\w:.*%])/g;

function maskIpv6(candidate: string, tag: MaskTag): string {
  const address = isIPv6(candidate) ? candidate : candidate.replace(/[:.]+$/, '');
  // Words such as `dead::beef` are code; an address without any digit in it is not worth breaking them.
  if (!isIPv6(address) || !/\d/.test(address)) return candidate;
  const groups = ipv6Groups(address);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  // RFC 4291 section 2.5.5.2: the last 32 bits are an IPv4 address.
  if (mapped) {
    const quad = [6, 7].map((i) => `${(groups[i] ?? 0) >> 8}.${(groups[i] ?? 0) & 255}`).join('.');
    return maskQuad(quad) + tag(quad) + candidate.slice(address.length);
  }
  const hex = groups.map((group) => group.toString(16));
  return `${hex.slice(0, 3).join(':')}:${STARS}${tag(hex.join(':'))}${candidate.slice(address.length)}`;
}

/** The eight groups of a valid IPv6 address (RFC 4291 section 2.2). */
function ipv6Groups(address: string): number[] {
  const plain = address.replace(/%.*$/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_quad, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number]; // four groups matched
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const parse = (half: string): number[] =>
    half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16));
  const [head = '', tail] = plain.split('::');
  const before = parse(head);
  const after = parse(tail ?? '');
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}
