import { bundleName, tileName } from '../../log/archive.ts';
import { appendLeaves, EMPTY_FRONTIER, type Frontier, frontierNodes } from '../../log/frontier.ts';
import { HASH_BYTES, type Hash, sameBytes } from '../../log/hash.ts';
import { decodeTile, TILE_WIDTH, tileOfNode } from '../../log/tile.ts';
import type { Evidence } from '../evidence/evidence.ts';
import { partialPlace, type TrailInventory } from '../evidence/inventory.ts';
import type { Findings } from '../report/findings.ts';
import type { Span } from '../report/report.ts';

/** A copy of a tile or bundle: the full one, or a partial one that a seal left. */
export interface Copy {
  readonly object: string;
  /** Hashes or entries that it should hold, 1 to 256. */
  readonly width: number;
  readonly bytes: Uint8Array;
}

/** Where tiles and bundles are read. */
export interface TileSource {
  readonly trail: string;
  readonly inventory: TrailInventory;
  readonly evidence: Evidence;
  readonly findings: Findings;
  /** Of several readers of an object, the one whose span holds its last record reports it. */
  readonly span: Span;
  /** Records in the log; what lies beyond is not read. */
  readonly size: number;
}

/** Reads the copies of bundles and tiles, widest first, and counts them. */
export class TileReader {
  readonly #source: TileSource;
  bundles = 0;
  tiles = 0;

  constructor(source: TileSource) {
    this.#source = source;
  }

  /** The copies of the bundle that begins with record `index * 256`. */
  async bundleCopies(index: number): Promise<Copy[]> {
    const { trail, inventory } = this.#source;
    const widths = this.#widths('entries', index, inventory.bundles.has(index), 1);
    const read = (width: number): Promise<Copy | undefined> =>
      this.#read(bundleName(trail, index, width), width, this.#owns(index, width, 1), 'missing_bundle');
    const copies = (await Promise.all(widths.map(read))).filter((copy) => copy !== undefined);
    for (const { width } of copies) if (this.#owns(index, width, 1)) this.bundles += 1;
    return copies;
  }

  /** The copies of a hash tile that have the length of one. */
  async tileCopies(level: number, index: number): Promise<Copy[]> {
    const { trail, inventory, findings } = this.#source;
    const leaves = TILE_WIDTH ** level; // below one hash of the tile
    const widths = this.#widths(level, index, inventory.tiles.get(level)?.has(index) ?? false, leaves);
    const read = (width: number): Promise<Copy | undefined> =>
      this.#read(tileName(trail, { level, index, width }), width, this.#owns(index, width, leaves), 'missing_tile');
    const copies = (await Promise.all(widths.map(read))).filter((copy) => copy !== undefined);
    return copies.filter(({ object, width, bytes }) => {
      const owns = this.#owns(index, width, leaves);
      if (owns) this.tiles += 1;
      if (bytes.length === width * HASH_BYTES) return true;
      const message = `a tile of ${width} hashes has ${width * HASH_BYTES} bytes, this one ${bytes.length}`;
      if (owns) findings.add({ kind: 'malformed_tile', trail, object, ...coveredBy(index, width, leaves), message });
      return false;
    });
  }

  /** Widest first. */
  #widths(level: number | 'entries', index: number, full: boolean, leaves: number): number[] {
    const { inventory, size } = this.#source;
    const partial = inventory.partials.get(partialPlace(level, index)) ?? [];
    const widths = [...partial, ...(full ? [TILE_WIDTH] : [])].reverse();
    return widths.filter((width) => (index * TILE_WIDTH + width) * leaves <= size);
  }

  #owns(index: number, width: number, leaves: number): boolean {
    const { from, to } = this.#source.span;
    const last = (index * TILE_WIDTH + width) * leaves - 1;
    return last >= from && last < to;
  }

  async #read(
    object: string,
    width: number,
    owns: boolean,
    missing: 'missing_bundle' | 'missing_tile',
  ): Promise<Copy | undefined> {
    const { evidence, trail } = this.#source;
    const bytes = await evidence.read(object, trail, owns ? missing : undefined);
    return bytes === undefined ? undefined : { object, width, bytes };
  }
}

