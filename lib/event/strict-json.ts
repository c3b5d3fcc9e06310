import { SealtrailError } from '../log/error.ts';
import { fieldPath, type Step } from './field.ts';
import { isExactNumber } from './json-number.ts';

/** What a text may hold, besides being JSON. Sizes are in bytes of UTF-8. */
export interface JsonLimits {
  /** Levels of objects and arrays in a unit; the unit itself is the first. */
  readonly depth: number;
  /** Bytes of a unit. */
  readonly unitBytes: number;
  /** Units in a batch. */
  readonly units: number;
  /** The member whose array holds the units of a batch. A root object without it is itself the one unit. */
  readonly batchKey: string;
}

/**
 * Reads JSON strictly: what native `JSON.parse` makes of a text, but only where the text can mean nothing else.
 * Besides bad syntax (RFC 8259) it refuses what I-JSON (RFC 7493 sections 2.1 to 2.3) refuses: a key that comes twice
 * in an object, also when it is written with other escapes; numbers that a double cannot hold
 * (see {@link isExactNumber}); strings with a lone surrogate, also an escaped one.
 *
 * A scan of the text checks its grammar, numbers, surrogates and limits, and counts members; `JSON.parse` makes the
 * values. A key that came twice leaves fewer members in the values than the text has: only then is the text scanned
 * again, to find which. So good input costs no set of keys, and time is linear in the text for any input.
 *
 * Errors, each with the field where it stands: `invalid_json`; `record_too_large` for a unit over its bytes;
 * `batch_too_large` for too many units.
 */
export function readStrictJson(text: string, limits: JsonLimits): unknown {
  const members = new Scan(text, limits, false).run();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SealtrailError('invalid_json', 'the body is not valid JSON', { cause });
  }
  if (countMembers(value) !== members) new Scan(text, limits, true).run();
  return value;
}

/** The members of all objects in a value. Its depth is bounded by the scan before. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) if (typeof element === 'object') count += countMembers(element);
    return count;
  }
  for (const key in value) {
    count++;
    // Just enumerated, so it is there.
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'object') count += countMembers(member);
  }
  return count;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Numbers of at most this many characters and no exponent are exact: they have at most 15 digits. */
const SURELY_EXACT = 15;

/** An object or array that the scan is inside of. */
interface Frame {
  readonly isArray: boolean;
  /** Elements before the current one. */
  index: number;
  /** Where the current member's key stands, with its quotes; -1 before the first. */
  keyStart: number;
  keyEnd: number;
  /** The keys so far, decoded: only when looking for one that comes twice. */
  readonly seen: Set<string> | undefined;
}

/** One pass over a text, by recursive descent: the limit on depth bounds the recursion. */
class Scan {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #findDuplicates: boolean;
  readonly #frames: Frame[] = [];
  #at = 0;
  #members = 0;
  #inBatch = false;

  constructor(text: string, limits: JsonLimits, findDuplicates: boolean) {
    this.#text = text;
    this.#limits = limits;
    this.#findDuplicates = findDuplicates;
  }

  /** Scans all of the text, or throws. Returns how many members its objects have. */
  run(): number {
    const c = this.#skipSpace();
    const start = this.#at;
    this.#value(c);
    const end = this.#at;
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('expected nothing more');
    if (!this.#inBatch) this.#checkUnit(start, end);
    return this.#members;
  }

  /** A value that starts here with the character `c`. */
  #value(c: number): void {
    if (c === QUOTE) this.#string();
    else if (c === OPEN_BRACE) this.#object();
    else if (c === OPEN_BRACKET) this.#array();
    else if (c === MINUS || (c >= ZERO && c <= NINE)) this.#number();
    else if (c === 0x74) this.#literal('true');
    else if (c === 0x66) this.#literal('false');
    else if (c === 0x6e) this.#literal('null');
    else this.#fail('expected a value');
  }

