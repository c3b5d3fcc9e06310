import { gunzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { openCheckpoint } from '../../../lib/log/checkpoint.ts';
import { sameBytes } from '../../../lib/log/hash.ts';
import type { Objects } from '../../../lib/store/ports.ts';
import { treeOf } from '../../log/naive-tree.ts';
import type { FakeLedger } from '../fake-ledger.ts';

/** What a check found that an archive holds. */
export interface Checked {
  /** Size of the newest archived checkpoint. */
  readonly archived: number;
  /** Size of `<trail>/checkpoint`. */
  readonly sealed: number;
  /** Records in segments beyond the newest archived checkpoint: begun, not covered. */
  readonly uncovered: number;
  readonly keys: readonly string[];
}

/**
 * The one checker that runs after every step of every test: whatever has happened, each object of the archive is what
 * its name says, nothing is there twice, and what the newest archived checkpoint covers is there in full.
 */
export async function checkArchive(objects: Objects, ledger: FakeLedger): Promise<Checked> {
  const { trail } = ledger;
  const keys: string[] = [];
  for await (const { key } of objects.list('')) keys.push(key);
  const tree = treeOf(ledger.allLeaves);
  const lines = ledger.allLines;
  const read = async (key: string): Promise<Buffer> => {
    const bytes = await objects.get(key);
    if (bytes === undefined) throw new Error(`${key} was listed, and is not there`);
    return Buffer.from(bytes);
  };
  const open = async (key: string): Promise<number> => {
    const verifiers = await ledger.verifiers(trail);
    const { size, root } = openCheckpoint((await read(key)).toString(), ledger.origin, verifiers);
    expect([key, Buffer.from(root).toString('hex')]).toEqual([key, tree.rootAt(size).toString('hex')]);
    return size;
  };

  const held = new Set<number>();
  const tiles = new Set<string>();
  let archived = 0;
  let sealed = 0;
  for (const key of keys) {
    const name = key.startsWith(`${trail}/`) ? key.slice(trail.length + 1) : key;
    const segment = /^records\/dt=(\d{4}-\d\d-\d\d)\/(\d{16})-(\d{16})\.jsonl\.gz$/.exec(name);
    const tile = /^tile\/(entries|\d+)\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d+))?$/.exec(name);
    const checkpoint = /^checkpoints\/(\d+)$/.exec(name);
    if (segment !== null) {
      const found = gunzipSync(await read(key)).toString();
      const [first, last] = [Number(segment[2]), Number(segment[3])];
      expect([key, found]).toEqual([
        key,
        lines
          .slice(first, last + 1)
          .map((line) => `${line}\n`)
          .join(''),
      ]);
      const times = found.match(/(?<="receivedAt":)\d+/g) ?? [];
      const dates = new Set(times.map((time) => new Date(Number(time)).toISOString().slice(0, 10)));
      expect([key, ...dates]).toEqual([key, segment[1]]);
      for (let seq = first; seq <= last; seq++) {
        if (held.has(seq)) expect.fail(`${key}: record ${seq} is in another segment too`);
        held.add(seq);
      }
    } else if (tile !== null) {
      const index = Number((tile[2] ?? '').replaceAll(/[x/]/g, ''));
      const width = Number(tile[3] ?? 256);
      const want =
        tile[1] === 'entries'
          ? bundleOf(lines.slice(index * 256, index * 256 + width))
          : tree.tile(Number(tile[1]), index, width);
      expect([key, sameBytes(await read(key), want)]).toEqual([key, true]);
      tiles.add(name);
    } else if (checkpoint !== null) {
      const size = await open(key);
      expect([key, size]).toEqual([key, Number(checkpoint[1])]);
      archived = Math.max(archived, size);
    } else if (name === 'checkpoint') {
      sealed = await open(key);
    } else {
      expect(key).toMatch(/^keys\/[0-9a-f]{8}\.(vkey|pem)$/);
    }
  }
  for (let seq = 0; seq < archived; seq++) if (!held.has(seq)) expect.fail(`record ${seq} of ${archived} is missing`);
  for (const name of tilesNeeded(archived, false)) expect([name, tiles.has(name)]).toEqual([name, true]);
  for (const name of tilesNeeded(sealed, true)) expect([name, tiles.has(name)]).toEqual([name, true]);
  expect(sealed).toBeLessThanOrEqual(archived);
  return { archived, sealed, uncovered: held.size - archived, keys };
}

function bundleOf(lines: readonly string[]): Buffer {
  const parts = lines.flatMap((line) => {
    const bytes = Buffer.from(line);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/** The names of the tiles and bundles of a size, straight from C2SP tlog-tiles. */
function tilesNeeded(size: number, partial: boolean): string[] {
  const names: string[] = [];
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / 256)) {
    for (const kind of level === 0 ? ['0', 'entries'] : [String(level)]) {
      for (let index = 0; index < Math.floor(count / 256); index++) names.push(`tile/${kind}/${pathOf(index)}`);
      if (partial && count % 256 > 0) {
        names.push(`tile/${kind}/${pathOf(Math.floor(count / 256))}.p/${count % 256}`);
      }
    }
  }
  return names;
}

function pathOf(index: number): string {
  const digits = index.toString().padStart(Math.ceil(index.toString().length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  return groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
}