/** The records under a tile. */
function coveredBy(index: number, width: number, leaves: number): { readonly seq: number; readonly lastSeq: number } {
  const seq = index * TILE_WIDTH * leaves;
  return { seq, lastSeq: seq + width * leaves - 1 };
}

/**
 * The tiles above level 0, read as the walk along the records comes past them: each of their hashes is compared once,
 * when the subtree below it is complete. Holds one tile per level.
 */
export class UpperTiles {
  readonly #source: TileSource;
  readonly #reader: TileReader;
  readonly #open = new Map<number, { readonly index: number; readonly copies: Promise<Copy[]> }>();

  constructor(source: TileSource, reader: TileReader) {
    this.#source = source;
    this.#reader = reader;
  }

  /** Compares the hash of a complete subtree of `256^level` leaves with all copies of the tile that holds it. */
  async check(level: number, index: number, hash: Hash): Promise<void> {
    const { trail, findings } = this.#source;
    const at = index % TILE_WIDTH;
    const leaves = TILE_WIDTH ** level;
    for (const { object, width, bytes } of await this.#copies(level, Math.floor(index / TILE_WIDTH))) {
      if (at >= width || sameBytes(hashAt(bytes, at), hash)) continue;
      const message = `hash ${at} of the tile is not that of the records below it`;
      const covered = { seq: index * leaves, lastSeq: (index + 1) * leaves - 1 };
      findings.add({ kind: 'tile_mismatch', trail, object, ...covered, message });
    }
  }

  /** The hash of a complete subtree of `256^level` leaves, by the tiles. */
  async hash(level: number, index: number): Promise<Hash | undefined> {
    const at = index % TILE_WIDTH;
    const [copy] = await this.#copies(level, Math.floor(index / TILE_WIDTH));
    return copy === undefined || at >= copy.width ? undefined : hashAt(copy.bytes, at);
  }

  /**
   * The frontier that the tiles give at a size; undefined where they do not. Proven only by a signed root.
   *
   * @param size a multiple of 256
   */
  async frontier(size: number): Promise<Frontier | undefined> {
    const nodes: Hash[] = [];
    for (const id of frontierNodes(size)) {
      const { level, index, offset, span } = tileOfNode(id);
      const hashes: Hash[] = [];
      for (let at = index * TILE_WIDTH + offset; hashes.length < span; at++) {
        const hash = (await this.hash(level, at)) ?? (await this.#readRoot(level - 1, at));
        if (hash === undefined) return undefined;
        hashes.push(hash);
      }
      nodes.push(appendLeaves(EMPTY_FRONTIER, hashes).root);
    }
    return { size, nodes };
  }

  /** The root of a full tile, for a hash whose tile is not there yet. */
  async #readRoot(level: number, index: number): Promise<Hash | undefined> {
    const [copy] = await this.#reader.tileCopies(level, index);
    if (copy?.width !== TILE_WIDTH) return undefined;
    return appendLeaves(EMPTY_FRONTIER, decodeTile(copy.bytes, TILE_WIDTH)).root;
  }

  /** The hash of the record before `seq`, a multiple of 256. */
  async leafBefore(seq: number): Promise<Hash | undefined> {
    const [copy] = await this.#reader.tileCopies(0, seq / TILE_WIDTH - 1);
    return copy?.width === TILE_WIDTH ? hashAt(copy.bytes, TILE_WIDTH - 1) : undefined;
  }

  #copies(level: number, index: number): Promise<Copy[]> {
    const open = this.#open.get(level);
    if (open?.index === index) return open.copies;
    const copies = this.#reader.tileCopies(level, index);
    this.#open.set(level, { index, copies });
    return copies;
  }
}

const hashAt = (tile: Uint8Array, at: number): Hash => tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
