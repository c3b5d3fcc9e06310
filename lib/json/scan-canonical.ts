import { RECORD_VERSIONS } from '../log/record-format.ts';

/**
 * Decides in one pass over the bytes, and without building anything, whether a record line is what RFC 8785 (JCS)
 * makes of a record, and reads the parts that a verifier compares. Re-canonicalising each event would cost ten times
 * as much. Section numbers are those of RFC 8785.
 */

/** The result of {@link scanRecordLine}. One object is reused: copy what must outlive the next call. */
export interface ScannedLine {
  seq: number;
  /** Unix milliseconds. */
  receivedAt: number;
  /** Offset of the 64 hex digits of `prev`. */
  prevAt: number;
  /** Offset of the submitter, and of the quote after it. */
  submitterAt: number;
  submitterEnd: number;
  /** Offsets of the event's members `id` and `producer`, and behind them; -1 where it has none. */
  idAt: number;
  idEnd: number;
  producerAt: number;
  producerEnd: number;
  /** Offset of the trail's name, and of the quote after it. */
  trailAt: number;
  trailEnd: number;
}

/** Something to scan into. */
export function emptyScan(): ScannedLine {
  return {
    ...{ seq: 0, receivedAt: 0, prevAt: 0, submitterAt: 0, submitterEnd: 0, trailAt: 0, trailEnd: 0 },
    ...{ idAt: -1, idEnd: -1, producerAt: -1, producerEnd: -1 },
  };
}

/** Deeper nesting is left to the slow, recursive check; intake refuses events deeper than 32. */
const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** How a byte reads inside a string. */
const PLAIN = 0;
const SPECIAL = 1; // the quote, the backslash, control characters
const MULTIBYTE = 2;
const inString = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte < 0x20 || byte === QUOTE || byte === BACKSLASH) return SPECIAL;
  return byte < 0x80 ? PLAIN : MULTIBYTE;
});

/** The characters with an escape of their own (section 3.2.2.2), by the letter after the backslash. */
const SHORT_ESCAPES = new Set([...'"\\bfnrt'].map((letter) => letter.charCodeAt(0)));
/** Control characters that have one, and so must not be written as \u00xx. */
const SHORT_CONTROLS = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const EVENT = ascii('{"event":{');
const ID = ascii('id');
const PRODUCER = ascii('producer');
const PREV = ascii(',"prev":"');
const RECEIVED_AT = ascii('","receivedAt":');
const SEQ = ascii(',"seq":');
const SUBMITTER = ascii(',"submitter":"');
const TRAIL = ascii(',"trail":"');
/** How a line ends, in each format that has the members of format 1. Lines of any other are left to the slow check. */
const ENDS = RECORD_VERSIONS.map((v) => ascii(`","v":${v}}`));
const TRUE = ascii('true');
const FALSE = ascii('false');
const NULL = ascii('null');
const LOWER_A = 0x61;

/**
 * Reads the line in `bytes[start, end)`. False: it is not a canonical record line, or nested deeper than 64; the
 * caller finds out which, and why, in the slow way. True: it is one, and `into` holds what it says.
 */
export function scanRecordLine(bytes: Uint8Array, start: number, end: number, into: ScannedLine): boolean {
  if (!follows(bytes, start, end, EVENT)) return false;
  into.idAt = -1;
  into.producerAt = -1;
  let at = scanObject(bytes, start + EVENT.length, end, 0, into);
  if (at < 0 || !follows(bytes, at, end, PREV)) return false;
  at += PREV.length;
  into.prevAt = at;
  at = scanHex(bytes, at, end, 64);
  if (at < 0 || !follows(bytes, at, end, RECEIVED_AT)) return false;
  at += RECEIVED_AT.length;
  let after = scanCount(bytes, at, end);
  if (after < 0 || !follows(bytes, after, end, SEQ)) return false;
  into.receivedAt = decimal(bytes, at, after);
  at = after + SEQ.length;
  after = scanCount(bytes, at, end);
  if (after < 0 || !follows(bytes, after, end, SUBMITTER)) return false;
  into.seq = decimal(bytes, at, after);
  into.submitterAt = after + SUBMITTER.length;
  at = scanString(bytes, into.submitterAt, end);
  if (at < 0 || !follows(bytes, at, end, TRAIL)) return false;
  into.submitterEnd = at - 1;
  // A log writes none that is empty: the slow way says so.
  if (into.submitterEnd === into.submitterAt) return false;
  at += TRAIL.length;
  into.trailAt = at;
  at = scanString(bytes, at, end);
  if (at < 0) return false;
  into.trailEnd = at - 1;
  if (!Number.isSafeInteger(into.seq) || !Number.isSafeInteger(into.receivedAt)) return false;
  return ENDS.some((text) => at - 1 + text.length === end && follows(bytes, at - 1, end, text));
}