  #object(): void {
    const frame = this.#enter(false);
    for (let more = !this.#isClosed(CLOSE_BRACE); more; more = this.#isFollowed(CLOSE_BRACE)) {
      if (this.#skipSpace() !== QUOTE) this.#fail('expected a key in double quotes');
      frame.keyStart = this.#at;
      this.#string();
      frame.keyEnd = this.#at;
      if (frame.seen !== undefined) this.#checkKey(frame.seen);
      this.#members++;
      if (this.#skipSpace() !== COLON) this.#fail('expected a colon after the key');
      this.#at++;
      this.#value(this.#skipSpace());
    }
    this.#frames.pop();
  }

  #array(): void {
    const frame = this.#enter(true);
    const isBatch = this.#frames.length === 2 && this.#isBatch();
    if (isBatch) this.#inBatch = true;
    for (let more = !this.#isClosed(CLOSE_BRACKET); more; more = this.#isFollowed(CLOSE_BRACKET)) {
      if (isBatch && frame.index >= this.#limits.units) this.#failBatch();
      const c = this.#skipSpace();
      const start = this.#at;
      this.#value(c);
      if (isBatch) this.#checkUnit(start, this.#at);
      frame.index++;
    }
    this.#frames.pop();
  }

  /** Whether the object or array ends before its first item; then it moves past the end. */
  #isClosed(close: number): boolean {
    if (this.#skipSpace() !== close) return false;
    this.#at++;
    return true;
  }

  /** Moves past the comma before another item (true) or past the end (false). */
  #isFollowed(close: number): boolean {
    const c = this.#skipSpace();
    if (c !== close && c !== COMMA) this.#fail(`expected a comma or ${String.fromCharCode(close)}`);
    this.#at++;
    return c === COMMA;
  }

