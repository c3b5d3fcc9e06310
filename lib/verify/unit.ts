import { SealtrailError } from '../log/error.ts';
import { EMPTY_FRONTIER, growTree } from '../log/frontier.ts';
import { type Hash, leafHash, sameBytes } from '../log/hash.ts';
import { decodeBundle, decodeTile, encodeBundle, encodeTile } from '../log/tile.ts';
import type { Findings } from './findings.ts';
import { type Line, type LineReader, UNREADABLE } from './line.ts';
import type { ProblemKind } from './problem.ts';
import type { Copy } from './tiles.ts';

/** The records that share a level 0 tile and a bundle, and every copy of them that the archive holds. */
export interface Unit {
  readonly trail: string;
  /** Number of its first record, a multiple of 256. */
  readonly first: number;
  /** Lines out of the segments, one place for each record; undefined where there is none. */
  readonly lines: readonly (Line | undefined)[];
  readonly bundles: readonly Copy[];
  readonly tiles: readonly Copy[];
  /** What the tile above says the hash of these records is, for a full unit. */
  readonly subtree: Hash | undefined;
}

/** What the copies agree on. */
export interface Settled {
  /** Leaf hashes; undefined where nothing is left of a record. */
  readonly leaves: readonly (Hash | undefined)[];
  /** The line that has the leaf hash; undefined where none is left that has. */
  readonly lines: readonly (Line | undefined)[];
}

/** A whole list, or nothing. */
function complete<T>(list: readonly (T | undefined)[]): readonly T[] | undefined {
  const there = list.filter((item) => item !== undefined);
  return there.length === list.length ? there : undefined;
}

/**
 * Compares all copies of a unit's records with each other and reports those that differ. When all agree, that is a
 * comparison of bytes; otherwise each record goes by what most of its copies say, and the tile above decides.
 */
export function settleUnit(unit: Unit, reader: LineReader, findings: Findings): Settled {
  const lines = complete(unit.lines);
  if (lines !== undefined) {
    const leaves = lines.map(({ bytes }) => leafHash(bytes));
    if (bundlesAgree(unit.bundles, lines) && tilesAgree(unit.tiles, leaves)) return { leaves, lines };
  }
  return new Dispute(unit, reader, findings).settle();
}

function bundlesAgree(bundles: readonly Copy[], lines: readonly Line[]): boolean {
  if (bundles.length === 0) return true;
  const all = encodeBundle(lines.map(({ bytes }) => bytes));
  return bundles.every(({ width, bytes }) => {
    const end = lines.slice(width).reduce((at, line) => at - 2 - line.bytes.length, all.length);
    return width <= lines.length && sameBytes(bytes, all.subarray(0, end));
  });
}

function tilesAgree(tiles: readonly Copy[], leaves: readonly Hash[]): boolean {
  if (tiles.length === 0) return true;
  const all = encodeTile(leaves);
  return tiles.every(({ width, bytes }) => sameBytes(bytes, all.subarray(0, width * 32)));
}

/** Copies that differ, record by record. */
class Dispute {
  readonly #unit: Unit;
  readonly #reader: LineReader;
  readonly #findings: Findings;
  readonly #width: number;

  constructor(unit: Unit, reader: LineReader, findings: Findings) {
    this.#unit = unit;
    this.#reader = reader;
    this.#findings = findings;
    this.#width = unit.lines.length;
  }

