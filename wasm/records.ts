/**
 * What a verifier does most often, for WebAssembly: scanning canonical record lines, and hashing the nodes of tiles four at a time.
 * AssemblyScript, compiled by `npm run build:wasm` into lib/verify/native/module.ts, which the gate compares.
 *
 * The scanner takes the usual lines only. Whatever it does not take is left to lib/json/scan-canonical.ts, which decides: a line
 * that is taken here is one that is taken there, with the same places.
 */

// Memory below 64 KiB is ours: the state and the words of SHA-256, the messages of four nodes, constants. The caller places the rest.
const STATE: usize = 2048;
const WORDS: usize = 4096;
const NODES: usize = 8192;
const NODE_BYTES: usize = 128;

/** FIPS 180-4 section 4.2.2. */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

/** FIPS 180-4 section 5.3.3, for four lanes. */
function begin(): void {
  v128.store(STATE, i32x4.splat(0x6a09e667), 0);
  v128.store(STATE, i32x4.splat(0xbb67ae85), 16);
  v128.store(STATE, i32x4.splat(0x3c6ef372), 32);
  v128.store(STATE, i32x4.splat(0xa54ff53a), 48);
  v128.store(STATE, i32x4.splat(0x510e527f), 64);
  v128.store(STATE, i32x4.splat(0x9b05688c), 80);
  v128.store(STATE, i32x4.splat(0x1f83d9ab), 96);
  v128.store(STATE, i32x4.splat(0x5be0cd19), 112);
}

