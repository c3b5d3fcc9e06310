import { SealtrailError } from '../../log/error.ts';
import { HASH_BYTES, type Hash, sameBytes } from '../../log/hash.ts';
import { decodeBundle, decodeTile, TILE_WIDTH } from '../../log/tile.ts';
import { hashLeaves } from '../../log/tile-hash.ts';
import { tileRoot } from '../native/native.ts';
import { type Line, type LineReader, UNREADABLE } from '../records/check-line.ts';
import { recordDiff } from '../records/record-diff.ts';
import type { Findings } from '../report/findings.ts';
import type { ProblemKind } from '../report/problem.ts';
import type { Copy } from './check-tiles.ts';

/** The records that share a level 0 tile and a bundle, and every copy of them that the archive holds. */
export interface TileCopies {
  readonly trail: string;
  /** Number of its first record, a multiple of 256. */
  readonly first: number;
  /** Lines out of the segments, one place for each record; undefined where there is none. */
  readonly lines: readonly (Line | undefined)[];
  readonly bundles: readonly Copy[];
  readonly tiles: readonly Copy[];
  /** The hash of these records by the tile above, for a full tile. */
  readonly subtree: Hash | undefined;
}

/** The records on which the copies agree. */
export interface Reconciled {
  /** Leaf hashes, one after the other; those of lost records are zeros. */
  readonly row: Buffer;
  /** The first record, counted from the first of them, whose hash is lost; as many as there are records: none. */
  readonly known: number;
  /** The line that has the leaf hash; undefined where none is left that has. */
  readonly lines: readonly (Line | undefined)[];
}

/** A whole list, or nothing. */
function complete<T>(list: readonly (T | undefined)[]): readonly T[] | undefined {
  const there = list.filter((item) => item !== undefined);
  return there.length === list.length ? there : undefined;
}

/**
 * Compares all copies of the records of one tile and reports those that differ. When all agree, that is a
 * comparison of bytes; otherwise each record goes by what most of its copies say, and the tile above decides.
 */
export function reconcileCopies(copies: TileCopies, reader: LineReader, findings: Findings): Reconciled {
  const lines = complete(copies.lines);
  if (lines !== undefined) {
    const row = hashLeaves(lines);
    const agree = (tile: Copy): boolean => sameBytes(tile.bytes, row.subarray(0, tile.width * HASH_BYTES));
    if (copies.tiles.every(agree) && copies.bundles.every((bundle) => holds(bundle, lines))) {
      return { row, known: lines.length, lines };
    }
  }
  return new Differing(copies, reader, findings).settle();
}

/** True if a bundle holds these lines, and no more (C2SP tlog-tiles, Log entries: each behind its length in 16 bits). */
function holds({ width, bytes: stored }: Copy, lines: readonly Line[]): boolean {
  if (width > lines.length) return false;
  const bundle = Buffer.from(stored.buffer, stored.byteOffset, stored.length);
  let at = 0;
  for (let i = 0; i < width; i++) {
    const line = lines[i];
    if (line === undefined) return false;
    const end = at + 2 + line.length;
    if (end > bundle.length || bundle.readUInt16BE(at) !== line.length) return false;
    if (bundle.compare(line.bytes, line.from + 1, line.end, at + 2, end) !== 0) return false;
    at = end;
  }
  return at === bundle.length;
}

type Hashes = readonly (Hash | undefined)[];

/** Copies that differ, record by record. */
class Differing {
  readonly #copies: TileCopies;
  readonly #reader: LineReader;
  readonly #findings: Findings;

  constructor(copies: TileCopies, reader: LineReader, findings: Findings) {
    this.#copies = copies;
    this.#reader = reader;
    this.#findings = findings;
  }