function follows(bytes: Uint8Array, at: number, end: number, text: Uint8Array): boolean {
  const length = text.length;
  if (at + length > end) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

/** Offset after `count` lower-case hex digits, or -1. */
function scanHex(bytes: Uint8Array, start: number, end: number, count: number): number {
  const stop = start + count;
  if (stop > end) return -1;
  for (let at = start; at < stop; at++) if (isHex[bytes[at] ?? 0] === 0) return -1;
  return stop;
}

const isHex = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66) ? 1 : 0,
);

/** Offset after a decimal of 1 to 16 digits without leading zero, or -1. */
function scanCount(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isDigit(bytes[at] ?? 0)) at++;
  const digits = at - start;
  if (digits === 0 || digits > 16 || (digits > 1 && bytes[start] === 0x30)) return -1;
  return at;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function decimal(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) value = value * 10 + ((bytes[at] ?? 0) - 0x30);
  return value;
}

// The scanners below take the offset after what opens the value, and return the offset after the value, or -1.

function scanValue(bytes: Uint8Array, at: number, end: number, depth: number): number {
  if (at >= end) return -1;
  const first = bytes[at] ?? 0;
  if (first === QUOTE) return scanString(bytes, at + 1, end);
  if (first === OPEN_BRACE) return depth < MAX_DEPTH ? scanObject(bytes, at + 1, end, depth + 1) : -1;
  if (first === OPEN_BRACKET) return depth < MAX_DEPTH ? scanArray(bytes, at + 1, end, depth + 1) : -1;
  if (first < LOWER_A) return scanNumber(bytes, at, end);
  const literal = first === 0x74 ? TRUE : first === 0x66 ? FALSE : NULL;
  return follows(bytes, at, end, literal) ? at + literal.length : -1;
}

/**
 * Members sorted by key (section 3.2.3), no two alike, no white space (section 3.2.1).
 *
 * @param into for the event itself: takes note of where its `id` and `producer` are
 */
function scanObject(bytes: Uint8Array, start: number, end: number, depth: number, into?: ScannedLine): number {
  if (bytes[start] === CLOSE_BRACE && start < end) return start + 1;
  let at = start;
  let lastKey = -1;
  let lastKeyEnd = -1;
  for (;;) {
    const key = at + 1;
    const colon = scanKey(bytes, at, end);
    if (colon < 0 || (lastKey >= 0 && !ascends(bytes, lastKey, lastKeyEnd, key, colon - 1))) return -1;
    lastKey = key;
    lastKeyEnd = colon - 1;
    const value = colon + 1;
    at = scanValue(bytes, value, end, depth);
    if (at < 0 || at >= end) return -1;
    if (into !== undefined) noteMember(bytes, key, lastKeyEnd, value, at, into);
    const next = bytes[at++];
    if (next === CLOSE_BRACE) return at;
    if (next !== COMMA) return -1;
  }
}

/** A key from its first quote. @returns where its colon is */
function scanKey(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end || bytes[at] !== QUOTE) return -1;
  const colon = scanString(bytes, at + 1, end);
  return colon < end && bytes[colon] === COLON ? colon : -1;
}

