import { isExactNumber } from './exact-number.ts';
import { errorAt, type Step } from './field-path.ts';
import type { Repairs, Tolerance } from './repairs.ts';

/** Limits of a text, besides being JSON. Sizes are in bytes of UTF-8. */
export interface JsonLimits {
  /** Levels of objects and arrays in a unit; the unit itself is the first. */
  readonly depth: number;
  /** Bytes of a unit. */
  readonly unitBytes: number;
  /** Units in a batch. @default any number */
  readonly units?: number;
  /**
   * The member whose array holds the units of a batch. A root object without it is itself the one unit.
   *
   * @default no member, so that the root is always the one unit
   */
  readonly batchKey?: string;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const UPPER_E = 0x45;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const LOWER_U = 0x75;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** The byte that the scan reads past the end. */
const END = -1;

const HEX4 = /^[0-9a-fA-F]{4}$/;
/** RFC 8259 section 7: `"`, `\\`, `/`, b, f, n, r, t. */
const SHORT_ESCAPES: ReadonlySet<number> = new Set([0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74]);

/** RFC 7493 section 2.2: what all readers of JSON agree on. */
const INEXACT = 'is beyond ±(2^53 - 1) or has more digits than a double keeps';
/** Messages show at most this much of a number. */
const SHOWN_DIGITS = 40;
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

/** How a text is scanned. */
export interface ScanOptions {
  readonly limits: JsonLimits;
  readonly tolerance: Tolerance;
  readonly repairs: Repairs;
  readonly findDuplicates: boolean;
  /** Where keys are noted that come twice, if they are tolerated. */
  readonly duplicates?: Repairs;
}

/** One pass over a text in valid UTF-8, by recursive descent: the limit on depth bounds the recursion. */
export class Scan {
  readonly #bytes: Buffer;
  readonly #limits: JsonLimits;
  readonly #tolerance: Tolerance;
  readonly #repairs: Repairs;
  readonly #duplicates: Repairs | undefined;
  readonly #findDuplicates: boolean;
  readonly #frames: Frame[] = [];
  #at = 0;
  #members = 0;
  #inBatch = false;

  constructor(bytes: Buffer, { limits, tolerance, repairs, findDuplicates, duplicates }: ScanOptions) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#tolerance = tolerance;
    this.#repairs = repairs;
    this.#findDuplicates = findDuplicates;
    this.#duplicates = duplicates;
  }

  /** Scans all of the text, or throws. Returns how many members its objects have. */
  run(): number {
    const c = this.#skipSpace();
    const start = this.#at;
    this.#value(c);
    const end = this.#at;
    if (this.#skipSpace() !== END) this.#fail('expected nothing more');
    if (!this.#inBatch) this.#checkUnit(start, end);
    return this.#members;
  }

  /** A value that starts here with the character `c`. */
  #value(c: number): void {
    if (c === QUOTE) this.#string();
    else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      if (this.#tolerance.rest && this.#isTooDeep()) this.#keepAsText();
      else if (c === OPEN_BRACE) this.#object();
      else this.#array();
    } else if (c === MINUS || (c >= ZERO && c <= NINE)) this.#number();
    else if (c === LOWER_T) this.#literal('true');
    else if (c === LOWER_F) this.#literal('false');
    else if (c === LOWER_N) this.#literal('null');
    else this.#fail('expected a value');
  }

  #object(): void {
    const frame = this.#enter(false);
    for (let more = !this.#isClosed(CLOSE_BRACE); more; more = this.#isFollowed(CLOSE_BRACE)) {
      if (this.#skipSpace() !== QUOTE) this.#fail('expected a key in double quotes');
      frame.keyStart = this.#at;
      this.#string();
      frame.keyEnd = this.#at;
      if (frame.seen !== undefined) this.#checkKey(frame, frame.seen);
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
      if (isBatch) this.#checkCount(frame.index + 1);
      const c = this.#skipSpace();
      const start = this.#at;
      this.#value(c);
      if (isBatch) this.#checkUnit(start, this.#at);
      frame.index++;
    }
    this.#frames.pop();
  }

  /** True if the object or array ends before its first item; then it moves past the end. */
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

  /** True if the array just entered is the one that holds the units of a batch. */
  #isBatch(): boolean {
    const root = this.#frames[0];
    return root !== undefined && !root.isArray && this.#key(root) === this.#limits.batchKey;
  }

