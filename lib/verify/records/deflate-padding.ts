/**
 * A deflate stream has a few bits that no decoder looks at: those between a stored block's header and the next byte,
 * and those after the last block. zlib writes them as zeros and ignores them when it reads, so a flipped one would go
 * unseen. This walks over a stream that zlib has found valid, without unpacking it, and looks at them.
 *
 * @see RFC 1951 section 3.2
 */

/** RFC 1951 section 3.2.7: in which order the lengths of the code length codes are written. */
const LENGTH_CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** RFC 1951 section 3.2.5: extra bits of the length codes 257 to 285, and of the distance codes 0 to 29. */
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const END_OF_BLOCK = 256;

/** Longest code, in bits (RFC 1951 section 3.2.7). */
const LONGEST = 15;
/** How many bits a table looks at. Longer codes are rare, and tables are made anew for every block. */
const TABLE_BITS = 10;
const TABLE_SIZE = 1 << TABLE_BITS;

/** A Huffman code (RFC 1951 section 3.2.2). */
interface Code {
  /** How many codes there are of each length. */
  readonly counts: Uint16Array;
  /** The symbols, by the length of their codes, then by number. */
  readonly symbols: Uint16Array;
  /** By the next bits: the symbol times 16 plus the length of its code; 0: longer, or none. */
  readonly table: Uint16Array;
}

/** The code that a list of code lengths, one per symbol, stands for. */
function codeOf(lengths: readonly number[]): Code {
  const counts = new Uint16Array(LONGEST + 1);
  for (const length of lengths) if (length > 0) counts[length] = (counts[length] ?? 0) + 1;
  const symbols = new Uint16Array(lengths.length);
  const table = new Uint16Array(TABLE_SIZE);
  let code = 0;
  let place = 0;
  for (let length = 1; length <= LONGEST; length++, code <<= 1) {
    if (counts[length] === 0) continue;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      symbols[place++] = symbol;
      if (length <= TABLE_BITS) {
        for (let at = reversed(code, length); at < TABLE_SIZE; at += 1 << length) table[at] = symbol * 16 + length;
      }
      code += 1;
    }
  }
  return { counts, symbols, table };
}

/** Huffman codes are packed with their first bit lowest. */
function reversed(code: number, length: number): number {
  let result = 0;
  for (let i = 0; i < length; i++) result |= ((code >> i) & 1) << (length - 1 - i);
  return result;
}