function noteMember(bytes: Uint8Array, key: number, keyEnd: number, value: number, end: number, into: ScannedLine) {
  const length = keyEnd - key;
  if (length === ID.length && follows(bytes, key, keyEnd, ID)) {
    into.idAt = value;
    into.idEnd = end;
  } else if (length === PRODUCER.length && follows(bytes, key, keyEnd, PRODUCER)) {
    into.producerAt = value;
    into.producerEnd = end;
  }
}

function scanArray(bytes: Uint8Array, start: number, end: number, depth: number): number {
  if (bytes[start] === CLOSE_BRACKET && start < end) return start + 1;
  let at = start;
  for (;;) {
    at = scanValue(bytes, at, end, depth);
    if (at < 0 || at >= end) return -1;
    const next = bytes[at++];
    if (next === CLOSE_BRACKET) return at;
    if (next !== COMMA) return -1;
  }
}

/** Section 3.2.2.2: only what must be escaped is, in its shortest form, and the bytes are valid UTF-8. */
function scanString(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at++] ?? 0;
    const sort = inString[byte];
    if (sort === PLAIN) continue;
    if (sort === MULTIBYTE) {
      at = scanMultibyte(bytes, at, end, byte);
      if (at < 0) return -1;
      continue;
    }
    if (byte === QUOTE) return at;
    if (byte !== BACKSLASH) return -1;
    at = scanEscape(bytes, at, end);
    if (at < 0) return -1;
  }
  return -1;
}

function scanEscape(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const letter = bytes[at] ?? 0;
  if (SHORT_ESCAPES.has(letter)) return at + 1;
  // \u00xx in lower case, for the control characters that have no escape of their own.
  if (letter !== 0x75 || scanHex(bytes, at + 1, end, 4) < 0) return -1;
  const code = Number.parseInt(Buffer.from(bytes.subarray(at + 1, at + 5)).toString('latin1'), 16);
  return code < 0x20 && !SHORT_CONTROLS.has(code) ? at + 5 : -1;
}

/** RFC 3629 section 4: the well-formed sequences of two to four bytes; `at` is the offset after the first. */
function scanMultibyte(bytes: Uint8Array, at: number, end: number, first: number): number {
  const length = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  if (first < 0xc2 || first > 0xf4 || at + length > end) return -1;
  const second = bytes[at] ?? 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return -1;
  for (let i = 1; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return -1;
  return at + length;
}

/** Section 3.2.2.3: numbers are written as ECMAScript writes them. */
function scanNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isNumberByte(bytes[at] ?? 0)) at++;
  const length = at - start;
  if (length === 0 || length > 32) return -1; // ECMAScript needs at most 25 characters
  const whole = scanCount(bytes, start, at) === at;
  if (whole && length <= 15) return at;
  const text = Buffer.from(bytes.subarray(start, at)).toString('latin1');
  return String(Number(text)) === text ? at : -1;
}

function isNumberByte(byte: number): boolean {
  return isDigit(byte) || byte === 0x2d || byte === 0x2e || byte === 0x65 || byte === 0x2b;
}

/** True if key a sorts strictly before key b, by UTF-16 code units (section 3.2.3). Keys are given as written. */
function ascends(bytes: Uint8Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const length = Math.min(aEnd - a, bEnd - b);
  for (let i = 0; i < length; i++) {
    const left = bytes[a + i] ?? 0;
    const right = bytes[b + i] ?? 0;
    if (left === right && left !== BACKSLASH) continue;
    if (left === BACKSLASH || right === BACKSLASH) return decoded(bytes, a, aEnd) < decoded(bytes, b, bEnd);
    return codeUnitRank(left) < codeUnitRank(right);
  }
  return aEnd - a < bEnd - b;
}

function decoded(bytes: Uint8Array, start: number, end: number): string {
  const text: unknown = JSON.parse(Buffer.from(bytes.subarray(start - 1, end + 1)).toString('utf8'));
  return String(text);
}

/**
 * The order of UTF-8 bytes is that of UTF-16 code units but for one thing: the characters from U+10000 on (first bytes
 * F0 to F4) are surrogates there, and so sort before U+E000 to U+FFFF (first bytes EE and EF).
 */
function codeUnitRank(byte: number): number {
  return byte === 0xee || byte === 0xef ? byte + 0x10 : byte;
}
