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

/** A Huffman code as a table over the next `bits` bits: the symbol times 16 plus the length of its code; 0: none. */
interface Code {
  readonly bits: number;
  readonly table: Uint16Array;
}

/** RFC 1951 section 3.2.2: the code that a list of code lengths, one per symbol, stands for. */
function codeOf(lengths: readonly number[]): Code {
  const bits = Math.max(1, ...lengths);
  const table = new Uint16Array(1 << bits);
  let code = 0;
  for (let length = 1; length <= bits; length++) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      const start = reversed(code, length);
      for (let at = start; at < table.length; at += 1 << length) table[at] = symbol * 16 + length;
      code += 1;
    }
    code <<= 1;
  }
  return { bits, table };
}

/** Huffman codes are packed with their first bit lowest. */
function reversed(code: number, length: number): number {
  let result = 0;
  for (let i = 0; i < length; i++) result |= ((code >> i) & 1) << (length - 1 - i);
  return result;
}

/** How many bits a {@link strides} table looks at. */
const STRIDE_BITS = 12;
const STRIDE_MASK = (1 << STRIDE_BITS) - 1;
/** What comes after the bits of a stride: another one, a distance, or the end of the block. */
const THEN_DISTANCE = 32;
const THEN_END = 64;

/**
 * Over the next 12 bits, how many bits the whole symbols in them take, extra bits of a length included, plus what comes
 * then; 0 where not even one is whole. Most strides are of two or three literals.
 */
function strides({ bits, table }: Code): Uint8Array {
  const result = new Uint8Array(1 << STRIDE_BITS);
  const mask = (1 << bits) - 1;
  for (let window = 0; window < result.length; window++) {
    let taken = 0;
    let then = 0;
    while (then === 0) {
      const entry = table[(window >> taken) & mask] ?? 0;
      const length = entry & 15;
      if (entry === 0 || taken + length > STRIDE_BITS) break;
      taken += length;
      const symbol = entry >> 4;
      if (symbol === END_OF_BLOCK) then = THEN_END;
      else if (symbol > END_OF_BLOCK) {
        taken += LENGTH_EXTRA[symbol - 257] ?? 0;
        then = THEN_DISTANCE;
      }
    }
    result[window] = taken === 0 ? 0 : taken | then;
  }
  return result;
}

/** RFC 1951 section 3.2.6. */
const FIXED_LITERALS = codeOf(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = codeOf(new Array<number>(30).fill(5));

/** Whether all the bits that a decoder skips are zero, and the stream ends with its last byte. */
export function slackIsZero(deflate: Uint8Array): boolean {
  return new Walk(deflate).run();
}

class Walk {
  readonly #bytes: Uint8Array;
  /** In bits from the start. */
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
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
    const { bits, table } = codeOf(ofLengths);
    const lengths: number[] = [];
    while (lengths.length < count) {
      const entry = table[this.#peek(bits)] ?? 0;
      if (entry === 0) return undefined;
      this.#at += entry % 16;
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
    const stride = strides(literals);
    const distanceMask = (1 << distances.bits) - 1;
    let at = this.#at;
    while (at < end) {
      let step = stride[windowAt(bytes, at) & STRIDE_MASK] ?? 0;
      if (step === 0) step = this.#longCode(literals, at);
      if (step === 0) return false;
      at += step & 31;
      if (step >= THEN_END) {
        this.#at = at;
        return true;
      }
      if (step < THEN_DISTANCE) continue;
      const distance = distances.table[windowAt(bytes, at) & distanceMask] ?? 0;
      if (distance === 0) return false;
      at += (distance & 15) + (DISTANCE_EXTRA[distance >> 4] ?? 0);
    }
    return false;
  }

  /** A symbol whose code is longer than a stride, in the form of one. */
  #longCode({ bits, table }: Code, at: number): number {
    const entry = table[windowAt(this.#bytes, at) & ((1 << bits) - 1)] ?? 0;
    const length = entry & 15;
    const symbol = entry >> 4;
    if (symbol <= END_OF_BLOCK) return symbol === END_OF_BLOCK ? length | THEN_END : length;
    return (length + (LENGTH_EXTRA[symbol - 257] ?? 0)) | THEN_DISTANCE;
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
