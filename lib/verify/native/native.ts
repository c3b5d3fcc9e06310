import { HASH_BYTES } from '../../log/hash.ts';
import { TILE_WIDTH } from '../../log/tile.ts';
import { completeRoot } from '../../log/tile-hash.ts';
import { MODULE } from './module.ts';

/**
 * The two loops of a verification that take the most time, in WebAssembly: wasm/records.ts. Where a process may not have that
 * (`--jitless`), the same is done in JavaScript, ten times as slowly.
 */

/** The exports of the module: see wasm/records.ts. */
interface Exports {
  scan(at: number, end: number, table: number, most: number, name: number, nameLength: number): number;
  completeRoot(row: number, count: number): void;
}

/** As much of the WebAssembly JavaScript API as is used; the types that Node brings along leave it out. */
interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Exports };
}

// Through unknown: the types of a browser have it, with exports of no type.
const api = (globalThis as unknown as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;

// Places in memory. Below 64 KiB the module works; behind the text it reads up to 64 bytes too far.
const PAGE = 65_536;
const NAME = PAGE;
const ROW = NAME + 256;
const TABLE = ROW + TILE_WIDTH * HASH_BYTES;
const ENTRY_BYTES = 64;
const ENTRIES = 1024;
const TEXT = TABLE + ENTRIES * ENTRY_BYTES;
const PAGES = 32;

/** Bytes of text that can be scanned at once. */
const MAX_TEXT = PAGES * PAGE - TEXT - 64;

/**
 * Places of a line that was scanned: offsets in the text. Where the event lacks a member, its places are -1. One object is reused:
 * copy what must outlive the call.
 */
export interface ScannedPlaces {
  at: number;
  /** Of the line feed. */
  end: number;
  /** True if it is a canonical record line of the trail. If not, nothing is known but where it is. */
  isTaken: boolean;
  seq: number;
  /** Unix milliseconds. */
  receivedAt: number;
  /** Of the 64 hex digits. */
  prevAt: number;
  /** Of the submitter without its quotes. */
  submitterAt: number;
  submitterEnd: number;
  idAt: number;
  idEnd: number;
  producerAt: number;
  producerEnd: number;
  typeAt: number;
}

class Native {
  readonly #exports: Exports;
  readonly #bytes: Buffer;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #line: ScannedPlaces = {
    ...{ at: 0, end: 0, isTaken: false, seq: 0, receivedAt: 0, prevAt: 0, submitterAt: 0, submitterEnd: 0 },
    ...{ idAt: -1, idEnd: -1, producerAt: -1, producerEnd: -1, typeAt: -1 },
  };

  constructor({ Memory, Module, Instance }: WebAssemblyApi) {
    const memory = new Memory({ initial: PAGES, maximum: PAGES });
    const module = new Module(Buffer.from(MODULE, 'base64'));
    this.#exports = new Instance(module, { env: { memory } }).exports;
    this.#bytes = Buffer.from(memory.buffer);
    this.#words = new Uint32Array(memory.buffer);
    this.#doubles = new Float64Array(memory.buffer);
  }

  /**
   * Scans the whole lines of a text.
   *
   * @param trail its name, that the lines must have
   * @param each called for every line in order
   * @returns where the last whole line ended: the offset behind its line feed, or `from`
   */
  scan(text: Uint8Array, from: number, trail: Uint8Array, each: (line: ScannedPlaces) => void): number {
    let at = from;
    while (at < text.length) {
      const part = text.subarray(at, at + MAX_TEXT);
      const next = this.#scanPart(part, at, trail, each);
      if (next === at) break;
      at = next;
    }
    return at;
  }

  #scanPart(part: Uint8Array, from: number, trail: Uint8Array, each: (line: ScannedPlaces) => void): number {
    this.#bytes.set(trail, NAME);
    this.#bytes.set(part, TEXT);
    const shift = from - TEXT;
    const end = TEXT + part.length;
    let at = TEXT;
    for (;;) {
      const count = this.#exports.scan(at, end, TABLE, ENTRIES, NAME, trail.length);
      for (let n = 0; n < count; n++) {
        const line = this.#entry(TABLE / 4 + n * (ENTRY_BYTES / 4), shift);
        at = line.end + 1 - shift;
        each(line);
      }
      if (count < ENTRIES) return at + shift;
    }
  }

  #entry(word: number, shift: number): ScannedPlaces {
    const line = this.#line;
    const words = this.#words;
    line.at = (words[word] ?? 0) + shift;
    line.end = (words[word + 1] ?? 0) + shift;
    // A submitter that is empty is looked at the slow way, which says so.
    line.isTaken = words[word + 2] === 1 && (words[word + 5] ?? 0) > (words[word + 4] ?? 0);
    line.prevAt = (words[word + 3] ?? 0) + shift;
    line.submitterAt = (words[word + 4] ?? 0) + shift;
    line.submitterEnd = (words[word + 5] ?? 0) + shift;
    const idAt = words[word + 6] ?? 0;
    const producerAt = words[word + 8] ?? 0;
    const typeAt = words[word + 10] ?? 0;
    line.idAt = idAt === 0 ? -1 : idAt + shift;
    line.idEnd = (words[word + 7] ?? 0) + shift;
    line.producerAt = producerAt === 0 ? -1 : producerAt + shift;
    line.producerEnd = (words[word + 9] ?? 0) + shift;
    line.typeAt = typeAt === 0 ? -1 : typeAt + shift;
    line.seq = this.#doubles[word / 2 + 6] ?? 0;
    line.receivedAt = this.#doubles[word / 2 + 7] ?? 0;
    return line;
  }

  completeRoot(row: Uint8Array): Buffer {
    this.#bytes.set(row, ROW);
    this.#exports.completeRoot(ROW, row.length / HASH_BYTES);
    return Buffer.from(this.#bytes.subarray(ROW, ROW + HASH_BYTES));
  }
}

/** Undefined where WebAssembly is not to be had. */
export const native: Native | undefined = api === undefined ? undefined : new Native(api);

/**
 * The root of a complete subtree.
 *
 * @param row the concatenated hashes of its leaves: a power of two in number, at most 256
 */
export function tileRoot(row: Uint8Array): Buffer {
  return native === undefined ? completeRoot(row) : native.completeRoot(row);
}