  #failBatch(): never {
    const { units, batchKey } = this.#limits;
    throw new SealtrailError('batch_too_large', `a batch has at most ${units} events: send the rest separately`, {
      field: batchKey,
    });
  }

  /** Whether the array just entered is the one that holds the units of a batch. */
  #isBatch(): boolean {
    const root = this.#frames[0];
    return root !== undefined && !root.isArray && this.#key(root) === this.#limits.batchKey;
  }

  /** Moves past the bracket that starts an object or array. */
  #enter(isArray: boolean): Frame {
    // A unit of a batch starts two levels below the root.
    if (this.#frames.length >= this.#limits.depth + (this.#inBatch ? 2 : 0)) {
      this.#refuse(`nested deeper than ${this.#limits.depth} levels`);
    }
    const seen = this.#findDuplicates && !isArray ? new Set<string>() : undefined;
    const frame: Frame = { isArray, index: 0, keyStart: -1, keyEnd: -1, seen };
    this.#frames.push(frame);
    this.#at++;
    return frame;
  }

  /** Moves past the string that starts here. */
  #string(): void {
    const text = this.#text;
    let at = this.#at + 1;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        this.#at = at;
        this.#escape();
        at = this.#at;
      } else if (c >= SPACE) {
        if (c >= 0xd800 && c <= 0xdfff) {
          this.#at = at;
          this.#checkSurrogate(c, text.charCodeAt(at + 1));
          at++;
        }
        at++;
      } else {
        this.#at = at;
        this.#fail(at >= text.length ? 'the string does not end' : 'control characters must be escaped');
      }
    }
    this.#at = at + 1;
  }

  /** Moves past the escape that starts here; past both where it is a surrogate pair. */
  #escape(): void {
    const c = this.#text.charCodeAt(this.#at + 1);
    if (c !== 0x75) {
      if (!SHORT_ESCAPES.has(c)) this.#fail('unknown escape');
      this.#at += 2;
      return;
    }
    const unit = this.#unicodeEscape(this.#at);
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const pair = this.#text.startsWith('\\u', this.#at + 6) ? this.#unicodeEscape(this.#at + 6) : Number.NaN;
      this.#checkSurrogate(unit, pair);
      this.#at += 6;
    }
    this.#at += 6;
  }

  #unicodeEscape(at: number): number {
    const hex = this.#text.slice(at + 2, at + 6);
    if (!HEX4.test(hex)) this.#fail('\\u needs four hexadecimal digits');
    return Number.parseInt(hex, 16);
  }

  #checkSurrogate(first: number, second: number): void {
    if (first <= 0xdbff && second >= 0xdc00 && second <= 0xdfff) return;
    this.#refuse('a lone surrogate is no character: the text was cut in the middle of one');
  }

  #number(): void {
    const text = this.#text;
    const start = this.#at;
    let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
    const whole = at;
    at = this.#digits(at);
    if (at > whole + 1 && text.charCodeAt(whole) === ZERO) {
      this.#at = whole;
      this.#fail('a number has no leading zeros');
    }
    if (text.charCodeAt(at) === DOT) at = this.#digits(at + 1);
    const c = text.charCodeAt(at);
    const hasExponent = c === 0x65 || c === 0x45;
    if (hasExponent) {
      const sign = text.charCodeAt(at + 1);
      at = this.#digits(sign === MINUS || sign === 0x2b ? at + 2 : at + 1);
    }
    if ((hasExponent || at - start > SURELY_EXACT) && !isExactNumber(text.slice(start, at))) {
      const literal = text.slice(start, Math.min(at, start + 40));
      this.#refuse(`the number ${literal}${at - start > 40 ? '…' : ''} would be changed: send it as a string`);
    }
    this.#at = at;
  }

  /** Where the digits that start at `at` end. */
  #digits(at: number): number {
    let end = at;
    for (let c = this.#text.charCodeAt(end); c >= ZERO && c <= NINE; c = this.#text.charCodeAt(end)) end++;
    if (end === at) {
      this.#at = at;
      this.#fail('expected a digit');
    }
    return end;
  }

  #literal(word: string): void {
    if (!this.#text.startsWith(word, this.#at)) this.#fail('expected a value');
    this.#at += word.length;
  }

  /** Moves past white space. Returns the character it stops at; NaN at the end. */
  #skipSpace(): number {
    for (;;) {
      const c = this.#text.charCodeAt(this.#at);
      // RFC 8259 section 2: space, tab, line feed, carriage return.
      if (c === SPACE || c === 0x0a || c === 0x0d || c === 0x09) this.#at++;
      else return c;
    }
  }

  #checkKey(seen: Set<string>): void {
    const key = this.#key(this.#frames.at(-1));
    if (seen.has(key)) this.#refuse('the key comes twice in its object');
    seen.add(key);
  }

  /** A unit from `start` to `end`, exclusive, in UTF-16 code units: each is 1 to 3 bytes in UTF-8. */
  #checkUnit(start: number, end: number): void {
    const { unitBytes } = this.#limits;
    if ((end - start) * 3 <= unitBytes) return;
    const bytes = end - start > unitBytes ? end - start : Buffer.byteLength(this.#text.slice(start, end));
    if (bytes <= unitBytes) return;
    throw new SealtrailError(
      'record_too_large',
      `an event has at most ${unitBytes} bytes, this one more`,
      this.#field(),
    );
  }

  /** The decoded key of an object's current member. */
  #key(frame: Frame | undefined): string {
    if (frame === undefined || frame.keyEnd < 0) return '';
    // Scanned as a string just before, so it parses, and to a string.
    return JSON.parse(this.#text.slice(frame.keyStart, frame.keyEnd)) as string;
  }

  #field(): { field?: string } {
    const steps: Step[] = [];
    for (const frame of this.#frames) {
      if (frame.isArray) steps.push(frame.index);
      else if (frame.keyEnd > frame.keyStart) steps.push(this.#key(frame));
    }
    return steps.length === 0 ? {} : { field: fieldPath(steps) };
  }

  /** Refuses what is JSON, but not ours. */
  #refuse(why: string): never {
    throw new SealtrailError('invalid_json', why, this.#field());
  }

  /** Refuses what is not JSON, where it stops being so. Lines and columns count from 1, columns in characters. */
  #fail(why: string): never {
    const before = this.#text.slice(0, this.#at);
    const line = before.split('\n').length;
    const column = this.#at - before.lastIndexOf('\n');
    const found = this.#at >= this.#text.length ? ', but the text ends' : '';
    throw new SealtrailError(
      'invalid_json',
      `the body is not valid JSON at line ${line}, column ${column}: ${why}${found}`,
      this.#field(),
    );
  }
}

const HEX4 = /^[0-9a-fA-F]{4}$/;
/** RFC 8259 section 7: `"`, `\`, `/`, b, f, n, r, t. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);