  settle(): Reconciled {
    const { lines, bundles, tiles } = this.#copies;
    const entries = bundles.map((copy) => this.#entriesOf(copy));
    const [bundle = []] = entries;
    const [tile] = tiles;
    const bySegment = lines.map((line) => (line === undefined ? undefined : hashOf(line.leaf)));
    const byBundle = this.#filled(bundle.map(hashOf));
    const byTile = this.#filled(tile === undefined ? [] : decodeTile(tile.bytes, tile.width));
    const leaves = this.#choose(bySegment, byBundle, byTile);
    for (const [at, line] of lines.entries()) {
      if (line === undefined) continue;
      const [other] = entries.flatMap((list) => list[at] ?? []);
      this.#compare('record_mismatch', line.object, at, bySegment[at], leaves[at], [line.leaf, other]);
    }
    for (const [which, copy] of bundles.entries()) {
      for (const [at, leaf] of (entries[which] ?? []).entries()) {
        this.#compare('record_mismatch', copy.object, at, hashOf(leaf), leaves[at], [leaf, lines[at]?.leaf]);
      }
    }
    for (const copy of tiles) {
      for (const [at, hash] of decodeTile(copy.bytes, copy.width).entries()) {
        this.#compare('tile_mismatch', copy.object, at, hash, leaves[at]);
      }
    }
    const lost = leaves.indexOf(undefined);
    return {
      row: Buffer.concat(leaves.map((leaf) => leaf ?? Buffer.alloc(HASH_BYTES))),
      known: lost < 0 ? leaves.length : lost,
      lines: leaves.map((leaf, at) => this.#lineOf(at, leaf, bySegment[at], bundle[at])),
    };
  }

  /** The entries of a bundle that is one, as leaves; those of another are not looked at. */
  #entriesOf({ object, width, bytes }: Copy): readonly Buffer[] {
    let message: string;
    try {
      const entries = decodeBundle(bytes);
      if (entries.length === width) return entries.map((entry) => Buffer.concat([PREFIX, entry]));
      message = `the bundle holds ${entries.length} records, its name says ${width}`;
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error;
      message = error.message;
    }
    const { trail, first } = this.#copies;
    const about = { trail, object, seq: first, lastSeq: first + width - 1 };
    this.#findings.add({ kind: 'malformed_bundle', ...about, message });
    return [];
  }

  #filled(hashes: readonly Hash[]): Hashes {
    return this.#copies.lines.map((_, at) => hashes[at]);
  }

  /** The leaf hashes to go on with: what gives the hash in the tile above, or else what most copies say. */
  #choose(bySegment: Hashes, byBundle: Hashes, byTile: Hashes): Hashes {
    const voted = byTile.map((hash, at) => vote(bySegment[at], byBundle[at], hash));
    const { subtree } = this.#copies;
    const fits = (hashes: Hashes): boolean => {
      const leaves = complete(hashes);
      if (subtree === undefined || leaves?.length !== TILE_WIDTH) return false;
      return sameBytes(tileRoot(Buffer.concat(leaves)), subtree);
    };
    return [voted, byTile, bySegment, byBundle].find(fits) ?? voted;
  }

  /** @param pair the record here, and the other copy of it */
  #compare(
    kind: ProblemKind,
    object: string,
    at: number,
    hash: Hash | undefined,
    leaf: Hash | undefined,
    [here, there]: readonly (Buffer | undefined)[] = [],
  ): void {
    if (hash === undefined || leaf === undefined || sameBytes(hash, leaf)) return;
    const { trail, first } = this.#copies;
    const what = kind === 'tile_mismatch' ? 'the hash in the tile' : 'the record';
    // Only the copy that the others agree on is worth a comparison.
    const isKnown = here !== undefined && there !== undefined && sameBytes(hashOf(there), leaf);
    const diff = isKnown ? `: ${recordDiff(here.toString('utf8', 1), there.toString('utf8', 1))}` : '';
    const message = `${what} is not the one that the other copies have${diff}`;
    this.#findings.add({ kind, trail, object, seq: first + at, message });
  }

  #lineOf(
    at: number,
    leaf: Hash | undefined,
    bySegment: Hash | undefined,
    entry: Buffer | undefined,
  ): Line | undefined {
    if (leaf === undefined) return undefined;
    if (bySegment !== undefined && sameBytes(bySegment, leaf)) return this.#copies.lines[at];
    if (entry === undefined || !sameBytes(hashOf(entry), leaf)) return undefined;
    return this.#readEntry(this.#copies.first + at, entry);
  }

  /** A record whose line is gone from the segments is read from the bundle. */
  #readEntry(seq: number, entry: Buffer): Line {
    const { trail } = this.#copies;
    const object = this.#copies.bundles[0]?.object ?? '';
    const report = (kind: ProblemKind, message: string): void =>
      this.#findings.add({ kind, trail, object, seq, message });
    const line = this.#reader.read(entry, object, report);
    if (line.seq !== seq && line.seq !== UNREADABLE) {
      report('wrong_seq', `record ${line.seq} stands where record ${seq} belongs`);
    }
    return line;
  }
}

/** RFC 6962 section 2.1: what is hashed of a leaf begins with 0x00. */
const PREFIX = Buffer.from([0x00]);

const hashOf = (leaf: Buffer): Hash => hashLeaves([{ leaf }]);

/** The hash on which two of three agree; else that of the tile, the segment, the bundle. */
function vote(segment: Hash | undefined, bundle: Hash | undefined, tile: Hash | undefined): Hash | undefined {
  if (segment !== undefined && bundle !== undefined && sameBytes(segment, bundle)) return segment;
  return tile ?? segment ?? bundle;
}
