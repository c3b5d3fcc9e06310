import { SealtrailError } from './error.ts';
import type { NodeId } from './frontier.ts';
import { HASH_BYTES, type Hash, isHash, nodeHash } from './hash.ts';
import { MAX_RECORD_BYTES } from './record.ts';

/** Hashes in a full tile and entries in a full bundle (C2SP tlog-tiles, "Merkle Tree"). */
export const TILE_WIDTH = 256;
/** Tree levels that one tile spans: its 256 hashes are the leaves of a subtree of height 8. */
const TILE_HEIGHT = 8;
/** C2SP tlog-tiles: a level is a number from 0 to 63; sizes up to 2^53 - 1 use the first 7. */
const MAX_LEVEL = 63;

/** A hash tile. */
export interface Tile {
  /** 0: leaf hashes; each hash of level L + 1 is the root of a full tile of level L. */
  readonly level: number;
  /** 0-based, within the level. */
  readonly index: number;
  /** Hashes in it, 1 to 256; below 256 it is partial. */
  readonly width: number;
}

/** A parsed path of the tile tree. */
export type TilePath =
  | ({ readonly kind: 'hashes' } & Tile)
  | { readonly kind: 'entries'; readonly index: number; readonly width: number };

/**
 * The path of a hash tile below the log's prefix.
 *
 * @see C2SP tlog-tiles, "Merkle Tree"
 * @example tilePath({ level: 0, index: 1234067, width: 8 }) // tile/0/x001/x234/067.p/8
 */
export function tilePath({ level, index, width }: Tile): string {
  assertPlace(level, index, width);
  return `tile/${level}/${indexPath(index)}${partialSuffix(width)}`;
}

/** The path of an entry bundle below the log's prefix (C2SP tlog-tiles, "Log entries"). */
export function bundlePath(index: number, width: number): string {
  assertPlace(0, index, width);
  return `tile/entries/${indexPath(index)}${partialSuffix(width)}`;
}

function assertPlace(level: number, index: number, width: number): void {
  const isLevel = Number.isInteger(level) && level >= 0 && level <= MAX_LEVEL;
  const isWidth = Number.isInteger(width) && width >= 1 && width <= TILE_WIDTH;
  if (!isLevel || !isWidth || !Number.isSafeInteger(index) || index < 0) {
    throw new RangeError(`there is no tile ${level}/${index} of width ${width}`);
  }
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/){0,5})([0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/;

/** Parses a path made by {@link tilePath} or {@link bundlePath}; undefined for any other text. */
export function parseTilePath(path: string): TilePath | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  const [, kind = '', upper = '', lowest = '', partial] = match;
  const index = Number(upper.replace(/[x/]/g, '') + lowest);
  const width = partial === undefined ? TILE_WIDTH : Number(partial);
  // One name for each tile: no leading zero groups, no partial tile that is full, no number beyond 2^53 - 1.
  if (!Number.isSafeInteger(index) || indexPath(index) !== upper + lowest) return undefined;
  if (partial !== undefined && width >= TILE_WIDTH) return undefined;
  if (kind === 'entries') return { kind: 'entries', index, width };
  const level = Number(kind);
  return level > MAX_LEVEL ? undefined : { kind: 'hashes', level, index, width };
}

/** C2SP tlog-tiles: three digits per path element, all but the last starting with `x`. */
function indexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

const partialSuffix = (width: number): string => (width === TILE_WIDTH ? '' : `.p/${width}`);

/**
 * Every hash tile of a tree, level by level: the full ones and the partial one at the right, if any.
 *
 * @see C2SP tlog-tiles, "Partial Tiles": at level l a tree of size s has floor(s / 256^l) hashes
 */
export function* tilesOf(size: number): Generator<Tile, void, void> {
  yield* newTiles(0, size, true);
}

/** The full hash tiles that a tree gains by growing from `from` to `to` leaves, level by level. */
export function* newFullTiles(from: number, to: number): Generator<Tile, void, void> {
  yield* newTiles(from, to, false);
}

function* newTiles(from: number, to: number, partial: boolean): Generator<Tile, void, void> {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 0 || from > to) {
    throw new RangeError(`a tree does not grow from ${from} to ${to} leaves`);
  }
  let before = from;
  let hashes = to;
  for (let level = 0; hashes > 0; level++) {
    const full = Math.floor(hashes / TILE_WIDTH);
    for (let index = Math.floor(before / TILE_WIDTH); index < full; index++) yield { level, index, width: TILE_WIDTH };
    const rest = hashes % TILE_WIDTH;
    if (partial && rest > 0) yield { level, index: full, width: rest };
    before = Math.floor(before / TILE_WIDTH);
    hashes = full;
  }
}