  settle(): Settled {
    const { lines, bundles, tiles } = this.#unit;
    const entries = bundles.map((copy) => this.#entriesOf(copy));
    const [bundle = []] = entries;
    const [tile] = tiles;
    const bySegment = lines.map((line) => (line === undefined ? undefined : leafHash(line.bytes)));
    const byBundle = this.#filled(bundle.map((entry) => leafHash(entry)));
    const byTile = this.#filled(tile === undefined ? [] : decodeTile(tile.bytes, tile.width));
    const leaves = this.#choose(bySegment, byBundle, byTile);
    for (const [at, line] of lines.entries()) {
      if (line !== undefined) this.#compare('record_mismatch', line.object, at, bySegment[at], leaves[at]);
    }
    for (const [which, copy] of bundles.entries()) {
      for (const [at, entry] of (entries[which] ?? []).entries()) {
        this.#compare('record_mismatch', copy.object, at, leafHash(entry), leaves[at]);
      }
    }
    for (const copy of tiles) {
      for (const [at, hash] of decodeTile(copy.bytes, copy.width).entries()) {
        this.#compare('tile_mismatch', copy.object, at, hash, leaves[at]);
      }
    }
    return { leaves, lines: leaves.map((leaf, at) => this.#lineOf(at, leaf, bySegment[at], bundle[at], byBundle[at])) };
  }

  /** The entries of a bundle that is one; those of another are not looked at. */
  #entriesOf({ object, width, bytes }: Copy): readonly Uint8Array[] {
    let message: string;
    try {
      const entries = decodeBundle(bytes);
      if (entries.length === width) return entries;
      message = `the bundle holds ${entries.length} records, its name says ${width}`;
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      message = error.message;
    }
    const { trail, first } = this.#unit;
    this.#findings.add({
      kind: 'malformed_bundle',
      trail,
      object,
      seq: first,
      lastSeq: first + width - 1,
      message,
    });
    return [];
  }

  #filled(hashes: readonly Hash[]): readonly (Hash | undefined)[] {
    return Array.from({ length: this.#width }, (_, at) => hashes[at]);
  }

  /** The leaf hashes to go on with: what gives the hash in the tile above, or else what most copies say. */
  #choose(...copies: readonly [Hashes, Hashes, Hashes]): Hashes {
    const [bySegment, byBundle, byTile] = copies;
    const voted = byTile.map((hash, at) => vote(bySegment[at], byBundle[at], hash));
    const { subtree } = this.#unit;
    if (subtree === undefined) return voted;
    const fits = (hashes: Hashes): boolean => {
      const leaves = complete(hashes);
      return leaves !== undefined && sameBytes(growTree(EMPTY_FRONTIER, leaves).root, subtree);
    };
    return [voted, byTile, bySegment, byBundle].find(fits) ?? voted;
  }

  #compare(kind: ProblemKind, object: string, at: number, hash: Hash | undefined, leaf: Hash | undefined): void {
    if (hash === undefined || leaf === undefined || sameBytes(hash, leaf)) return;
    const { trail, first } = this.#unit;
    const what = kind === 'tile_mismatch' ? 'the hash in the tile' : 'the record';
    const message = `${what} is not the one that the other copies have`;
    this.#findings.add({ kind, trail, object, seq: first + at, message });
  }

  #lineOf(
    at: number,
    leaf: Hash | undefined,
    segmentHash: Hash | undefined,
    entry: Uint8Array | undefined,
    entryHash: Hash | undefined,
  ): Line | undefined {
    if (leaf === undefined) return undefined;
    if (segmentHash !== undefined && sameBytes(segmentHash, leaf)) return this.#unit.lines[at];
    if (entry === undefined || entryHash === undefined || !sameBytes(entryHash, leaf)) return undefined;
    return this.#readEntry(this.#unit.first + at, entry);
  }

  /** A record whose line is gone from the segments is read from the bundle. */
  #readEntry(seq: number, entry: Uint8Array): Line {
    const { trail } = this.#unit;
    const object = this.#unit.bundles[0]?.object ?? '';
    const report = (kind: ProblemKind, message: string): void =>
      this.#findings.add({ kind, trail, object, seq, message });
    const line = this.#reader.read(entry, object, report);
    if (line.seq !== seq && line.seq !== UNREADABLE) {
      report('wrong_seq', `record ${line.seq} stands where record ${seq} belongs`);
    }
    return line;
  }
}

type Hashes = readonly (Hash | undefined)[];

/** What two of three say; else what the tile says, the segment, the bundle. */
function vote(segment: Hash | undefined, bundle: Hash | undefined, tile: Hash | undefined): Hash | undefined {
  if (segment !== undefined && bundle !== undefined && sameBytes(segment, bundle)) return segment;
  return tile ?? segment ?? bundle;
}