/** The symbol that the next bits are the code of, times 16, plus the length of the code; 0: of none. */
function entryAt({ counts, symbols, table }: Code, window: number): number {
  const short = table[window & (TABLE_SIZE - 1)] ?? 0;
  if (short !== 0) return short;
  // Bit by bit: codes of one length are consecutive, and follow those that are shorter.
  let code = 0;
  let first = 0;
  let place = 0;
  for (let length = 1; length <= LONGEST; length++) {
    code |= (window >> (length - 1)) & 1;
    const count = counts[length] ?? 0;
    if (code - first < count) return (symbols[place + code - first] ?? 0) * 16 + length;
    place += count;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}

/** Set in a step after which comes a distance; steps for distances are {@link TABLE_SIZE} further. */
const THEN_DISTANCE = 32;

/**
 * What the next 10 bits amount to: how many bits to go on, and whether a distance comes then; 0: to be looked at more
 * closely. In the first half for literals, of which a step takes as many as are whole, and lengths with their extra
 * bits; in the second half for distances. So the walk takes hardly a decision that a processor could guess wrong.
 */
function stepsOf(literals: Code, distances: Code): Uint8Array {
  const steps = new Uint8Array(2 * TABLE_SIZE);
  for (let window = 0; window < TABLE_SIZE; window++) {
    steps[window] = literalStep(literals.table, window);
    const entry = distances.table[window] ?? 0;
    if (entry !== 0) steps[TABLE_SIZE + window] = (entry & 15) + (DISTANCE_EXTRA[entry >> 4] ?? 0);
  }
  return steps;
}

function literalStep(table: Uint16Array, window: number): number {
  let taken = 0;
  for (;;) {
    const entry = table[window >> taken] ?? 0;
    const length = entry & 15;
    const symbol = entry >> 4;
    if (entry === 0 || taken + length > TABLE_BITS || symbol === END_OF_BLOCK) return taken;
    taken += length;
    if (symbol > END_OF_BLOCK) return (taken + (LENGTH_EXTRA[symbol - 257] ?? 0)) | THEN_DISTANCE;
  }
}

/** RFC 1951 section 3.2.6. */
const FIXED_LITERALS = codeOf(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = codeOf(new Array<number>(30).fill(5));

/** How far before the end the last block is looked for, in bytes. zlib's blocks of text have some 20,000. */
const LAST_BLOCK_WITHIN = 48 * 1024;

/**
 * Whether the bits that a decoder skips are zero, and the stream ends with its last byte. In a long stream the last block is
 * found by its header, which hardly anything else looks like, and only that is walked over: stored blocks, the only
 * others with such bits, are not made of text. Where that does not say yes, the whole stream is.
 */
export function slackIsZero(deflate: Uint8Array): boolean {
  const start = deflate.length > 2 * LAST_BLOCK_WITHIN ? lastDynamicBlock(deflate) : undefined;
  return (start !== undefined && new Walk(deflate, start).run()) || new Walk(deflate, 0).run();
}

/** Where, in bits, a last block that brings its codes along (RFC 1951 section 3.2.7) seems to begin. */
function lastDynamicBlock(bytes: Uint8Array): number | undefined {
  const end = bytes.length * 8;
  for (let at = end - 100; at > end - LAST_BLOCK_WITHIN * 8; at--) {
    // Last, dynamic, at most 286 literals and lengths and 30 distances.
    const window = windowAt(bytes, at);
    if ((window & 7) !== 5 || ((window >> 3) & 31) > 29 || ((window >> 8) & 31) > 29) continue;
    if (new Walk(bytes, at).hasCompleteCodes()) return at;
  }
  return undefined;
}

/** Whether code lengths leave no bits that are the beginning of no code (RFC 1951 section 3.2.2). */
function isComplete(lengths: readonly number[]): boolean {
  const share = lengths.reduce((sum, length) => (length === 0 ? sum : sum + (1 << (LONGEST - length))), 0);
  return share === 1 << LONGEST;
}

class Walk {
  readonly #bytes: Uint8Array;
  /** In bits from the start. */
  #at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Whether a dynamic block that begins here has codes as zlib makes them. */
  hasCompleteCodes(): boolean {
    this.#at += 3;
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const given = (this.#peek(4) + 4) * 3;
    let share = 0;
    for (let at = this.#at + 4; at < this.#at + 4 + given; at += 3) {
      const length = windowAt(this.#bytes, at) & 7;
      if (length > 0) share += 128 >> length;
    }
    if (share !== 128) return false;
    const lengths = this.#codeLengths(literals + distances);
    if (lengths?.length !== literals + distances || (lengths[END_OF_BLOCK] ?? 0) === 0) return false;
    return isComplete(lengths.slice(0, literals)) && isComplete(lengths.slice(literals));
  }

  run(): boolean {
    for (let last = 0; last === 0; ) {
      last = this.#take(1);
      const kind = this.#take(2);
      if (kind === 0 ? !this.#stored() : !this.#coded(kind)) return false;
    }
    return this.#restOfByteIsZero() && this.#at === this.#bytes.length * 8;
  }

  /** RFC 1951 section 3.2.4. */
  #stored(): boolean {
    if (!this.#restOfByteIsZero()) return false;
    const length = this.#take(16);
    this.#at += 16 + length * 8;
    return this.#at <= this.#bytes.length * 8;
  }

  #coded(kind: number): boolean {
    if (kind === 1) return this.#symbols(FIXED_LITERALS, FIXED_DISTANCES);
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const lengths = this.#codeLengths(literals + distances);
    if (lengths === undefined) return false;
    return this.#symbols(codeOf(lengths.slice(0, literals)), codeOf(lengths.slice(literals)));
  }

  /** RFC 1951 section 3.2.7: the code lengths of a block's two codes, themselves coded. */
  #codeLengths(count: number): number[] | undefined {
    const ofLengths = new Array<number>(19).fill(0);
    const given = this.#take(4) + 4;
    for (const symbol of LENGTH_CODE_ORDER.slice(0, given)) ofLengths[symbol] = this.#take(3);
    const code = codeOf(ofLengths);
    const lengths: number[] = [];
    while (lengths.length < count) {
      const entry = entryAt(code, windowAt(this.#bytes, this.#at));
      if (entry === 0) return undefined;
      this.#at += entry & 15;
      const symbol = entry >> 4;
      if (symbol < 16) lengths.push(symbol);
      else {
        const value = symbol === 16 ? (lengths.at(-1) ?? 0) : 0;
        const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
        for (let i = 0; i < times; i++) lengths.push(value);
      }
    }
    return lengths;
  }

  /** Goes over the symbols of a block. Local variables: this is where the time goes. */
  #symbols(literals: Code, distances: Code): boolean {
    const bytes = this.#bytes;
    const end = bytes.length * 8;
    const steps = stepsOf(literals, distances);
    let at = this.#at;
    let half = 0;
    while (at < end) {
      const window = windowAt(bytes, at);
      const step = steps[half + (window & (TABLE_SIZE - 1))] ?? 0;
      if (step !== 0) {
        at += step & (THEN_DISTANCE - 1);
        half = (step & THEN_DISTANCE) * (TABLE_SIZE / THEN_DISTANCE);
        continue;
      }
      const entry = entryAt(half === 0 ? literals : distances, window);
      if (entry === 0) return false;
      at += entry & 15;
      const symbol = entry >> 4;
      if (half !== 0) {
        at += DISTANCE_EXTRA[symbol] ?? 0;
        half = 0;
      } else if (symbol === END_OF_BLOCK) {
        this.#at = at;
        return true;
      } else if (symbol > END_OF_BLOCK) {
        at += LENGTH_EXTRA[symbol - 257] ?? 0;
        half = TABLE_SIZE;
      }
    }
    return false;
  }

  #restOfByteIsZero(): boolean {
    const rest = (8 - (this.#at % 8)) % 8;
    return this.#take(rest) === 0;
  }

  /** The next bits, at most 16, lowest first. Beyond the end there are zeros. */
  #peek(bits: number): number {
    return windowAt(this.#bytes, this.#at) & ((1 << bits) - 1);
  }

  #take(bits: number): number {
    const value = this.#peek(bits);
    this.#at += bits;
    return value;
  }
}

/** At least 17 bits from bit `at` on, the first one lowest. */
function windowAt(bytes: Uint8Array, at: number): number {
  const byte = at >>> 3;
  return ((bytes[byte] ?? 0) | ((bytes[byte + 1] ?? 0) << 8) | ((bytes[byte + 2] ?? 0) << 16)) >> (at & 7);
}
