import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromBase64, toBase64, toHex } from '../../lib/log/encoding.ts';
import { appendLeaves, EMPTY_FRONTIER, type Growth } from '../../lib/log/frontier.ts';
import { type Hash, leafHash } from '../../lib/log/hash.ts';
import { encodeTile, nodeFromTile, type Tile, tilePath, tilesOf } from '../../lib/log/tile.ts';
import {
  checkConsistency,
  checkInclusion,
  type NodeReader,
  proveConsistency,
  proveInclusion,
  treeRoot,
} from '../../lib/log/tree.ts';
import { refusal } from './refusal.ts';

/** What others compute: transparency-dev/merkle, an IETF draft, and Go's module database. Each file names its source. */

const read = (name: string) => JSON.parse(readFileSync(new URL(`../vectors/merkle/${name}`, import.meta.url), 'utf8'));
const hashes = (list: readonly string[] | null): Hash[] => (list ?? []).map((text) => fromBase64(text));

interface InclusionCase {
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
  readonly file: string;
}

interface ConsistencyCase {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
  readonly file: string;
}

describe("the proofs of transparency-dev's merkle library", () => {
  const REFUSALS = ['malformed_proof', 'proof_mismatch'];

  it.each<InclusionCase>(read('inclusion.json').cases)('$file', (vector) => {
    const check = (): void =>
      checkInclusion(
        fromBase64(vector.leafHash),
        vector.leafIdx,
        vector.treeSize,
        hashes(vector.proof),
        fromBase64(vector.root),
      );
    const code = refusal(check)?.code;
    if (vector.wantErr) expect(REFUSALS).toContain(code);
    else expect(code).toBeUndefined();
  });

  it.each<ConsistencyCase>(read('consistency.json').cases)('$file', (vector) => {
    const [older, newer] = [fromBase64(vector.root1), fromBase64(vector.root2)];
    const check = (): void => checkConsistency(vector.size1, older, vector.size2, newer, hashes(vector.proof));
    const code = refusal(check)?.code;
    // One case takes two equal 12-byte texts for roots. Here a root has 32 bytes.
    const isNoHash = older.length !== 32 || newer.length !== 32;
    if (vector.wantErr || isNoHash) expect(REFUSALS).toContain(code);
    else expect(code).toBeUndefined();
  });
});

const readerOf =
  (growth: Growth): NodeReader =>
  async (ids) =>
    ids.map((id) => growth.node(id) as Hash); // the prover refuses what is not a hash

describe('the subtree vectors of draft-ietf-plants-merkle-tree-certs', () => {
  const MAX = 130;
  const { subtreeHashes, subtreeInclusion } = read('rfc6962.json');
  const leaves = Array.from({ length: MAX }, (_, i) => leafHash(Uint8Array.of(i)));

  /** The subtrees [start, end), in the draft's order; its rule for what a subtree is. */
  function* subtrees(): Generator<readonly [number, number]> {
    for (let end = 0; end <= MAX; end++) {
      for (let start = 0; start <= end; start++) {
        let width = 1;
        while (width < end - start) width *= 2;
        if (start === 0 || start === end || start % width === 0) yield [start, end];
      }
    }
  }

  it('are the roots of our trees', async () => {
    const sum = createHash('sha256');
    for (const [start, end] of subtrees()) {
      const growth = appendLeaves(EMPTY_FRONTIER, leaves.slice(start, end));
      sum.update(`[${start}, ${end}) ${toHex(await treeRoot(end - start, readerOf(growth)))}\n`);
    }
    expect(sum.digest('hex')).toBe(subtreeHashes);
  });

  it('are our inclusion proofs', async () => {
    const sum = createHash('sha256');
    for (const [start, end] of subtrees()) {
      const read = readerOf(appendLeaves(EMPTY_FRONTIER, leaves.slice(start, end)));
      for (let index = start; index < end; index++) {
        const proof = await proveInclusion(index - start, end - start, read);
        sum.update(`${index} [${start}, ${end})${proof.map((hash) => ` ${toHex(hash)}`).join('')}\n`);
      }
    }
    expect(sum.digest('hex')).toBe(subtreeInclusion);
  });
});

describe("what golang.org/x/mod's tlog computes for 70,000 leaves", () => {
  const vectors = read('go-tlog.json');
  const leaves = Array.from({ length: 70_000 }, (_, i) => leafHash(`leaf ${i}`));
  const whole = appendLeaves(EMPTY_FRONTIER, leaves);

  it.each<{ size: number; root: string }>(vectors.roots)('is the root of our tree of $size', async ({ size, root }) => {
    expect(toBase64(appendLeaves(EMPTY_FRONTIER, leaves.slice(0, size)).root)).toBe(root);
    expect(toBase64(await treeRoot(size, readerOf(whole)))).toBe(root);
  });

  it.each<{ index: number; size: number; proof: string[] }>(vectors.inclusion)(
    'is our proof of $index in $size',
    async ({ index, size, proof }) => {
      expect((await proveInclusion(index, size, readerOf(whole))).map(toBase64)).toEqual(proof);
    },
  );

  it.each<{ from: number; to: number; proof: string[] }>(vectors.consistency)(
    'is our proof that $to extends $from',
    async ({ from, to, proof }) => {
      expect((await proveConsistency(from, to, readerOf(whole))).map(toBase64)).toEqual(proof);
    },
  );

  it.each<{ size: number; count: number; sha256: string }>(vectors.tiles)(
    'is our $count tiles of $size leaves, names and bytes',
    ({ size, count, sha256 }) => {
      const sum = createHash('sha256');
      const tiles = [...tilesOf(size)];
      for (const tile of tiles) {
        const bytes = encodeTile(hashesOf(tile));
        sum.update(`${tilePath(tile)} ${createHash('sha256').update(bytes).digest('hex')}\n`);
      }
      expect(tiles).toHaveLength(count);
      expect(sum.digest('hex')).toBe(sha256);
    },
  );

  it('is also what a node read from a tile is', () => {
    for (let level = 0; level <= 16; level++) {
      const last = Math.floor(70_000 / 2 ** level) - 1;
      for (const index of new Set([0, 1, Math.floor(last / 2), last - 1, last].filter((i) => i >= 0 && i <= last))) {
        const id = { level, index };
        const place = { level: Math.floor(level / 8), index: Math.floor((index * 2 ** (level % 8)) / 256) };
        const width = Math.min(256, Math.floor(70_000 / 256 ** place.level) - place.index * 256);
        const hash = nodeFromTile(hashesOf({ ...place, width }), id);
        expect(toHex(hash), `${level}/${index}`).toBe(toHex(whole.node(id) as Hash));
      }
    }
  });

  function hashesOf({ level, index, width }: Tile): Hash[] {
    return Array.from({ length: width }, (_, i) => {
      const hash = whole.node({ level: level * 8, index: index * 256 + i });
      if (hash === undefined) throw new Error('the tree has no such node');
      return hash;
    });
  }
});