/** The bytes of a tile: its hashes, concatenated (C2SP tlog-tiles, "Merkle Tree"). */
export function encodeTile(hashes: readonly Hash[]): Uint8Array {
  if (hashes.length < 1 || hashes.length > TILE_WIDTH) throw new RangeError(`a tile of ${hashes.length} hashes`);
  if (!hashes.every(isHash)) throw new RangeError('a hash has 32 bytes');
  return Buffer.concat(hashes);
}

/**
 * Decodes a tile of `width` hashes.
 *
 * @throws `malformed_tile` if the number of bytes does not match
 */
export function decodeTile(bytes: Uint8Array, width: number): Hash[] {
  if (bytes.length !== width * HASH_BYTES) {
    const message = `a tile of ${width} hashes has ${width * HASH_BYTES} bytes, this one ${bytes.length}`;
    throw new SealtrailError('malformed_tile', message);
  }
  // Views of one copy: 256 separate arrays per tile, for thousands of tiles, would overload the garbage collector.
  const own = Uint8Array.from(bytes);
  return Array.from({ length: width }, (_, at) => own.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES));
}

/** Encodes an entry bundle: each entry after its length as a big-endian uint16 (C2SP tlog-tiles, "Log entries"). */
export function encodeBundle(lines: readonly Uint8Array[]): Uint8Array {
  if (lines.length < 1 || lines.length > TILE_WIDTH) throw new RangeError(`a bundle of ${lines.length} entries`);
  const bytes = Buffer.allocUnsafe(lines.reduce((sum, line) => sum + 2 + line.length, 0));
  let at = 0;
  for (const line of lines) {
    if (line.length > MAX_RECORD_BYTES) throw new RangeError(`an entry of ${line.length} bytes`);
    bytes.writeUInt16BE(line.length, at);
    bytes.set(line, at + 2);
    at += 2 + line.length;
  }
  return bytes;
}

/**
 * Decodes an entry bundle. The entries are views of `bytes`, not copies.
 *
 * @throws `malformed_bundle` if it is empty, holds more than 256 entries or ends within one
 */
export function decodeBundle(bytes: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    const end = high === undefined || low === undefined ? Number.POSITIVE_INFINITY : at + 2 + high * 256 + low;
    if (end > bytes.length) throw malformedBundle(`a bundle ends within entry ${entries.length}`);
    if (entries.length === TILE_WIDTH) throw malformedBundle(`a bundle has at most ${TILE_WIDTH} entries`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length === 0) throw malformedBundle('a bundle has at least one entry');
  return entries;
}

const malformedBundle = (message: string): SealtrailError => new SealtrailError('malformed_bundle', message);

/** The location of a tree node among the tiles. */
export interface NodePlace {
  readonly level: number;
  readonly index: number;
  /** Index of the tile's first hash below the node. */
  readonly offset: number;
  /** Number of the tile's hashes below the node: a power of two, 1 to 128. The tile must have at least `offset + span`. */
  readonly span: number;
}

/** The tile that holds a node, or the hashes below it. */
export function tileOfNode({ level, index }: NodeId): NodePlace {
  const above = level % TILE_HEIGHT;
  const span = 2 ** above;
  const first = index * span;
  const tile = Math.floor(first / TILE_WIDTH);
  return { level: (level - above) / TILE_HEIGHT, index: tile, offset: first - tile * TILE_WIDTH, span };
}

/**
 * The hash of a node, from the hashes of its tile.
 *
 * @throws `malformed_tile` if the tile is too narrow to hold it
 */
export function nodeFromTile(hashes: readonly Hash[], id: NodeId): Hash {
  const { offset, span } = tileOfNode(id);
  if (hashes.length < offset + span) {
    throw new SealtrailError(
      'malformed_tile',
      `a tile of ${hashes.length} hashes holds no node ${id.level}/${id.index}`,
    );
  }
  return subtree(hashes, offset, span);
}

/** RFC 6962 section 2.1: the hash over `span` hashes from `at` on, a power of two. */
function subtree(hashes: readonly Hash[], at: number, span: number): Hash {
  const half = span / 2;
  if (span > 1) return nodeHash(subtree(hashes, at, half), subtree(hashes, at + half, half));
  const hash = hashes[at];
  if (hash === undefined) throw new RangeError('a node without a hash');
  return hash;
}