@inline
function rotr(x: v128, n: i32): v128 {
  return v128.or(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}

@inline
function bigEndian(at: usize): v128 {
  const x = v128.load(at);
  return i8x16.shuffle(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

/** Four words of each lane's block, turned so that a vector holds one word of every lane. */
@inline
function loadWords(offset: usize, p0: usize, p1: usize, p2: usize, p3: usize): void {
  const a = bigEndian(p0 + offset);
  const b = bigEndian(p1 + offset);
  const c = bigEndian(p2 + offset);
  const d = bigEndian(p3 + offset);
  const ab0 = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const ab1 = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cd0 = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const cd1 = i32x4.shuffle(c, d, 2, 6, 3, 7);
  const to = WORDS + offset * 4;
  v128.store(to, i64x2.shuffle(ab0, cd0, 0, 2));
  v128.store(to, i64x2.shuffle(ab0, cd0, 1, 3), 16);
  v128.store(to, i64x2.shuffle(ab1, cd1, 0, 2), 32);
  v128.store(to, i64x2.shuffle(ab1, cd1, 1, 3), 48);
}

/** FIPS 180-4 section 6.2.2, over one block of each of four messages. */
function compress(p0: usize, p1: usize, p2: usize, p3: usize): void {
  loadWords(0, p0, p1, p2, p3);
  loadWords(16, p0, p1, p2, p3);
  loadWords(32, p0, p1, p2, p3);
  loadWords(48, p0, p1, p2, p3);
  let a = v128.load(STATE, 0);
  let b = v128.load(STATE, 16);
  let c = v128.load(STATE, 32);
  let d = v128.load(STATE, 48);
  let e = v128.load(STATE, 64);
  let f = v128.load(STATE, 80);
  let g = v128.load(STATE, 96);
  let h = v128.load(STATE, 112);
  for (let t: usize = 0; t < 64; t++) {
    const at = WORDS + ((t & 15) << 4);
    let w = v128.load(at);
    if (t >= 16) {
      const w15 = v128.load(WORDS + (((t + 1) & 15) << 4));
      const w2 = v128.load(WORDS + (((t + 14) & 15) << 4));
      const s0 = v128.xor(v128.xor(rotr(w15, 7), rotr(w15, 18)), i32x4.shr_u(w15, 3));
      const s1 = v128.xor(v128.xor(rotr(w2, 17), rotr(w2, 19)), i32x4.shr_u(w2, 10));
      w = i32x4.add(i32x4.add(w, s0), i32x4.add(v128.load(WORDS + (((t + 9) & 15) << 4)), s1));
      v128.store(at, w);
    }
    const sum1 = v128.xor(v128.xor(rotr(e, 6), rotr(e, 11)), rotr(e, 25));
    const choice = v128.bitselect(f, g, e);
    const t1 = i32x4.add(i32x4.add(i32x4.add(h, sum1), i32x4.add(choice, w)), v128.load_splat<u32>(K + t * 4));
    const sum0 = v128.xor(v128.xor(rotr(a, 2), rotr(a, 13)), rotr(a, 22));
    const majority = v128.bitselect(v128.or(b, c), v128.and(b, c), a);
    h = g;
    g = f;
    f = e;
    e = i32x4.add(d, t1);
    d = c;
    c = b;
    b = a;
    a = i32x4.add(t1, i32x4.add(sum0, majority));
  }
  v128.store(STATE, i32x4.add(v128.load(STATE, 0), a), 0);
  v128.store(STATE, i32x4.add(v128.load(STATE, 16), b), 16);
  v128.store(STATE, i32x4.add(v128.load(STATE, 32), c), 32);
  v128.store(STATE, i32x4.add(v128.load(STATE, 48), d), 48);
  v128.store(STATE, i32x4.add(v128.load(STATE, 64), e), 64);
  v128.store(STATE, i32x4.add(v128.load(STATE, 80), f), 80);
  v128.store(STATE, i32x4.add(v128.load(STATE, 96), g), 96);
  v128.store(STATE, i32x4.add(v128.load(STATE, 112), h), 112);
}

/** Writes a lane's hash. */
function finish(lane: usize, to: usize): void {
  for (let word: usize = 0; word < 8; word++) {
    store<u32>(to + word * 4, bswap(load<u32>(STATE + word * 16 + lane * 4)));
  }
}

/** Bytes of an entry of the table: see {@link scan}. */
const ENTRY: usize = 64;

/**
 * The root of a complete subtree whose `count` leaf hashes, a power of two, stand at `row`, which is overwritten: the root then
 * stands there. Nodes are SHA-256(0x01 || left || right), RFC 6962 section 2.1.
 */
export function completeRoot(row: usize, count: usize): void {
  for (let width = count >> 1; width > 0; width >>= 1) {
    for (let first: usize = 0; first < width; first += 4) {
      for (let lane: usize = 0; lane < 4; lane++) {
        const node = first + lane < width ? first + lane : first;
        const at = NODES + lane * NODE_BYTES;
        memory.fill(at + 64, 0, 64);
        store<u8>(at, 0x01);
        memory.copy(at + 1, row + (node << 6), 64);
        store<u8>(at + 65, 0x80);
        store<u32>(at + 124, bswap<u32>(520)); // bits in 65 bytes
      }
      begin();
      compress(NODES, NODES + NODE_BYTES, NODES + 2 * NODE_BYTES, NODES + 3 * NODE_BYTES);
      const half = NODES + 64;
      compress(half, half + NODE_BYTES, half + 2 * NODE_BYTES, half + 3 * NODE_BYTES);
      const lanes = min<usize>(4, width - first);
      for (let lane: usize = 0; lane < lanes; lane++) finish(lane, row + ((first + lane) << 5));
    }
  }
}

const MAX_DEPTH: i32 = 64;
/** What the scanners below return instead of an offset. */
const NOT: usize = 0;

/** Where the entry is that the line at hand is scanned into. */
let entry: usize = 0;

@inline
function isDigit(byte: u32): bool {
  return byte - 0x30 <= 9;
}

/** Whether the bytes of a constant stand at `at`. Memory goes on behind every line, so nothing is read outside. */
function follows(at: usize, text: usize, length: usize): bool {
  return memory.compare(at, text, length) == 0;
}

const EVENT: usize = memory.data<u8>([0x7b, 0x22, 0x65, 0x76, 0x65, 0x6e, 0x74, 0x22, 0x3a, 0x7b]); // {"event":{
const PREV: usize = memory.data<u8>([0x2c, 0x22, 0x70, 0x72, 0x65, 0x76, 0x22, 0x3a, 0x22]); // ,"prev":"
// ","receivedAt":
const RECEIVED_AT: usize = memory.data<u8>([
  0x22, 0x2c, 0x22, 0x72, 0x65, 0x63, 0x65, 0x69, 0x76, 0x65, 0x64, 0x41, 0x74, 0x22, 0x3a,
]);
const SEQ: usize = memory.data<u8>([0x2c, 0x22, 0x73, 0x65, 0x71, 0x22, 0x3a]); // ,"seq":
// ,"submitter":"
const SUBMITTER: usize = memory.data<u8>([
  0x2c, 0x22, 0x73, 0x75, 0x62, 0x6d, 0x69, 0x74, 0x74, 0x65, 0x72, 0x22, 0x3a, 0x22,
]);
const TRAIL: usize = memory.data<u8>([0x2c, 0x22, 0x74, 0x72, 0x61, 0x69, 0x6c, 0x22, 0x3a, 0x22]); // ,"trail":"
const V1: usize = memory.data<u8>([0x22, 0x2c, 0x22, 0x76, 0x22, 0x3a, 0x31, 0x7d]); // ","v":1}
const ID: usize = memory.data<u8>([0x69, 0x64]);
const PRODUCER: usize = memory.data<u8>([0x70, 0x72, 0x6f, 0x64, 0x75, 0x63, 0x65, 0x72]);
const TYPE: usize = memory.data<u8>([0x74, 0x79, 0x70, 0x65]);
const TRUE: usize = memory.data<u8>([0x74, 0x72, 0x75, 0x65]);
const FALSE: usize = memory.data<u8>([0x66, 0x61, 0x6c, 0x73, 0x65]);
const NULL: usize = memory.data<u8>([0x6e, 0x75, 0x6c, 0x6c]);

/**
 * Scans whole lines in `[at, end)`, each ended by a line feed, into a table of entries of 64 bytes: u32 start, end (the line
 * feed), isTaken, prev, submitter, its end, id, its end, producer, its end, type, its end (0 where the event has none), f64 seq and
 * f64 receivedAt at 48 and 56. All offsets are in memory. `end` must have 64 bytes of memory behind it.
 *
 * @param name of the trail that the lines must be of, with its length
 * @returns how many entries were written, `most` or less
 */
export function scan(at: usize, end: usize, table: usize, most: usize, name: usize, nameLength: usize): usize {
  let count: usize = 0;
  while (count < most) {
    const feed = lineFeed(at, end);
    if (feed == NOT) break;
    entry = table + count * ENTRY;
    store<u32>(entry, at as u32);
    store<u32>(entry, feed as u32, 4);
    store<u32>(entry, scanLine(at, feed, name, nameLength) ? 1 : 0, 8);
    count += 1;
    at = feed + 1;
  }
  return count;
}

/** Offset of the next line feed, or {@link NOT}. */
function lineFeed(at: usize, end: usize): usize {
  const feed = i8x16.splat(0x0a);
  for (; at < end; at += 16) {
    const found = i8x16.bitmask(i8x16.eq(v128.load(at), feed));
    if (found != 0) {
      at += ctz(found) as usize;
      return at < end ? at : NOT;
    }
  }
  return NOT;
}

function scanLine(start: usize, end: usize, name: usize, nameLength: usize): bool {
  if (!follows(start, EVENT, 10)) return false;
  for (let offset: usize = 24; offset < 48; offset += 4) store<u32>(entry + offset, 0);
  let at = scanObject(start + 10, end, 0);
  if (at == NOT || !follows(at, PREV, 9)) return false;
  at += 9;
  store<u32>(entry, at as u32, 12);
  at = scanHex(at, 64);
  if (at == NOT || !follows(at, RECEIVED_AT, 15)) return false;
  at += 15;
  let after = scanCount(at);
  if (after == NOT || !follows(after, SEQ, 7)) return false;
  store<f64>(entry, decimal(at, after), 56);
  at = after + 7;
  after = scanCount(at);
  if (after == NOT || !follows(after, SUBMITTER, 14)) return false;
  store<f64>(entry, decimal(at, after), 48);
  at = after + 14;
  store<u32>(entry, at as u32, 16);
  at = scanString(at, end);
  if (at == NOT || !follows(at, TRAIL, 10)) return false;
  store<u32>(entry, (at - 1) as u32, 20);
  at += 10;
  if (!follows(at, name, nameLength)) return false;
  at += nameLength;
  return follows(at, V1, 8) && at + 8 == end;
}

function scanHex(at: usize, count: usize): usize {
  const stop = at + count;
  for (; at < stop; at++) {
    const byte = load<u8>(at) as u32;
    if (!isDigit(byte) && byte - 0x61 > 5) return NOT;
  }
  return stop;
}

/** Offset after a decimal of 1 to 15 digits without leading zero. */
function scanCount(start: usize): usize {
  let at = start;
  while (isDigit(load<u8>(at))) at++;
  const digits = at - start;
  if (digits == 0 || digits > 15 || (digits > 1 && load<u8>(start) == 0x30)) return NOT;
  return at;
}

function decimal(at: usize, end: usize): f64 {
  let value: u64 = 0;
  for (; at < end; at++) value = value * 10 + ((load<u8>(at) - 0x30) as u64);
  return value as f64;
}

// The scanners below take the offset after what opens the value, and return the offset after the value, or NOT. Each stops at the
// line feed, which is in no canonical text, so that the end need not be asked for before every byte.

function scanValue(at: usize, end: usize, depth: i32): usize {
  const first = load<u8>(at) as u32;
  if (first == 0x22) return scanString(at + 1, end);
  if (first == 0x7b) return depth < MAX_DEPTH ? scanObject(at + 1, end, depth + 1) : NOT;
  if (first == 0x5b) return depth < MAX_DEPTH ? scanArray(at + 1, end, depth + 1) : NOT;
  if (first < 0x61) return scanNumber(at);
  if (first == 0x74) return follows(at, TRUE, 4) ? at + 4 : NOT;
  if (first == 0x66) return follows(at, FALSE, 5) ? at + 5 : NOT;
  return follows(at, NULL, 4) ? at + 4 : NOT;
}

/** RFC 8785 section 3.2.3: members sorted by key, no two alike. Keys with escapes are not taken. */
function scanObject(start: usize, end: usize, depth: i32): usize {
  if (load<u8>(start) == 0x7d) return start + 1;
  let at = start;
  let lastKey: usize = 0;
  let lastEnd: usize = 0;
  while (true) {
    if (load<u8>(at) != 0x22) return NOT;
    const key = at + 1;
    const after = scanString(key, end);
    if (after == NOT || load<u8>(after) != 0x3a) return NOT;
    const keyEnd = after - 1;
    if (lastKey != 0 && !ascends(lastKey, lastEnd, key, keyEnd)) return NOT;
    lastKey = key;
    lastEnd = keyEnd;
    const value = after + 1;
    at = scanValue(value, end, depth);
    if (at == NOT) return NOT;
    if (depth == 0) noteMember(key, keyEnd - key, value, at);
    const next = load<u8>(at++) as u32;
    if (next == 0x7d) return at;
    if (next != 0x2c) return NOT;
  }
}

/** Takes note of where the event's `id`, `producer` and `type` are. */
function noteMember(key: usize, length: usize, value: usize, end: usize): void {
  let offset: usize = 0;
  if (length == 2 && follows(key, ID, 2)) offset = 24;
  else if (length == 8 && follows(key, PRODUCER, 8)) offset = 32;
  else if (length == 4 && follows(key, TYPE, 4)) offset = 40;
  else return;
  store<u32>(entry + offset, value as u32);
  store<u32>(entry + offset, end as u32, 4);
}

function scanArray(start: usize, end: usize, depth: i32): usize {
  if (load<u8>(start) == 0x5d) return start + 1;
  let at = start;
  while (true) {
    at = scanValue(at, end, depth);
    if (at == NOT) return NOT;
    const next = load<u8>(at++) as u32;
    if (next == 0x5d) return at;
    if (next != 0x2c) return NOT;
  }
}

/** RFC 8785 section 3.2.2.2: only what must be escaped is, in its shortest form, and the bytes are valid UTF-8. */
function scanString(at: usize, end: usize): usize {
  const space = i8x16.splat(0x20);
  const quote = i8x16.splat(0x22);
  const backslash = i8x16.splat(0x5c);
  while (at < end) {
    // As signed bytes, control characters and the bytes of longer characters are below the space.
    const bytes = v128.load(at);
    const special = v128.or(
      i8x16.lt_s(bytes, space),
      v128.or(i8x16.eq(bytes, quote), i8x16.eq(bytes, backslash)),
    );
    const found = i8x16.bitmask(special);
    if (found == 0) {
      at += 16;
      continue;
    }
    at += ctz(found) as usize;
    const byte = load<u8>(at) as u32;
    if (byte == 0x22) return at + 1;
    at = byte == 0x5c ? scanEscape(at + 1) : byte >= 0x80 ? scanMultibyte(at + 1, byte) : NOT;
    if (at == NOT) return NOT;
  }
  return NOT;
}

function scanEscape(at: usize): usize {
  const letter = load<u8>(at) as u32;
  // " \ b f n r t
  if (
    letter == 0x22 ||
    letter == 0x5c ||
    letter == 0x62 ||
    letter == 0x66 ||
    letter == 0x6e ||
    letter == 0x72 ||
    letter == 0x74
  ) {
    return at + 1;
  }
  return NOT; // \u00xx is rare: left to the other scanner
}

/** RFC 3629 section 4: the well-formed sequences of two to four bytes; `at` is the offset after the first. */
function scanMultibyte(at: usize, first: u32): usize {
  if (first < 0xc2 || first > 0xf4) return NOT;
  const length: usize = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  const second = load<u8>(at) as u32;
  const low: u32 = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const high: u32 = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return NOT;
  for (let i: usize = 1; i < length; i++) if ((load<u8>(at + i) & 0xc0) != 0x80) return NOT;
  return at + length;
}

/**
 * RFC 8785 section 3.2.2.3, of numbers that are surely written as ECMAScript writes them: with at most 15 digits no two decimals are
 * the same double, so no shorter one stands for it, and from 10^-6 on there is no exponent.
 */
function scanNumber(start: usize): usize {
  let at = start;
  if (load<u8>(at) == 0x2d) at++;
  const whole = at;
  while (isDigit(load<u8>(at))) at++;
  let digits = at - whole;
  const isZero = load<u8>(whole) == 0x30;
  if (digits == 0 || (isZero && digits > 1)) return NOT;
  if (load<u8>(at) == 0x2e) {
    at++;
    const fraction = at;
    while (isDigit(load<u8>(at))) at++;
    const places = at - fraction;
    if (places == 0 || load<u8>(at - 1) == 0x30) return NOT;
    if (isZero && places > 6) return NOT;
    digits += places;
  } else if (isZero && whole != start) return NOT; // -0
  if (digits > 15) return NOT;
  const next = load<u8>(at) as u32;
  // An exponent, or a number that goes on in another way.
  return next == 0x2c || next == 0x7d || next == 0x5d ? at : NOT;
}

/**
 * Whether key a sorts strictly before key b, by UTF-16 code units (RFC 8785 section 3.2.3): the order of UTF-8 bytes, but that
 * characters from U+10000 on (F0 to F4) sort before U+E000 to U+FFFF (EE and EF).
 */
function ascends(a: usize, aEnd: usize, b: usize, bEnd: usize): bool {
  const length = min(aEnd - a, bEnd - b);
  for (let i: usize = 0; i < length; i++) {
    const left = load<u8>(a + i) as u32;
    const right = load<u8>(b + i) as u32;
    if (left == 0x5c || right == 0x5c) return false; // left to the other scanner
    if (left != right) return rank(left) < rank(right);
  }
  return aEnd - a < bEnd - b;
}

@inline
function rank(byte: u32): u32 {
  return byte == 0xee || byte == 0xef ? byte + 0x10 : byte;
}