  #isTooDeep(): boolean {
    // A unit of a batch starts two levels below the root.
    return this.#frames.length >= this.#limits.depth + (this.#inBatch ? 2 : 0);
  }

  /** Moves past an object or array, to be kept as the text it is. Only brackets outside of strings count. */
  #keepAsText(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    let depth = 0;
    do {
      const c = bytes[this.#at] ?? END;
      if (c === END) this.#fail('the brackets do not close');
      if (c === QUOTE) {
        for (this.#at++; bytes[this.#at] !== QUOTE && this.#at < bytes.length; this.#at++) {
          if (bytes[this.#at] === BACKSLASH) this.#at++;
        }
      } else if (c === OPEN_BRACE || c === OPEN_BRACKET) depth++;
      else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) depth--;
      this.#at++;
    } while (depth > 0);
    this.#repair(start, this.#at, JSON.stringify(this.#slice(start, this.#at)));
  }

  #repair(start: number, end: number, replacement: string): void {
    const steps = this.#steps();
    const [, unit] = steps;
    if (this.#inBatch && typeof unit === 'number') {
      this.#repairs.add({ start, end, replacement }, unit, steps.slice(2));
    } else this.#repairs.add({ start, end, replacement }, undefined, steps);
  }

  /** Moves past the bracket that starts an object or array. */
  #enter(isArray: boolean): Frame {
    if (this.#isTooDeep()) this.#refuse(`nested deeper than ${this.#limits.depth} levels`);
    const seen = this.#findDuplicates && !isArray ? new Set<string>() : undefined;
    const frame: Frame = { isArray, index: 0, keyStart: -1, keyEnd: -1, seen };
    this.#frames.push(frame);
    this.#at++;
    return frame;
  }

  /** Moves past the string that starts here. */
  #string(): void {
    const bytes = this.#bytes;
    let at = this.#at + 1;
    for (;;) {
      const c = bytes[at] ?? END;
      if (c === QUOTE) break;
      if (c === BACKSLASH) {
        this.#at = at;
        at = this.#escape();
      } else if (c >= SPACE) {
        at++;
      } else {
        this.#at = at;
        this.#fail(c === END ? 'the string does not end' : 'control characters must be escaped');
      }
    }
    this.#at = at + 1;
  }

  /** Where the escape that starts here ends; the pair, where it is the first of a surrogate pair. */
  #escape(): number {
    const at = this.#at;
    const c = this.#bytes[at + 1] ?? END;
    if (c !== LOWER_U) {
      if (!SHORT_ESCAPES.has(c)) this.#fail('unknown escape');
      return at + 2;
    }
    const unit = this.#unicodeEscape(at);
    if (unit < 0xd800 || unit > 0xdfff) return at + 6;
    const isPair =
      unit <= 0xdbff && this.#bytes[at + 6] === BACKSLASH && this.#bytes[at + 7] === LOWER_U && this.#isLow(at + 6);
    if (isPair) return at + 12;
    if (!this.#tolerance.rest) this.#refuse('a lone surrogate is no character: the text was cut in the middle of one');
    this.#repair(at, at + 6, '\\ufffd');
    return at + 6;
  }

  #isLow(at: number): boolean {
    const unit = this.#unicodeEscape(at);
    return unit >= 0xdc00 && unit <= 0xdfff;
  }

  #unicodeEscape(at: number): number {
    const hex = this.#slice(at + 2, at + 6);
    if (!HEX4.test(hex)) this.#fail('\\u needs four hexadecimal digits');
    return Number.parseInt(hex, 16);
  }

  #number(): void {
    const bytes = this.#bytes;
    const start = this.#at;
    const whole = bytes[start] === MINUS ? start + 1 : start;
    let at = this.#digits(whole);
    if (at > whole + 1 && bytes[whole] === ZERO) this.#fail('a number has no leading zeros');
    if (bytes[at] === DOT) at = this.#digits(at + 1);
    const hasExponent = bytes[at] === LOWER_E || bytes[at] === UPPER_E;
    if (hasExponent) {
      const sign = bytes[at + 1];
      at = this.#digits(sign === MINUS || sign === PLUS ? at + 2 : at + 1);
    }
    if ((hasExponent || at - start > SURELY_EXACT) && !isExactNumber(this.#slice(start, at))) {
      const literal = this.#slice(start, Math.min(at, start + SHOWN_DIGITS));
      const shown = at - start > SHOWN_DIGITS ? `${literal}…` : literal;
      if (!this.#tolerance.numbers) this.#refuse(`the number ${shown} ${INEXACT}: send it as a string`);
      this.#repair(start, at, `"${this.#slice(start, at)}"`);
    }
    this.#at = at;
  }

  /** Where the digits that start at `at` end. */
  #digits(at: number): number {
    let end = at;
    for (let c = this.#bytes[end] ?? END; c >= ZERO && c <= NINE; c = this.#bytes[end] ?? END) end++;
    if (end > at) return end;
    this.#at = at;
    return this.#fail('expected a digit');
  }

  #literal(word: string): void {
    if (this.#slice(this.#at, this.#at + word.length) !== word) this.#fail('expected a value');
    this.#at += word.length;
  }

  /** Moves past white space (RFC 8259 section 2). Returns the byte it stops at. */
  #skipSpace(): number {
    for (;;) {
      const c = this.#bytes[this.#at] ?? END;
      if (c === SPACE || c === LINE_FEED || c === CARRIAGE_RETURN || c === TAB) this.#at++;
      else return c;
    }
  }

  #checkKey(frame: Frame, seen: Set<string>): void {
    const key = this.#key(frame);
    if (seen.has(key)) {
      if (!this.#tolerance.rest) this.#refuse('the key comes twice in its object');
      const steps = this.#steps();
      const unit = this.#inBatch ? steps[1] : undefined;
      if (typeof unit === 'number') this.#duplicates?.note(unit, steps.slice(2));
      else this.#duplicates?.note(undefined, steps);
    }
    seen.add(key);
  }

  /** A unit from `start` to `end`, exclusive. */
  #checkUnit(start: number, end: number): void {
    const { unitBytes } = this.#limits;
    if (end - start <= unitBytes || this.#tolerance.rest) return;
    throw errorAt(
      'record_too_large',
      this.#steps(),
      `an event has at most ${unitBytes} bytes, this one ${end - start}`,
    );
  }

  #checkCount(count: number): void {
    const { units = Number.POSITIVE_INFINITY, batchKey = '' } = this.#limits;
    if (count <= units) return;
    throw errorAt('batch_too_large', [batchKey], `a batch has at most ${units} events: send the rest separately`);
  }

  /** The decoded key of an object's current member. */
  #key(frame: Frame): string {
    // Scanned as a string just before, so it parses, and to a string.
    return JSON.parse(this.#slice(frame.keyStart, frame.keyEnd)) as string;
  }

  #slice(start: number, end: number): string {
    return this.#bytes.toString('utf8', start, end);
  }

  /** Where the scan is; without the member whose key it is in the middle of. */
  #steps(): Step[] {
    const steps: Step[] = [];
    for (const frame of this.#frames) {
      if (frame.isArray) steps.push(frame.index);
      else if (frame.keyEnd > frame.keyStart) steps.push(this.#key(frame));
    }
    return steps;
  }

  /** Refuses what is JSON, but not ours. */
  #refuse(why: string): never {
    throw errorAt('invalid_json', this.#steps(), why);
  }

  /** Refuses what is not JSON, where it stops being so. Lines and columns count from 1, columns in characters. */
  #fail(why: string): never {
    const before = this.#slice(0, this.#at).split('\n');
    const where = `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
    const end = this.#at >= this.#bytes.length ? ', but the text ends' : '';
    throw errorAt('invalid_json', this.#steps(), `not valid JSON at ${where}: ${why}${end}`);
  }
}
